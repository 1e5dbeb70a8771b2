"""Point 1 of the contract: a source row is never altered.

What is written back holds the source's columns with their names, types and values, plus our own columns.
"""

from __future__ import annotations

import json
import random
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
from typed_columns import with_typed_columns
from written import Row

import votewise

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""


def parquet_table(found: pa.Table, folder: Path) -> Path:
    pq.write_table(found, folder / "typed.parquet", row_group_size=2)
    return folder / "typed.parquet"


def arrow_table(found: pa.Table, folder: Path) -> Path:
    with pa.ipc.new_file(folder / "typed.arrow", found.schema) as out:
        out.write_table(found, max_chunksize=2)
    return folder / "typed.arrow"


def two_tables(found: pa.Table, folder: Path) -> str:
    for i, start in enumerate((0, len(found) // 2)):
        part = found.slice(start, len(found) // 2 if i == 0 else None)
        pq.write_table(part, folder / f"part-{i}.parquet", row_group_size=3)
    return str(folder / "part-*.parquet")


def in_memory(found: pa.Table, _: Path) -> pa.Table:
    return found


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
            assert [whole(field.type) for field in found.schema] == [whole(field.type) for field in expected.schema]
        else:
            expected = pa.table({n: [None if r[n] is None else str(r[n]) for r in rows] for n in rows[0]})
        key = lambda row: repr(sorted(row.items(), key=str))  # noqa: E731 (rows come in any order)
        assert sorted(found.to_pylist(), key=key) == sorted(expected.to_pylist(), key=key)


def check_columns(found: pa.Table, source: pa.Table, rows: list[int]) -> None:
    """All columns of the source are there, in their order, with names, types, values and metadata."""
    kept = found.select(source.column_names)
    assert [name for name in found.column_names if name in source.column_names] == source.column_names
    for field in source.schema:
        own = kept.schema.field(field.name)
        assert whole(own.type) == whole(field.type), field
        assert (own.metadata or {}) == (field.metadata or {}), field
        assert kept[field.name].to_pylist() == source[field.name].take(pa.array(rows, pa.int64())).to_pylist(), field
    for key, value in source.schema.metadata.items():
        assert found.schema.metadata[key] == value


@pytest.mark.parametrize("contain", [parquet_table, arrow_table, in_memory])
@examples(4)
@given(drawn=tables(FLAT["plain"]), seed=st.integers(0, 2**32))
def test_every_type_is_kept_by_an_audit_and_by_scores(contain: Any, drawn: Table, seed: int) -> None:
    rows, expected = drawn
    with empty_folder() as folder:
        source = with_typed_columns(table(rows), random.Random(seed))
        path = contain(source, folder)
        # Lists and objects differ among rows about one pair, which readers refuse: here each row is about its own.
        columns = {name: "" for name in source.column_names if name.startswith("c_")}
        if read_or_refused(FLAT["plain"], path, columns=columns) is None:
            return
        kept = [vote.number for vote in expected if vote.verdict != "skip"]
        votewise.audit(path, columns=columns, out=folder / "audit", report=False, intervals=False, force=True)
        check_columns(pq.read_table(folder / "audit" / "votes.parquet"), source, kept)
        scored = source.append_column("x", pa.array([1.0] * len(rows))).append_column("y", pa.array([2.0] * len(rows)))
        votewise.score(
            contain(scored, folder), score_columns=("x", "y"), out=folder / "scored.parquet", columns=columns
        )
        check_columns(pq.read_table(folder / "scored.parquet"), scored, kept)


@pytest.mark.parametrize("contain", [parquet_table, two_tables, arrow_table, in_memory])
@examples(3)
@given(n=st.integers(8, 30), seed=st.integers(0, 2**32))
def test_every_type_is_kept_by_a_filter(contain: Any, n: int, seed: int) -> None:
    rows = [
        {
            "user": f"u{i % 4}",
            "model_a": "A",
            "model_b": "B",
            "winner": "model_b" if i % 4 == i // 4 else "model_a",
            "at": i,
        }
        for i in range(n)
    ]
    source = with_typed_columns(table(rows), random.Random(seed))
    with empty_folder() as folder:
        path = contain(source, folder)
        votewise.filter_clicks(path, win_rate=0.8, keep=0.5, out=folder / "kept", report=False, prior="two-point")
        found = pq.read_table(folder / "kept" / "comparisons.parquet")
        assert found.column_names == source.column_names
        at = found["at"].to_pylist()
        assert at == sorted(at)
        assert {f"u{i % 4}" for i in at} == set(found["user"].to_pylist())
        check_columns(found, source, at)


@pytest.mark.parametrize("from_folder", [True, False], ids=["from a folder", "in memory"])
@examples(2)
@given(drawn=tables(FLAT["plain"]), seed=st.integers(0, 2**32))
def test_every_type_is_kept_by_an_export(from_folder: bool, drawn: Table, seed: int) -> None:
    rows, _ = drawn
    source = with_typed_columns(table(rows), random.Random(seed)).append_column("at", pa.array(range(len(rows))))
    columns = {name: "" for name in source.column_names if name.startswith("c_")}
    with empty_folder() as folder:
        if read_or_refused(FLAT["plain"], source, columns=columns) is None:
            return
        audit: Any = votewise.audit(
            source, columns=columns, out=folder / "audit", report=False, force=True, intervals=False
        )
        audit = folder / "audit" if from_folder else audit
        others = [name for name in source.column_names if name not in rows[0]]
        for shape, out in (("votes", "v.parquet"), ("trl", "t.parquet"), ("votes", "v.jsonl"), ("trl", "t.jsonl")):
            votewise.export(audit, to=shape, out=folder / out, min_confidence=0.0)  # type: ignore[arg-type]
            if out.endswith("jsonl"):
                found = [json.loads(line) for line in (folder / out).read_bytes().splitlines()]
                same = [name for name in others if name in ("at", "c_bool", "c_int64", "c_text", "c_null", "c_ordered")]
                told = [{name: row[name] for name in same} for row in found]
                assert told == source.select(same).take(pa.array([row["at"] for row in found], pa.int64())).to_pylist()
                continue
            written = pq.read_table(folder / out)
            # 🤗 datasets, which TRL reads with, has neither of the two.
            kept = [name for name in others if shape == "votes" or name not in ("c_map", "c_uuid")]
            check_columns(written, source.select(kept), written["at"].to_pylist())
            own = {n: "" for n in columns if n in written.column_names}
            assert len(written) == 0 or len(votewise.read_votes(folder / out, columns=own)) == len(written)


@examples(4)
@given(tables(FLAT["plain"]))
def test_a_column_with_the_name_of_ours_keeps_it(drawn: Table) -> None:
    own = {"confidence": "c", "row": "r", "posterior": None, "score_a": "s", "margin": "m", "votewise_confidence": 0}
    rows = [row | own | {"confidence": f"c{i}"} for i, row in enumerate(drawn[0])]
    with empty_folder() as folder:
        if read_or_refused(FLAT["plain"], rows) is None:
            return
        path = write(folder, "votes.csv", csv_text(rows).encode())
        result = votewise.audit(path, out=folder / "audit", report=False, intervals=False, force=True)
        found = pq.read_table(folder / "audit" / "votes.parquet")
        assert set(found["confidence"].to_pylist()) <= {f"c{i}" for i in range(len(rows))}
        assert (set(found["row"].to_pylist()), set(found["margin"].to_pylist())) == ({"r"}, {"m"})
        assert result.summary["names"]["confidence"] == "votewise_confidence_2"
        assert found["votewise_confidence_2"].type == pa.float64()
        assert any("'votewise_confidence_2'" in note for note in result.summary["notes"])
        # Whatever reads votes.parquet back finds ours.
        again = votewise.export(folder / "audit", min_confidence=0.0).table
        assert again["confidence"].to_pylist() == result.reliability.confidence.drop_null().to_pylist()


def test_scores_beside_other_scores(tmp_path: Path) -> None:
    rows = [
        {"annotator": f"u{i % 3}", "prompt": f"p{i // 3}", "response_a": "x", "response_b": "y", "label": "ab"[i % 4 == 0],
         "score_a": "high", "margin": "slightly", "x": float(i), "y": 1.5}
        for i in range(12)
    ]  # fmt: skip
    out = tmp_path / "scored.jsonl"
    result = votewise.score(rows, score_columns=("x", "y"), out=out)
    assert result.names == {"score_a": "votewise_score_a", "score_b": "score_b", "margin": "votewise_margin"}
    read = [json.loads(line) for line in out.read_text().splitlines()]
    assert {(row["score_a"], row["margin"]) for row in read} == {("high", "slightly")}
    # Who reads the file again takes our margin.
    rows = [row | {"x": 1.0 + i // 3} for i, row in enumerate(rows)]
    votewise.score(rows, score_columns=("x", "y"), out=out)
    votes = votewise.read_votes(out)
    assert votes.margin.tolist() == [-0.5, 0.5, 1.5, 2.5]
    assert any("'votewise_margin' is votewise's own" in note for note in votes.reading.notes)


def test_the_source_file_is_not_touched(tmp_path: Path) -> None:
    path = write(tmp_path, "votes.csv", b"annotator,pair,label\r\nu,1,a\r\nv,1,b\r\n")
    before = path.read_bytes(), path.stat().st_mtime_ns
    votewise.audit(path, out=tmp_path / "audit", report=False, force=True)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
