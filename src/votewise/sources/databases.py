"""ibis tables and connection URLs -> tables. ibis is imported only when one is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from votewise.errors import BadInputError, VotewiseError
from votewise.sources.urls import ConnectionUrl

EXTRAS = {"postgres": "votewise[postgres]", "pyspark": "votewise[spark]"}


def without_password(url: str) -> str:
    """The URL without its password and other secrets, so that it can be shown."""
    return ConnectionUrl.parse(url).shown()


def load_url(url: str) -> pa.Table:
    """Read the table that the URL names; see ``open_url``."""
    with open_url(url) as table:
        return read_ibis(table, without_password(url))


@contextmanager
def open_url(url: str) -> Iterator[Any]:
    """Connect and give the table that the URL names with ``?table=``, or the only one there is, as an ibis table.

    The rest of the URL is what ``ibis.connect`` takes: ``duckdb://file.db``, ``postgres://user@host/database/schema``,
    ``pyspark://``. DuckDB files are opened read-only.
    """
    import ibis

    parts = ConnectionUrl.parse(url)
    name, query = parts.shown(), dict(parts.query)
    backend = parts.scheme.replace("postgresql", "postgres")
    if backend == "sqlite" and parts.place and (parts.user is not None or not Path(parts.place).is_file()):
        # SQLite would create it.
        raise BadInputError("there is no such file", source=name)
    # Opened for writing, DuckDB would create a missing file.
    only_read = {"read_only": True} if backend == "duckdb" and parts.place else {}
    try:
        connection = ibis.connect(parts.address(), **only_read)
    except ImportError as error:
        package = EXTRAS.get(backend, f"ibis-framework[{backend}]")
        raise BadInputError(
            f"the {backend} backend is not installed", source=name, expected=f"pip install '{package}' first"
        ) from error
    except Exception as error:
        raise BadInputError(parts.without_secrets(str(failed("cannot connect", name, error)))) from None
    try:
        yield _table(connection, query.get("table"), name)
    finally:
        if backend != "pyspark":
            # Spark gives out a session that the program may use elsewhere too.
            connection.disconnect()


def read_ibis(table: Any, name: str) -> pa.Table:
    """Run an ibis expression and fetch its rows."""
    with engine_errors(name):
        return table.to_pyarrow()


@contextmanager
def engine_errors(name: str) -> Iterator[None]:
    """Turn what an engine raises about a source into one line that names it."""
    try:
        yield
    except VotewiseError:
        raise
    except Exception as error:
        raise failed("cannot be read", name, error) from error


def failed(problem: str, name: str, error: Exception) -> BadInputError:
    """One line for an engine's error: engines raise errors of many lines, and the first one says most."""
    lines = str(error).strip().splitlines()
    return BadInputError(f"{problem}: {lines[0] if lines else type(error).__name__}", source=name)


def _table(connection: Any, wanted: str | None, name: str) -> Any:
    tables = sorted(connection.list_tables())
    chosen = wanted or (tables[0] if len(tables) == 1 else None)
    if chosen is None or ("." not in chosen and chosen not in tables):
        problem = f"there is no table '{chosen}'" if chosen else "the table is not named"
        found = ", ".join(tables[:10]) if tables else "there are no tables"
        raise BadInputError(problem, source=name, expected=f"?table= with one of: {found}")
    schema, _, table = chosen.rpartition(".")
    try:
        return connection.table(table, database=schema or None)
    except Exception as error:
        raise failed(f"there is no table '{chosen}'", name, error) from error
