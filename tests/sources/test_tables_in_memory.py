"""Large tables in memory and large streams are read some rows at a time: everything is as if they had been read at once."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from test_stand_ins import LONG, NEVER, TALKS, Rows, compare, many, utterances

from votewise.data.lazy_table import LazyTable
from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.containers import frames, opening, row_streams, stand_ins
from votewise.sources.values import table_of

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""


class Exported:
    """Whatever gives a stream of Arrow."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)


CONTAINERS: dict[str, Callable[[Rows], Any]] = {
    "pyarrow": table_of,
    "pyarrow, chunks": lambda rows: pa.concat_tables([table_of(rows).slice(i, 7) for i in range(0, len(rows), 7)]),
    "arrow stream": lambda rows: Exported(table_of(rows)),
    "pandas": pd.DataFrame,
    "pandas, objects": lambda rows: pd.DataFrame({name: pd.Series([r.get(name) for r in rows], dtype=object)
                                                  for name in rows[0]}),
    "pandas, python": lambda rows: pd.DataFrame(rows).apply(
        lambda column: column.astype("string[python]") if column.dtype == "str" else column),
    "pandas, an index": lambda rows: pd.DataFrame([{"place": i} | row for i, row in enumerate(rows)]).set_index("place"),
    "polars": pl.DataFrame,
    "polars, lazy": lambda rows: pl.DataFrame(rows).lazy(),
    "datasets": lambda rows: datasets.Dataset(table_of(rows)),
    "datasets, shuffled": lambda rows: datasets.Dataset(table_of(rows)).shuffle(seed=3),
    "datasets, streamed": lambda rows: datasets.Dataset(table_of(rows)).to_iterable_dataset(),
    "datasets, splits": lambda rows: datasets.DatasetDict({"train": datasets.Dataset(table_of(rows)),
                                                           "test": datasets.Dataset(table_of(rows[:1]))}),
    "list": lambda rows: rows,
    "tuple": tuple,
    "generator": iter,
}  # fmt: skip


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_streams, "BATCH", 9)
    monkeypatch.setattr(frames, "AT_ONCE", 9)


def both_ways(monkeypatch: pytest.MonkeyPatch, make: Callable[[], Any], **told: Any) -> Any:
    """The votes read some rows at a time and at once, which are compared; None where both end in the same error."""
    found: list[Any] = []
    for large in (0, NEVER):
        monkeypatch.setattr(stand_ins, "LARGE", large)
        try:
            found.append(read_votes(make(), **told))
        except BadInputError as error:
            found.append(str(error))
    if isinstance(found[1], str):
        assert found[0] == found[1]
        return None
    assert not isinstance(found[0], str), found[0]
    assert not isinstance(found[1].table, LazyTable)
    compare(*found)
    return found[0]


@pytest.mark.parametrize("kind", CONTAINERS)
def test_votes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = many(5)
    votes = both_ways(monkeypatch, lambda: CONTAINERS[kind](rows))
    assert kind == "arrow stream" or isinstance(votes.table, LazyTable)
    assert votes.texts.take(pa.array([4, 3])).to_pylist() == votes.texts.to_pylist()[4:2:-1]


@pytest.mark.parametrize("kind", CONTAINERS)
@pytest.mark.parametrize("rows", [TALKS, utterances(2)], ids=["conversations", "prism"])
def test_values_that_are_looked_into(kind: str, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    assert both_ways(monkeypatch, lambda: CONTAINERS[kind](rows)) is not None


@pytest.mark.parametrize("kind", CONTAINERS)
def test_texts_that_are_needed_at_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"pair": f"{LONG} {i % 12}", "annotator": f"{i}", "label": "a", "reason": f"{LONG} {i}"} for i in range(40)]
    assert both_ways(monkeypatch, lambda: CONTAINERS[kind](rows)) is not None


@pytest.mark.parametrize("kind", ["pandas", "pandas, objects", "list", "generator"])
def test_columns_of_objects_whose_types_change_on_the_way(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        row
        | {
            "prompt": f"{LONG} {i}",
            "mixed": i if i < 30 else f"text {i}",
            "half": i if i < 30 else i + 0.5,
            "far": 2**60 + i if i < 30 else i + 0.5,
            "late": None if i < 40 else f"text {LONG}",
            "inner": {"a": i} if i < 20 else {"b": [str(i)], "a": None},
            "inner of two": {"a": i} if i < 20 else {"a": f"x{i}"},
            "lists": [] if i < 25 else [LONG],
            "flag": i % 2 == 0 if i < 30 else None,
        }
        for i, row in enumerate(many(6))
    ]
    assert both_ways(monkeypatch, lambda: CONTAINERS[kind](rows)) is not None


