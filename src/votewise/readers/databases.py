"""ibis tables and connection URLs -> tables. ibis is imported only when one is read."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pyarrow as pa

from votewise.errors import BadInputError

EXTRAS = {"postgres": "votewise[postgres]", "pyspark": "votewise[spark]"}


def is_url(text: str) -> bool:
    """Tell whether this is a connection URL, ``backend://...``, rather than a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None


def without_password(url: str) -> str:
    """Make a URL fit to be shown: the password is left out."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    query = urlencode([(k, v) for k, v in parse_qsl(parts.query) if k.lower() != "password"])
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}", query=query))


def load_url(url: str) -> pa.Table:
    """Read the table that the URL names with ``?table=``, or the only one there is.

    The rest of the URL is what ``ibis.connect`` takes: ``duckdb://file.db``, ``postgres://user@host/database/schema``,
    ``pyspark://``. DuckDB files are opened read-only.
    """
    import ibis

    name = without_password(url)
    parts = urlsplit(url)
    query = parse_qsl(parts.query)
    wanted = dict(query).get("table")
    rest = urlencode([(k, v) for k, v in query if k != "table"])
    # urlunsplit would drop the // of a URL that names nothing but the backend
    address = f"{parts.scheme}://{parts.netloc}{parts.path}" + (f"?{rest}" if rest else "")
    backend = parts.scheme.replace("postgresql", "postgres")
    memory = not (parts.netloc or parts.path)
    try:
        connection = ibis.connect(address, **({"read_only": True} if backend == "duckdb" and not memory else {}))
    except ImportError as error:
        package = EXTRAS.get(backend, f"ibis-framework[{backend}]")
        raise BadInputError(
            f"the {backend} backend is not installed", source=name, expected=f"pip install '{package}' first"
        ) from error
    except Exception as error:
        raise _failed("cannot connect", name, error) from error
    try:
        tables = sorted(connection.list_tables())
        chosen = wanted or (tables[0] if len(tables) == 1 else None)
        if chosen is None or ("." not in chosen and chosen not in tables):
            problem = f"there is no table '{chosen}'" if chosen else "the table is not named"
            found = ", ".join(tables[:10]) if tables else "there is none"
            raise BadInputError(problem, source=name, expected=f"?table= with one of: {found}")
        schema, _, table = chosen.rpartition(".")
        return read_ibis(connection.table(table, database=schema or None), name)
    finally:
        connection.disconnect()


def read_ibis(table: Any, name: str) -> pa.Table:
    """Run an ibis expression and fetch its rows."""
    try:
        return table.to_pyarrow()
    except Exception as error:
        raise _failed("cannot be read", name, error) from error


def _failed(problem: str, name: str, error: Exception) -> BadInputError:
    # Backends raise what they like, over many lines; the first says what went wrong.
    lines = str(error).strip().splitlines()
    return BadInputError(f"{problem}: {lines[0] if lines else type(error).__name__}", source=name)
