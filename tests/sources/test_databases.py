"""ibis tables and connection URLs: DuckDB, PostgreSQL, Spark."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.databases.connections import without_password

TABLE = pa.table(
    {
        "pair": ["p1", "p1", "p2"],
        "annotator": ["u1", "u2", "u1"],
        "label": ["a", "b", "tie"],
        "log_odds": [0.5, None, -1.0],
        "time": pa.array([0, 1_000_000, None], pa.timestamp("us")),
    }
)


def check(votes: Votes) -> None:
    assert sorted(zip(votes.table.column("annotator").to_pylist(), votes.sign.tolist(), strict=True)) == [
        ("u1", 0), ("u1", 1), ("u2", -1),
    ]  # fmt: skip
    assert sorted(votes.margin.tolist()) == [-1.0, 0.5]
    assert sorted(t for t in votes.time.tolist() if t == t) == [0.0, 1.0]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "votes.duckdb"
    connection = ibis.duckdb.connect(path)
    connection.create_table("votes", TABLE)
    connection.disconnect()
    return path


def test_ibis_tables_and_expressions() -> None:
    table = ibis.memtable(TABLE)
    check(read_votes(table))
    assert read_votes(table).reading.source == "ibis table"
    assert len(read_votes(table.filter(table.label != "tie"))) == 2


def test_a_duckdb_file(database: Path) -> None:
    check(read_votes(f"duckdb://{database}?table=votes"))
    check(read_votes(f"duckdb://{database}?table=main.votes"))
    check(read_votes(f"duckdb://{database}"))
    assert read_votes(f"duckdb://{database}").reading.source == f"duckdb://{database}"


def test_the_table_of_a_database_must_be_clear(database: Path) -> None:
    with pytest.raises(BadInputError, match=r"no table 'others' .expected .table= with one of: votes"):
        read_votes(f"duckdb://{database}?table=others")
    with pytest.raises(BadInputError, match=r"there is no table 'main.others' .expected"):
        read_votes(f"duckdb://{database}?table=main.others")
    connection = ibis.duckdb.connect(database)
    connection.create_table("others", TABLE)
    connection.disconnect()
    with pytest.raises(BadInputError, match=r"the table is not named .expected .table= with one of: others, votes"):
        read_votes(f"duckdb://{database}")


def test_reading_does_not_create_a_database(tmp_path: Path) -> None:
    path = tmp_path / "none.duckdb"
    with pytest.raises(BadInputError, match=r"cannot connect: .*does not exist"):
        read_votes(f"duckdb://{path}?table=votes")
    assert not path.exists()


def test_a_backend_that_is_not_known() -> None:
    with pytest.raises(BadInputError, match="cannot connect: Don't know how to connect"):
        read_votes("nonsense://host/db?table=votes")


@pytest.mark.parametrize(
    ("backend", "package"),
    [
        ("postgres", "votewise[postgres]"),
        ("postgresql", "votewise[postgres]"),
        ("pyspark", "votewise[spark]"),
        ("bigquery", "ibis-framework[bigquery]"),
    ],
)
def test_a_backend_that_is_not_installed_names_what_to_install(
    backend: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(url: str) -> None:
        raise ImportError(f"Failed to import the backend of {url}\n\nYou can pip or conda install it")

    monkeypatch.setattr(ibis, "connect", connect)
    with pytest.raises(BadInputError, match=re.escape(f"is not installed (expected pip install '{package}' first)")):
        read_votes(f"{backend}://host/db?table=votes")


def test_passwords_are_not_shown() -> None:
    url = "postgres://ann:secret@127.0.0.1:1/db?table=votes&password=secret"
    assert without_password(url) == "postgres://ann@127.0.0.1:1/db?table=votes"
    with pytest.raises(BadInputError, match="cannot connect") as error:
        read_votes(url)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_postgres(postgres_url: str) -> None:
    connection = ibis.connect(postgres_url)
    connection.create_table("votes", TABLE)
    connection.disconnect()
    votes = read_votes(f"{postgres_url}?table=votes")
    check(votes)
    assert votes.reading.source == f"{postgres_url}?table=votes"
    check(read_votes(f"{postgres_url.replace('postgres://', 'postgresql://')}?table=public.votes"))
    with pytest.raises(BadInputError, match="there is no table 'others'"):
        read_votes(f"{postgres_url}?table=others")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_spark(spark: Any) -> None:
    rows = TABLE.drop_columns(["time"]).append_column("time", pa.array([0.0, 1.0, None])).to_pylist()
    frame = spark.createDataFrame(rows, "pair string, annotator string, label string, log_odds double, time double")
    frame.createOrReplaceTempView("votes_of_three")
    check(read_votes("pyspark://?table=votes_of_three"))
