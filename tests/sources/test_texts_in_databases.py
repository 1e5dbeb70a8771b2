"""Long texts of a database's table stay there: results are those of a file that is read whole, and only codes travel."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shapes import SHAPES
from test_stand_ins import many, stretched

from votewise import audit
from votewise.data.lazy_table import LazyTable
from votewise.data.left_out import left_columns
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.containers import stand_ins
from votewise.sources.databases import left_texts
from votewise.sources.values import table_of

Rows = list[dict[str, Any]]

pytestmark = pytest.mark.slow
"""Each is fast, Spark aside; together they take a minute."""

LEFT = ("plain", "clicks, sides have won", "trl, explicit texts", "trl, with annotators", "alpacaeval")
"""Shapes whose texts must stay in the database."""

FLAT = [
    name
    for name, shape in SHAPES.items()
    if all(not isinstance(value, list | dict) for row in shape.rows for value in row.values())
]

WORDS = "and many words, so that the text is a long one for every reader. "
HOSTILE = [
    "plain", "Plain", "plain ", " plain", "plain\t", "plain\n", "plain\r\n", "'quoted'", '"quoted"', "back\\slash", "\\'",
    "$1 %s %% ?", "é", "e\u0301", "ß", "SS", "İ", "i", "\u200b", "\u2028", "\U0001f600", "\ufeff", "\x7f\x1b[31m", "NULL",
    "null", "{", "[1, 2", "{}", "[]", "'; DROP TABLE votes; --", "|", "", "a\u00a0b", "a b",
]  # fmt: skip


def hostile() -> Rows:
    """Pairs that differ in one character of one text, each with the same four voters."""
    rows: Rows = []
    for i, (one, other) in enumerate(zip(HOSTILE, HOSTILE[1:] + HOSTILE[:1], strict=True)):
        for j, annotator in enumerate(("ann", "Ann", "ann ", "änn")):
            texts = [f"{WORDS}{one}", f"{WORDS}{other}"]
            label = "ab"[(i + j // 3) % 2]
            if j % 2:
                texts, label = texts[::-1], "ba"["ab".index(label)]
            prompt = "" if i == 4 else f"{one}{WORDS}"
            reason = None if i % 3 == 0 else "" if i % 3 == 1 else f"{other}{WORDS * 3}"
            rows.append(
                {"prompt": prompt, "response_a": texts[0], "response_b": texts[1], "annotator": annotator, "label": label,
                 "reason": reason, "domain": "x" if i % 2 else None}
            )  # fmt: skip
    return rows


TABLES: dict[str, Callable[[], Rows]] = {
    "hostile": hostile,
    "many": lambda: many(3, 200),
    "many, other seed": lambda: many(5, 60),
    **{name: (lambda shape=shape: [stretched(row) for row in shape.rows]) for name, shape in SHAPES.items()},
}


@pytest.fixture(autouse=True)
def _small_tables_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left_texts, "SMALL", 0)


def values(table: Any) -> list[dict[str, Any]] | None:
    return None if table is None else table.to_pylist()


def compare(one: Votes, other: Votes) -> None:
    """The votes are the same, where they came from aside."""
    for field in dataclasses.fields(Votes):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "reading":
            a, b = (dataclasses.replace(x, source="", notes=(), columns=()) for x in (a, b))
            assert a == b
        elif isinstance(b, np.ndarray):
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        elif field.name in ("table", "texts"):
            assert values(a) == values(b), field.name
        elif isinstance(b, pa.Array):
            assert a.to_pylist() == b.to_pylist(), field.name
        else:
            assert a == b, field.name


def audit_or_error(source: Any) -> Any:
    try:
        return audit(source, force=True)
    except BadInputError as error:
        return str(error).replace(str(source), "")


def same_audit(source: Any, rows: Rows, tmp_path: Path, *, left: bool | None = None) -> None:
    """A source's audit is that of the same rows in a Parquet file."""
    path = tmp_path / "votes.parquet"
    pq.write_table(table_of(rows), path)
    found, whole = audit_or_error(source), audit_or_error(path)
    if isinstance(whole, str):
        assert found == whole
        return
    if left is not None:
        assert isinstance(found.votes.table, LazyTable) is left
    compare(found.votes, whole.votes)
    for name in ("annotators", "pairs"):
        assert getattr(found.reliability, name).to_pylist() == getattr(whole.reliability, name).to_pylist()
    assert found.reliability.votes.to_pylist() == whole.reliability.votes.to_pylist()
    for name in set(whole.summary) - {"created", "source", "notes"}:
        assert found.summary[name] == whole.summary[name], name
    assert ("texts_left" in found.summary) is bool(left_columns(found.votes.table))


