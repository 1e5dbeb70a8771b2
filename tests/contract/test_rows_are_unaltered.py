"""Point 1 of the contract: a source row is never altered.

What is written back holds the source's columns with their names, types and values, plus our own columns.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from containers import UNTYPED, arrow, csv_text, parquet, table
from containers import file as write
from flat_shapes import FLAT
from hypothesis import given
from hypothesis import strategies as st
from kept_contract import Table, empty_folder, examples, tables
from nested_shapes import NESTED
from test_one_path import read_or_refused
from written import Row

import votewise

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""

ONE_PER_ROW = {name: shape for name, shape in (FLAT | NESTED).items() if shape.one_per_row and not shape.joined}


def kept_columns(found: pa.Table, names: list[str]) -> list[Row]:
    return found.select(names).to_pylist()


def whole(kind: pa.DataType) -> pa.DataType:
    """A type whose texts may be long or short: votewise keeps texts as long ones."""
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(whole(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, whole(f.type)) for f in kind])
    return kind


@pytest.mark.parametrize("name", ONE_PER_ROW)
def test_an_audit_keeps_names_types_and_values(name: str) -> None:
    shape = ONE_PER_ROW[name]

    @examples(3)
    @given(tables(shape))
    def kept(drawn: Table) -> None:
        rows, expected = drawn
        names = list(rows[0])
        with empty_folder() as folder:
            path = parquet(rows, folder)
            if read_or_refused(shape, path) is None:
                return
            source = pq.read_table(path)
            votewise.audit(path, out=folder / "audit", report=False, intervals=False, force=True)
            found = pq.read_table(folder / "audit" / "votes.parquet")
            assert [whole(found.schema.field(n).type) for n in names] == [
                whole(source.schema.field(n).type) for n in names
            ]
            kept = [vote.number for vote in expected if vote.verdict != "skip"]
            assert kept_columns(found, names) == kept_columns(source.take(pa.array(kept)), names)
            assert pq.read_table(path).equals(source)

    kept()


@pytest.mark.parametrize("contain", [parquet, arrow, UNTYPED["csv"], UNTYPED["tsv"], UNTYPED["csv, UTF-16"]])
@examples(6)
@given(drawn=tables(FLAT["clicks"]), spare=st.integers(0, 2**62))
def test_a_filter_keeps_names_types_and_values(contain: Any, drawn: Table, spare: int) -> None:
    rows, _ = drawn
    # One more user makes sure that somebody has clicked, and that there are two models.
    one = dict(zip(rows[0], rows[0].values(), strict=True)) | {
        "user": "one more",
        "winner": "model_a",
        "score_x": spare,
    }
    rows = [row for row in rows if str(row["winner"]).casefold() not in ("skip", "skipped", "cancelled")] + [one]
    with empty_folder() as folder:
        path = contain(rows, folder)
        votewise.filter_clicks(path, win_rate=0.8, keep=1.0, out=folder / "kept", report=False, prior="two-point")
        found = pq.read_table(folder / "kept" / "comparisons.parquet")
        assert found.column_names == list(rows[0])
        if contain in (parquet, arrow):
            expected = table(rows)
            # The engine has no type for a column of nothing but nulls.
            kinds = [(whole(a.type), whole(b.type)) for a, b in zip(found.schema, expected.schema, strict=True)]
            assert all(a == b for a, b in kinds if b != pa.null())
        else:
            expected = pa.table({n: [None if r[n] is None else str(r[n]) for r in rows] for n in rows[0]})
        key = lambda row: repr(sorted(row.items(), key=str))  # noqa: E731 (rows come in any order)
        assert sorted(found.to_pylist(), key=key) == sorted(expected.to_pylist(), key=key)


@examples(4)
@given(tables(FLAT["plain"]))
def test_a_column_with_the_name_of_ours_is_kept(drawn: Table) -> None:
    rows = [row | {"confidence": i, "row": "r", "posterior": None} for i, row in enumerate(drawn[0])]
    with empty_folder() as folder:
        if read_or_refused(FLAT["plain"], rows) is None:
            return
        path = write(folder, "votes.csv", csv_text(rows).encode())
        votewise.audit(path, out=folder / "audit", report=False, intervals=False, force=True)
        found = pq.read_table(folder / "audit" / "votes.parquet")
        values = [
            value.as_py() for name in found.column_names if name.startswith("confidence_") for value in found[name]
        ]
        assert set(values) <= {str(i) for i in range(len(rows))}
        assert values
        assert set(found["row"].to_pylist()) == {"r"}


def test_the_source_file_is_not_touched(tmp_path: Path) -> None:
    path = write(tmp_path, "votes.csv", b"annotator,pair,label\r\nu,1,a\r\nv,1,b\r\n")
    before = path.read_bytes(), path.stat().st_mtime_ns
    votewise.audit(path, out=tmp_path / "audit", report=False, force=True)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
