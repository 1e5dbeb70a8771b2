"""Kept clicks have the types of the source: of Parquet files whose schemas differ, staged texts, and tables in databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from votewise.errors import BadInputError
from votewise.sources.containers import exact_rows, json_files, lazy
from votewise.sources.containers.one_schema import common_type, one_schema
from votewise.sources.databases.connections import open_url, read_ibis
from votewise.storage.engine import engine_keeps
from votewise.workflows.filter_clicks import filter_clicks

FEATURES = {b"pandas": b'{"it\'s": "a frame"}', b"huggingface": "é".encode(), b"mine": b"yes"}


def clicks(n: int = 400, start: int = 0) -> pa.Table:
    rng = np.random.default_rng(start)
    return pa.table(
        {
            "id": pa.array(np.arange(start, start + n)),
            "user": pa.array([f"u{i}" for i in rng.integers(0, 20, n)]),
            "model_a": pa.array(["m1"] * n),
            "model_b": pa.array(["m2"] * n),
            "winner": pa.array(np.where(rng.random(n) < 0.8, "model_a", "model_b")),
        }
    )


def typed(n: int = 400) -> pa.Table:
    """Clicks with a column of every type that an engine may change."""
    table, numbers = clicks(n), [None if i % 7 == 0 else i % 100 for i in range(n)]
    talk = [None if i % 5 == 0 else [] if i % 5 == 1 else [{"role": "user", "n": i}] for i in range(n)]
    more = {
        "large": pa.array([None if i is None else f"'{i}\n" for i in numbers], pa.large_string()),
        "bytes": pa.array([None if i is None else bytes([i, 255]) for i in numbers], pa.large_binary()),
        "tiny": pa.array(numbers, pa.int8()),
        "unsigned": pa.array([None if i is None else 2**64 - 1 - i for i in numbers], pa.uint64()),
        "single": pa.array([float("nan") if i is None else i / 8 for i in numbers], pa.float32()),
        "day": pa.array(numbers, pa.int32()).cast(pa.date32()),
        "when": pa.array(numbers, pa.timestamp("us", "Europe/Berlin")),
        "nanoseconds": pa.array(numbers, pa.timestamp("ns")),
        "talk": pa.array(talk, pa.large_list(pa.struct([("role", pa.large_string()), ("n", pa.int16())]))),
        "named": pa.array(numbers, pa.int32()),
    }
    for name, column in more.items():
        field = pa.field(name, column.type, metadata={"unit": "s"} if name == "named" else None)
        table = table.append_column(field, column)
    return table.replace_schema_metadata(FEATURES)


ODD: dict[str, Callable[[list[Any]], pa.Array]] = {
    "categories": lambda n: pa.array([None if i is None else "xyz"[i % 3] for i in n]).dictionary_encode(),
    "milliseconds": lambda n: pa.array(n, pa.timestamp("ms")),
    "nanoseconds with a zone": lambda n: pa.array([None if i is None else i * 1_001 for i in n], pa.timestamp("ns", "UTC")),
    "decimal": lambda n: pa.array(n, pa.decimal128(12, 2)),
    "time": lambda n: pa.array(n, pa.time64("ns")),
    "nothing": lambda n: pa.nulls(len(n)),
    "half": lambda n: pa.array([None if i is None else np.float16(i) for i in n], pa.float16()),
    "map": lambda n: pa.array([None if i is None else [(str(i), i)] for i in n], pa.map_(pa.string(), pa.int8())),
}  # fmt: skip


def kept(source: Any, folder: Path, **told: Any) -> pa.Table:
    filter_clicks(source, win_rate=0.8, keep=0.5, out=folder, report=False, **told)
    return pq.read_table(folder / "comparisons.parquet")


def check(found: pa.Table, source: pa.Table, by: str = "id") -> None:
    """The kept rows are rows of the source, with its types and metadata."""
    assert 0 < len(found) < len(source)
    for own, expected in zip(found.schema, source.schema, strict=True):
        assert own.equals(expected, check_metadata=True), (own, expected)
    assert found.schema.metadata == source.schema.metadata
    place = {number: i for i, number in enumerate(source[by].to_pylist())}
    expected = source.take(pa.array([place[number] for number in found[by].to_pylist()]))
    for name in source.column_names:
        assert str(found[name].to_pylist()) == str(expected[name].to_pylist()), name


def test_an_engine_writes_types_that_it_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_rows.ExactRows, "write", lambda *_: pytest.fail("rows are copied one by one"))
    pq.write_table(typed(), tmp_path / "log.parquet")
    source = pq.read_table(tmp_path / "log.parquet")
    assert engine_keeps(source.schema)
    check(kept(tmp_path / "log.parquet", tmp_path / "out"), source)


@pytest.mark.parametrize("name", ODD)
def test_types_that_an_engine_would_change(name: str, tmp_path: Path) -> None:
    numbers = [None if i % 7 == 0 else i % 100 for i in range(400)]
    pq.write_table(clicks().append_column(name, ODD[name](numbers)), tmp_path / "log.parquet")
    source = pq.read_table(tmp_path / "log.parquet")
    check(kept(tmp_path / "log.parquet", tmp_path / "out"), source)


def test_a_file_as_pandas_writes_it(tmp_path: Path) -> None:
    clicks().to_pandas().assign(when=pd.date_range("2020", periods=400, freq="s")).to_parquet(tmp_path / "log.parquet")
    found = kept(tmp_path / "log.parquet", tmp_path / "out")
    check(found, pq.read_table(tmp_path / "log.parquet"))
    assert found.to_pandas().dtypes.equals(pd.read_parquet(tmp_path / "log.parquet").dtypes)


def parts(folder: Path, *tables: pa.Table) -> Path:
    folder.mkdir()
    for i, table in enumerate(tables):
        pq.write_table(table, folder / f"{i}.parquet")
    return folder


def changed(name: str, kind: pa.DataType | None) -> pa.Table:
    """Later clicks, one column of which has another type, or is not there."""
    table = clicks(start=1000).append_column("note", pa.array([f"n{i}" for i in range(400)]))
    i = table.column_names.index(name)
    return table.remove_column(i) if kind is None else table.set_column(i, name, table[name].cast(kind))


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        (changed("id", pa.int16()), pa.int64()),
        (changed("id", pa.uint32()), pa.int64()),
        (changed("note", pa.large_string()), pa.large_string()),
        (changed("note", None), pa.string()),
        (changed("note", None).append_column("note", pa.nulls(400)), pa.string()),
    ],
)
def test_files_whose_schemas_differ(other: pa.Table, kind: pa.DataType, tmp_path: Path) -> None:
    first = clicks().append_column("note", pa.array([f"first {i}" for i in range(400)]))
    found = kept(parts(tmp_path / "log", first, other), tmp_path / "out")
    name = "id" if other.schema.field("id").type != pa.int64() else "note"
    fields = [f.with_type(kind) if f.name == name else f for f in first.schema]
    names = [field.name for field in fields]
    other = other if "note" in other.column_names else other.append_column("note", pa.nulls(400))
    check(found, pa.concat_tables([first.cast(pa.schema(fields)), other.select(names).cast(pa.schema(fields))]))


def test_files_whose_schemas_differ_with_types_that_an_engine_would_change(tmp_path: Path) -> None:
    tables = [typed().append_column("topic", pa.array(["x", "y"] * 200).dictionary_encode()), typed()]
    tables[1] = tables[1].set_column(0, "id", pa.array(np.arange(1000, 1400)))
    folder = parts(tmp_path / "log", *tables)
    both = [pq.read_table(path) for path in sorted(folder.iterdir())]
    topic = both[0].schema.field("topic")
    check(kept(folder, tmp_path / "out"),
          pa.concat_tables([both[0], both[1].append_column(topic, pa.nulls(400, topic.type))]))  # fmt: skip


def test_types_that_no_type_holds_are_refused_in_one_line(tmp_path: Path) -> None:
    other = changed("id", pa.string()).append_column("more", pa.nulls(400))
    other = other.set_column(5, "note", pa.array(range(400)))
    folder = parts(tmp_path / "log", changed("id", pa.int64()), other)
    with pytest.raises(BadInputError, match=r"'id' \(int64 and string\), 'note' \(string and int64\)") as found:
        kept(folder, tmp_path / "out")
    assert "\n" not in str(found.value)
    assert not (tmp_path / "out").exists()


def test_names_that_differ_in_capital_letters_from_file_to_file_are_refused(tmp_path: Path) -> None:
    folder = parts(tmp_path / "log", clicks(), clicks(start=1000).rename_columns(["ID", *clicks().column_names[1:]]))
    with pytest.raises(BadInputError, match="differs from 'id' in small letters only"):
        kept(folder, tmp_path / "out")


def test_a_common_type_holds_every_value() -> None:
    edges = {
        **{kind: [0, 2 ** (kind.bit_width - 1) - 1, -(2 ** (kind.bit_width - 1))]
           for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
        **{kind: [0, 2**kind.bit_width - 1] for kind in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())},
        pa.float32(): [0.1, 3e38], pa.float64(): [0.1, 1e300], pa.string(): ["é"], pa.large_string(): ["é"],
        pa.binary(): [b"\xff"], pa.null(): [None], pa.bool_(): [True], pa.date32(): [None],
        pa.list_(pa.int8()): [[1]], pa.large_list(pa.int32()): [[2**31 - 1]], pa.timestamp("us"): [1],
        pa.timestamp("us", "UTC"): [1], pa.struct([("a", pa.int8())]): [{"a": 1}],
    }  # fmt: skip
    refused = 0
    for one, values in edges.items():
        for other in edges:
            found = common_type(one, other)
            assert (found is None) == (common_type(other, one) is None)
            if found is None:
                refused += 1
                continue
            array = pa.array(values, one)
            assert array.cast(found).to_pylist() == array.to_pylist()
    assert common_type(pa.int64(), pa.uint64()) is common_type(pa.string(), pa.binary()) is None
    assert common_type(pa.int64(), pa.float64()) is common_type(pa.timestamp("us"), pa.timestamp("us", "UTC")) is None
    assert refused > 100


def test_metadata_that_files_do_not_share_is_left_out() -> None:
    one = pa.schema([pa.field("x", pa.int8(), metadata={"a": "1", "b": "2"})], {"k": "v", "rows": "1"})
    other = pa.schema([pa.field("x", pa.int8(), metadata={"a": "1", "b": "3"})], {"k": "v", "rows": "2"})
    found = one_schema([one, other], "log")
    assert (found.metadata, found.field("x").metadata) == ({b"k": b"v"}, {b"a": b"1"})


@pytest.mark.parametrize("more", [{}, {"talk": [{"role": "user", "n": 3}], "mixed": 1}])
def test_staged_json_lines_have_the_types_of_small_ones(
    more: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row | more for row in clicks().to_pylist()]
    for i in range(0, 400, 2) if more else ():
        rows[i]["mixed"] = "x"
    lines = [json.dumps(row) for row in rows]
    lines[50:50] = ["", " "]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + "\n")
    small = kept(tmp_path / "log.jsonl", tmp_path / "small")
    monkeypatch.setattr(lazy, "IN_MEMORY", 0)
    monkeypatch.setattr(json_files, "PART_ROWS", 50)
    staged = kept(tmp_path / "log.jsonl", tmp_path / "staged")
    assert staged.schema.equals(small.schema, check_metadata=True)
    assert staged.sort_by("id").equals(small.sort_by("id"))


def test_rows_of_a_database_have_the_types_of_its_table(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "base.duckdb")) as base:
        base.register("log", typed())
        base.execute(
            "CREATE TABLE clicks AS SELECT *, timestamp_ms '2020-01-01 00:00:00.123' AS ms, id::DECIMAL(12, 2) AS price,"
            " gen_random_uuid() AS uuid, id::HUGEINT AS huge, 'x'::ENUM('x', 'y') AS kind, INTERVAL 3 DAY AS span,"
            " MAP {'k': id} AS pairs, TIME '01:02:03' AS clock FROM log"
        )
    url = f"duckdb:///{tmp_path}/base.duckdb?table=clicks"
    with open_url(url) as table:
        source = read_ibis(table, "clicks")
    found = kept(url, tmp_path / "out")
    for own, expected in zip(found.schema, source.schema, strict=True):
        assert own.type.equals(expected.type) or pa.types.is_nested(expected.type), own.name
    place = {number: i for i, number in enumerate(source["id"].to_pylist())}
    expected = source.take(pa.array([place[number] for number in found["id"].to_pylist()]))
    assert str(found.to_pylist()) == str(expected.to_pylist())