def in_duckdb(rows: Rows, tmp_path: Path) -> str:
    with duckdb.connect(str(tmp_path / "votes.duckdb")) as connection:
        connection.register("rows", table_of(rows))
        connection.execute("CREATE TABLE votes AS SELECT * FROM rows")
    return f"duckdb://{tmp_path}/votes.duckdb?table=votes"


@pytest.mark.parametrize("name", list(TABLES))
def test_duckdb(name: str, tmp_path: Path) -> None:
    rows = TABLES[name]()
    left = True if name in LEFT or name not in SHAPES else None
    same_audit(in_duckdb(rows, tmp_path), rows, tmp_path, left=left)


@pytest.mark.parametrize("name", [name for name in TABLES if name in FLAT or name not in SHAPES])
def test_postgres(name: str, tmp_path: Path, postgres_url: str) -> None:
    rows = TABLES[name]()
    connection = ibis.connect(postgres_url)
    connection.create_table("same", table_of(rows), overwrite=True)
    connection.disconnect()
    left = True if name in LEFT or name not in SHAPES else None
    same_audit(f"{postgres_url}?table=same", rows, tmp_path, left=left)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "name", ["hostile", "many", "trl, with annotators", "two-answers, SHP", "alpacaeval", "toloka"]
)
def test_spark(name: str, tmp_path: Path, spark: Any) -> None:
    rows = TABLES[name]()
    pq.write_table(table_of(rows), tmp_path / "rows.parquet")
    spark.read.parquet(str(tmp_path / "rows.parquet")).createOrReplaceTempView("same")
    left = True if name in LEFT or name not in SHAPES else None
    same_audit("pyspark://?table=same", rows, tmp_path, left=left)


@pytest.mark.parametrize("name", [name for name in SHAPES if name not in FLAT])
def test_lists_and_objects_are_read_from_a_temporary_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = TABLES[name]()
    monkeypatch.setattr(stand_ins, "LARGE", 0)
    found = audit_or_error(in_duckdb(rows, tmp_path))
    monkeypatch.setattr(stand_ins, "LARGE", 1 << 60)
    path = tmp_path / "votes.parquet"
    pq.write_table(table_of(rows), path)
    whole = audit_or_error(path)
    if isinstance(whole, str):
        assert found == whole
        return
    compare(found.votes, whole.votes)
    assert not left_columns(found.votes.table)
    assert found.reliability.pairs.to_pylist() == whole.reliability.pairs.to_pylist()


@pytest.mark.parametrize("change", [{"label": "perhaps"}, {"response_a": None}])
def test_errors_and_rejects_show_the_true_values(
    change: dict[str, Any], tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_texts, "HEAD", 20)
    rows = many(3, 80)
    rows[60] |= change
    connection = ibis.connect(postgres_url)
    connection.create_table("rejected", table_of(rows), overwrite=True)
    connection.disconnect()
    path = tmp_path / "votes.parquet"
    pq.write_table(table_of(rows), path)
    found: list[list[str]] = []
    for source in (f"{postgres_url}?table=rejected", path):
        with pytest.raises(BadInputError) as error:
            read_votes(source)
        rejects = tmp_path / "rejected.jsonl"
        votes = read_votes(source, on_error="skip", rejects=rejects)
        assert votes.reading is not None
        assert votes.reading.rejected == 1
        found.append([text.replace(str(source), "") for text in (str(error.value), rejects.read_text())])
    assert found[0] == found[1]
    assert "of many words" in found[0][1]