@pytest.mark.parametrize("kind", ["pandas", "polars", "polars, lazy", "pyarrow"])
def test_categories_keep_their_types(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row | {"topic": "xyz"[i % 3]} for i, row in enumerate(many(7))]

    def make() -> Any:
        if kind == "pandas":
            return pd.DataFrame(rows).astype({"topic": pd.CategoricalDtype(["z", "y", "x"], ordered=True)})
        if kind == "pyarrow":
            table = table_of(rows)
            return table.set_column(table.column_names.index("topic"), "topic", table["topic"].dictionary_encode())
        frame = pl.DataFrame(rows).with_columns(pl.col("topic").cast(pl.Enum(["x", "y", "z"])))
        return frame.lazy() if kind == "polars, lazy" else frame

    votes = both_ways(monkeypatch, make)
    assert pa.types.is_dictionary(votes.table.schema.field("topic").type)


@pytest.mark.parametrize("streamed", [False, True])
def test_classes_of_data_sets_have_names(streamed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row | {"label": i % 2} for i, row in enumerate(many(8))]
    kinds = {name: datasets.Value("string") for name in ("prompt", "response_a", "response_b", "annotator")}
    features = datasets.Features(kinds | {"label": datasets.ClassLabel(names=["a", "b"])})
    data = datasets.Dataset.from_list([{name: row[name] for name in features} for row in rows], features=features)
    assert both_ways(monkeypatch, lambda: data.to_iterable_dataset() if streamed else data) is not None


@pytest.mark.parametrize("at", [3, 50])
def test_a_stream_that_breaks_off_is_not_half_read(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(last: Any) -> Iterator[Any]:
        yield from many(9)[:at]
        if isinstance(last, Exception):
            raise last
        yield last
        yield from many(9)[at:]

    assert both_ways(monkeypatch, lambda: rows("no dict")) is None
    assert both_ways(monkeypatch, lambda: rows(OSError("the disk is gone"))) is None


def test_columns_of_one_name_are_refused_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(many(4))
    twice = pa.Table.from_arrays([*table.columns, table["reason"]], names=[*table.column_names, "reason"])
    for make in (lambda: twice, lambda: pd.concat([pd.DataFrame(many(4)), pd.DataFrame(many(4))[["reason"]]], axis=1)):
        assert both_ways(monkeypatch, make) is None


def test_a_table_of_arrow_is_in_memory_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand_ins, "LARGE", 0)
    texts = pa.array([f"{i} " + "x" * 2_000 for i in range(5_000)])
    labels = pa.array(["a", "b"] * 2_500)
    table = pa.table({"prompt": texts, "response_a": texts, "response_b": pa.array([f"{i}" for i in range(5_000)]),
                      "label": labels, "annotator": labels})  # fmt: skip
    before = pa.total_allocated_bytes()
    votes = read_votes(table)
    gc.collect()
    assert pa.total_allocated_bytes() - before < table.nbytes / 10
    assert votes.table.to_table().equals(table)


def test_what_is_changed_afterwards_changes_no_votes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand_ins, "LARGE", 0)
    rows, frame = many(3), pd.DataFrame(many(3)).astype({"reason": object})
    votes = [read_votes(rows), read_votes(frame), read_votes(pl_frame := pl.DataFrame(many(3)))]
    before = [found.table.to_table() for found in votes]
    for row in rows:
        row["reason"] = "changed"
    frame.loc[:, "reason"] = "changed"
    pl_frame[0, "reason"] = "changed"
    assert [found.table.to_table().equals(b) for found, b in zip(votes, before, strict=True)] == [True] * 3


def test_a_small_stream_stays_in_memory() -> None:
    source = opening.load(iter(many(1)), leave_texts=True)
    assert source.stand_ins is None
    assert len(source.table) == len(many(1))
    assert np.array_equal(source.table["id"].to_numpy(), np.arange(len(many(1))))


def test_a_data_set_that_keeps_messages_as_json() -> None:
    """As ``datasets`` does where messages have different fields."""
    asked = [{"role": "user", "content": "q"}]
    call = [{"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}]
    calls, says = ({"role": "assistant", "content": "", "tool_calls": call}, {"role": "assistant", "content": "no"})
    rows = [
        {"prompt": asked, "chosen": [one], "rejected": [other], "annotator": "ann"}
        for one, other in ((calls, says), (says, calls | {"name": "bob"}))
    ]
    source = datasets.Dataset.from_list(rows, on_mixed_types="use_json")
    assert "Json(" in str(source.features)
    for votes in (read_votes(source), read_votes(rows)):
        assert votes.n_pairs == 2
        assert votes.texts.to_pylist()[0]["response_a"][0]["other"].startswith('{"tool_calls": [{"function"')
