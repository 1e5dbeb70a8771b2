"""What a database's engine changes on the way, or cannot promise, is avoided or said."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from votewise.sources import read_votes
from votewise.sources.containers import opening, stand_ins
from votewise.sources.databases import left_texts
from votewise.sources.databases.database_table import DatabaseTable, batches

FAR = 2**53 + 1
CHANCE = "chosen by chance among repeated ones"


@pytest.fixture
def table(spark: Any) -> Any:
    """A function that makes a view of rows, and gives its URL."""

    def make(rows: list[tuple[Any, ...]], schema: str, name: str) -> str:
        spark.createDataFrame(rows, schema).createOrReplaceTempView(name)
        return f"pyspark://?table={name}"

    return make


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("large", [True, False])
def test_values_of_spark_are_not_changed(large: bool, table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if large:
        monkeypatch.setattr(left_texts, "SMALL", 1)
        monkeypatch.setattr(left_texts, "HEAD", 2)
    rows = [(FAR, "u", f"question {'of many words ' * 9}", f"{i} x", "y", "a", [i, None], 1.5) for i in range(4)]
    rows.append((None, "v", f"question {'of many words ' * 9}", "4 x", "y", "b", None, None))  # type: ignore[arg-type]
    schema = "id long, annotator string, prompt string, response_a string, response_b string, label string,"
    url = table(rows, schema + " list array<int>, half double", "numbers")
    source = opening.load(url, leave_texts=True)
    assert (source.stand_ins is not None) is large
    assert sorted(source.table["id"].to_pylist(), key=str) == [FAR] * 4 + [None]
    assert source.table.schema.field("id").type == pa.int64()
    with DatabaseTable(url, "numbers").opened() as opened:
        found = pa.Table.from_batches(batches(opened))
    assert found.schema.equals(opened.schema().to_pyarrow())
    assert sorted(map(str, found["list"].to_pylist())) == ["None", *(f"[{i}, None]" for i in range(4))]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_repeated_votes_of_spark_that_differ_are_chosen_by_chance(table: Any) -> None:
    schema = "annotator string, pair string, label string"
    rows = [("u", "p", "a"), ("u", "p", "b"), ("v", "p", "b"), ("v", "q", "a"), ("v", "q", "a")]
    notes = read_votes(table(rows, schema, "differ")).reading.notes
    assert [note for note in notes if CHANCE in note] == [
        f"1 of the votes that count were {CHANCE} that differ and have no times: rows of Spark have no order, so another "
        "run may choose others."
    ]
    timed = [(*row, 10 + i) for i, row in enumerate(rows)]
    for name, some, kinds in (
        ("timed", timed, f"{schema}, time int"),
        ("alike", [rows[0], rows[0], *rows[2:]], schema),
        ("once", [rows[0], *rows[2:4]], schema),
    ):
        assert not any(CHANCE in note for note in read_votes(table(some, kinds, name)).reading.notes), name
    same = [(*row, 10) for row in rows]
    assert any(CHANCE in note for note in read_votes(table(same, f"{schema}, time int", "same")).reading.notes)


def test_rows_of_files_have_an_order() -> None:
    rows = [{"annotator": "u", "pair": "p", "label": label} for label in "ab"]
    assert not any(CHANCE in note for note in read_votes(rows).reading.notes)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("rows", [10, 40])
def test_that_another_engine_is_fetched_whole_is_said(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_texts, "SMALL", 20)
    monkeypatch.setattr(stand_ins, "LARGE", 0)
    with sqlite3.connect(tmp_path / "votes.sqlite") as base:
        base.execute("CREATE TABLE votes (annotator TEXT, prompt TEXT, response_a TEXT, response_b TEXT, label TEXT)")
        found = [
            (f"u{i % 3}", f"question {i // 3} {'of many words ' * 9}", f"x{i // 3}", "y", "a") for i in range(rows)
        ]
        base.executemany("INSERT INTO votes VALUES (?, ?, ?, ?, ?)", found)
    votes = read_votes(f"sqlite://{tmp_path}/votes.sqlite?table=votes")
    assert len(votes) == rows
    said = [note for note in votes.reading.notes if "All texts were fetched" in note]
    assert bool(said) is (rows > 20)
    assert all("sqlite" in note for note in said)
