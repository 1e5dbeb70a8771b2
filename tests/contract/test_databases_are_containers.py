"""Point 7 of the contract, databases: a table in DuckDB or PostgreSQL gives the votes that a file of the same rows gives."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from containers import table
from facts import found_facts, true_facts
from flat_shapes import FLAT
from kept_contract import empty_folder
from nested_shapes import NESTED
from test_one_path import check, on_read_tables
from truth import TrueVote
from written import Row

from shell import shell
from votewise.annotators.saved import load_audit, load_votes
from votewise.data.votes import Votes

pytestmark = pytest.mark.slow

SHAPES = FLAT | NESTED
TYPES = {pa.int64(): "bigint", pa.float64(): "double precision", pa.bool_(): "boolean"}


def in_duckdb(rows: list[Row], folder: Path) -> str:
    found = table(rows)
    with duckdb.connect(str(folder / "base.db")) as base:
        base.register("rows", found)
        base.execute("CREATE TABLE votes AS SELECT * FROM rows")
    return f"duckdb://{folder}/base.db?table=votes"


def in_postgres(rows: list[Row], url: str, name: str) -> str:
    import psycopg

    found = table(rows)
    columns = ", ".join(f'"{field.name}" {TYPES.get(field.type, "text")}' for field in found.schema)
    places = ", ".join("%s" for _ in found.column_names)
    with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        connection.execute(f'DROP TABLE IF EXISTS "{name}"')
        connection.execute(f'CREATE TABLE "{name}" ({columns})')
        connection.cursor().executemany(
            f'INSERT INTO "{name}" VALUES ({places})', [list(row.values()) for row in found.to_pylist()]
        )
    return f"{url}?table={name}"


@pytest.mark.parametrize("name", SHAPES)
def test_a_table_in_duckdb_gives_the_votes_that_were_written(name: str) -> None:
    shape = SHAPES[name]

    def same_votes(rows: list[Row], expected: list[TrueVote], _: Votes) -> None:
        with empty_folder() as folder:
            check(shape, in_duckdb(rows, folder), expected)

    on_read_tables(shape, 1, same_votes)


@pytest.mark.parametrize("name", FLAT)
def test_a_table_in_postgres_gives_the_votes_that_were_written(name: str, postgres_url: str) -> None:
    shape = FLAT[name]

    def same_votes(rows: list[Row], expected: list[TrueVote], _: Votes) -> None:
        check(shape, in_postgres(rows, postgres_url, "random votes"), expected)

    on_read_tables(shape, 1, same_votes)


@pytest.mark.parametrize("name", ["plain", "plain, every column", "trl"])
@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_an_audit_of_a_table_finds_the_votes_that_were_written(name: str, engine: str, postgres_url: str) -> None:
    def same_votes(rows: list[Row], expected: list[TrueVote], _: Votes) -> None:
        with empty_folder() as folder:
            url = in_duckdb(rows, folder) if engine == "duckdb" else in_postgres(rows, postgres_url, "audited")
            ended = shell("audit", url, "--out", folder / "audit", "--force", "--no-report", "--no-intervals")
            assert ended.code == 0, ended
            assert found_facts(load_votes(load_audit(folder / "audit"))) == true_facts(expected)

    on_read_tables(FLAT[name], 1, same_votes)
