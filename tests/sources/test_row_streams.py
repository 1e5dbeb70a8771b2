"""Streams are converted batch by batch, and give what all rows at once give."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import datasets
import polars as pl
import pytest
from told import told

from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.containers import row_streams
from votewise.sources.values import decoded, table_of


class Kept(dict[str, Any]):
    """A row that can be found while it is in memory."""


def row(i: int) -> dict[str, Any]:
    """A row whose types change on the way: later columns, later keys, whole numbers and then others."""
    more = {"late": i / 2} if i > 20 else {}
    more |= {"mixed": "s" if i % 2 else i} if i > 40 else {}
    inner = {"k": i} if i < 10 else {"k": i, "l": [{"m": None if i < 30 else "s"}]}
    vote = {"annotator": f"u{i % 5}", "prompt": f"p{i}", "response_a": "x", "response_b": "y", "label": "ab"[i % 2]}
    return vote | {"about": inner, "number": i if i < 50 else i + 0.5} | more


def test_a_stream_has_the_types_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_streams, "BATCH", 7)
    rows = [row(i) for i in range(60)]
    at_once, found = table_of(rows), row_streams.table_of_stream(iter(rows), "rows")
    assert found.schema.equals(at_once.schema)
    for name in at_once.column_names:
        assert decoded(found, name) == decoded(at_once, name)


@pytest.mark.slow
def test_rows_of_a_stream_do_not_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_streams, "BATCH", 10)
    most = 0

    def rows() -> Iterator[Kept]:
        nonlocal most
        for i in range(100):
            if i % 20 == 19:
                most = max(most, sum(type(found) is Kept for found in gc.get_objects()))
            yield Kept(row(i))

    assert len(read_votes(rows())) == 100
    assert most <= 30


def test_streamed_data_sets_and_lazy_frames_are_read() -> None:
    rows = [
        {"annotator": f"u{i}", "prompt": "p", "response_a": "x", "response_b": "y", "label": i % 2} for i in range(4)
    ]
    kinds = {name: datasets.Value("string") for name in ("annotator", "prompt", "response_a", "response_b")}
    features = datasets.Features(kinds | {"label": datasets.ClassLabel(names=["a", "b"])})
    stream = datasets.Dataset.from_list(rows, features=features).to_iterable_dataset()
    votes = ["u0: x > y | p", "u1: y > x | p", "u2: x > y | p", "u3: y > x | p"]
    assert told(read_votes(stream)) == votes
    frame = pl.DataFrame([r | {"label": "ab"[r["label"]]} for r in rows]).lazy()
    assert told(read_votes(frame)) == votes


def test_a_row_that_is_no_dict_is_named() -> None:
    with pytest.raises(BadInputError, match="stream of rows, row 2: is not a dict, got 'x'"):
        read_votes(iter([row(1), "x"]))
