"""ibis tables and connection URLs -> tables. ibis is imported only when one is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from votewise.errors import BadInputError, EngineFailedError, VotewiseError
from votewise.sources.databases.database_tables import named_table
from votewise.sources.databases.spark import fetched_from_spark
from votewise.sources.databases.urls import ConnectionUrl

LOST = {"OperationalError", "AdminShutdown", "CrashShutdown", "InterfaceError", "ConnectionFailure", "Py4JNetworkError"}
"""Errors that drivers raise where a server is gone."""

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
        if backend == "postgres":
            # Otherwise rows come in another order where somebody else reads the table at the same time.
            with engine_errors(name):
                connection.con.execute("SET synchronize_seqscans TO off")
        yield _named(connection, query.get("table"), name)
    finally:
        if backend != "pyspark":
            # Spark gives out a session that the program may use elsewhere too.
            connection.disconnect()


def read_ibis(table: Any, name: str) -> pa.Table:
    """Run an ibis expression and fetch its rows."""
    with engine_errors(name):
        return fetched_from_spark(table) if table.get_backend().name == "pyspark" else table.to_pyarrow()


def has_no_order(source: Any) -> bool:
    """Whether a table's rows may come in another order the next time, as Spark's do."""
    if isinstance(source, str):
        return ConnectionUrl.parse(source).scheme.lower() == "pyspark"
    try:
        return bool(source.get_backend().name == "pyspark")
    except Exception:
        # ibis raises errors of its own where a table is of no engine, or of several.
        return False


@contextmanager
def engine_errors(name: str) -> Iterator[None]:
    """Turn what an engine raises about a source into one line that names it."""
    try:
        yield
    except VotewiseError:
        raise
    except Exception as error:
        if is_lost(error):
            raise EngineFailedError(f"{name}: the connection was lost while reading: {_first_line(error)}") from error
        raise failed("cannot be read", name, error) from error


def is_lost(error: Exception) -> bool:
    """Whether an error says that a server is gone."""
    return type(error).__name__ in LOST


def failed(problem: str, name: str, error: Exception) -> BadInputError:
    """One line for an engine's error: engines raise errors of many lines, and the first one says most."""
    return BadInputError(f"{problem}: {_first_line(error)}", source=name)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _named(connection: Any, wanted: str | None, name: str) -> Any:
    try:
        return named_table(connection, wanted, name)
    except VotewiseError:
        raise
    except Exception as error:
        raise failed(f"there is no table '{wanted}'" if wanted else "cannot be read", name, error) from error
