"""Tables of databases by name, with columns of types that drivers do not deliver as they are, and servers that die."""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from shell import process
from votewise.errors import BadInputError
from votewise.sources import read_votes

ANN, BOB = (f"6f1f2a52-0000-4000-8000-00000000000{i}" for i in (1, 2))
TYPED = f"""
CREATE TYPE verdict AS ENUM ('a', 'b', 'tie');
CREATE TABLE typed (annotator uuid, label verdict, prompt text, response_a varchar(9), response_b text, time timestamptz,
  price numeric(20, 6), exact numeric, payload jsonb, tags text[], ids uuid[], span interval, big bigint);
INSERT INTO typed VALUES
 ('{ANN}', 'a', 'p', 'x', 'y', '2026-01-02 03:04:05+00', 1.5, 0.12345678901234567890, '{{"n": [1, "zwei"]}}', '{{u,v}}',
  '{{{BOB}}}', '1 day', 9007199254740993),
 ('{BOB}', 'tie', 'p', 'x', 'y', NULL, NULL, NULL, '{{"n": [1, "zwei"]}}', NULL, NULL, NULL, NULL);
CREATE MATERIALIZED VIEW seen AS SELECT * FROM typed;
CREATE SCHEMA "My Votes";
CREATE TABLE "My Votes"."Round; 1" AS SELECT annotator, label, prompt, response_a, response_b FROM typed;
CREATE SCHEMA dotted;
CREATE TABLE dotted.name AS SELECT * FROM "My Votes"."Round; 1";
"""


@pytest.fixture(scope="module")
def typed(postgres_url: str) -> str:
    import psycopg

    with psycopg.connect(postgres_url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        connection.execute(TYPED)
    return postgres_url


@pytest.mark.parametrize("name", ["typed", "seen", "public.typed", '"public"."seen"'])
def test_postgres_types_arrive_unchanged(typed: str, name: str) -> None:
    votes = read_votes(f"{typed}?table={name}", columns={"payload": "", "span": ""})
    assert votes.annotator_ids.to_pylist() == [ANN, BOB]
    assert votes.sign.tolist() == [1, 0]
    assert votes.table is not None
    row = votes.table.slice(0, 1).to_pylist()[0]
    del row["prompt"], row["response_a"], row["response_b"]
    assert row == {
        "annotator": ANN,
        "label": "a",
        "time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "price": Decimal("1.500000"),
        "exact": "0.12345678901234567890",
        "payload": '{"n": [1, "zwei"]}',
        "tags": ["u", "v"],
        "ids": [BOB],
        "span": "1 day",
        "big": 9007199254740993,
    }


@pytest.mark.parametrize("name", ["My Votes.Round; 1", '"My Votes"."Round; 1"', "My%20Votes.Round%3B%201"])
def test_schemas_and_quoted_names(typed: str, name: str) -> None:
    assert len(read_votes(f"{typed}?table={name}")) == 2


def test_a_table_that_is_not_there_or_not_clear(typed: str) -> None:
    import psycopg

    with pytest.raises(BadInputError, match=r"there is no table 'Typed' \(expected \?table= with one of: typed"):
        read_votes(f"{typed}?table=Typed")
    with psycopg.connect(typed.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        connection.execute('CREATE TABLE "dotted.name" AS TABLE dotted.name')
        with pytest.raises(
            BadInputError, match=r'several tables may be meant by \'dotted.name\'.*"public"."dotted.name"'
        ):
            read_votes(f"{typed}?table=dotted.name")
        connection.execute('DROP TABLE "dotted.name"')


def test_numbers_as_names(typed: str) -> None:
    import psycopg

    with psycopg.connect(typed.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        connection.execute("""
            CREATE TABLE numbered AS SELECT n::numeric(30, 0) AS annotator, 'a' AS label, 'p' AS prompt, 'x' AS response_a,
              'y' AS response_b, 0.25::numeric AS log_odds FROM (VALUES (12345678901234567890), (12345678901234567891))
              numbers (n)""")
    votes = read_votes(f"{typed}?table=numbered")
    assert votes.annotator_ids.to_pylist() == ["12345678901234567890", "12345678901234567891"]
    assert votes.margin is not None
    assert votes.margin.tolist() == [0.25]


def test_a_decimal_that_is_not_whole_is_no_name() -> None:
    rows = pa.table(
        {"annotator": pa.array([Decimal("1.50")]), "label": ["a"], "response_a": ["x"], "response_b": ["y"]}
    )
    with pytest.raises(BadInputError, match="column 'annotator': is not a name, got Decimal"):
        read_votes(rows)


def test_duckdb_types_arrive_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "votes.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("""
            CREATE SCHEMA "My Votes";
            CREATE TABLE "My Votes"."Round; 1" AS SELECT 170141183460469231731687303715884105727::HUGEINT AS annotator,
              'a' AS label, 'p' AS prompt, 'x' AS response_a, 'y' AS response_b, INTERVAL 1 DAY AS span, '101'::BIT AS bits,
              TIME '10:00' AS clock, {'n': 1} AS part, uuid() AS id, '{"a":1}'::JSON AS payload, [1, 2] AS list;
            CREATE VIEW seen AS SELECT * FROM "My Votes"."Round; 1";
        """)
    for name in ("seen", "My Votes.Round; 1", '"My Votes"."Round; 1"'):
        votes = read_votes(f"duckdb://{file}?table={name}")
        assert votes.annotator_ids.to_pylist() == ["170141183460469231731687303715884105727"]
        assert votes.table is not None
        row = votes.table.to_pylist()[0]
        assert (row["span"], row["bits"], row["clock"], row["part"]) == ("1 day", "101", "10:00:00", {"n": 1})
        assert (row["payload"], row["list"]) == ('{"a":1}', [1, 2])


@pytest.mark.slow
@pytest.mark.parametrize("command", ["audit", "filter"])
def test_a_server_that_dies_in_the_middle(typed: str, tmp_path: Path, command: str) -> None:
    import psycopg

    out = tmp_path / "out"
    columns = "u AS annotator, 'a' AS label, 'p' AS prompt, 'x' AS response_a, 'y' AS response_b"
    if command == "filter":
        columns = "u AS \"user\", 'l' AS model_a, 's' AS model_b, 'model_a' AS winner"
    with psycopg.connect(typed.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        connection.execute(f"""
            CREATE VIEW slow_{command} AS SELECT {columns}
            FROM (SELECT i::text AS u, pg_sleep(1) FROM generate_series(1, 60) i OFFSET 0) rows""")
        words = process(command, f"{typed}?table=slow_{command}", "--out", out)
        words += ["--win-rate", "0.8"] if command == "filter" else []
        running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        until = time.monotonic() + 300
        while not connection.execute(query).fetchall() and time.monotonic() < until:
            time.sleep(0.1)
        _, said = running.communicate(timeout=300)
    assert running.returncode == 1, said
    assert "the connection was lost while reading" in said.strip().splitlines()[-1]
    assert "Traceback" not in said
    assert not out.exists() or list(out.iterdir()) == []
    assert list(tmp_path.iterdir()) in ([], [out])
