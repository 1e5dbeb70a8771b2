"""Anything that contains rows -> an ibis table that reads them when needed, without loading them into Python.

Files are read by an embedded DuckDB, tables in databases by their own engine. What DuckDB cannot read, and tables in
memory, go through ``sources.opening.load`` first.
"""

from __future__ import annotations

import glob
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from votewise.errors import BadInputError
from votewise.sources.databases import engine_errors, open_url, without_password
from votewise.sources.opening import load
from votewise.sources.urls import is_url

PARQUET = (".parquet", ".pq")
TEXT = (".csv", ".tsv")
JSON = (".jsonl", ".ndjson", ".json")

IN_MEMORY = 256 << 20
"""Bytes of a CSV or JSON file up to which the reader of ``read_votes`` reads it, so every command sees the same rows."""


@contextmanager
def open_table(source: Any) -> Iterator[tuple[Any, str]]:
    """Give an ibis table and its name; connections opened for it are closed at the end.

    Args:
        source: a path of a Parquet, CSV or JSON lines file, a folder of Parquet files or a glob such as
            ``clicks/*.parquet``; a connection URL with ``?table=``; an ibis table; or anything else that ``read_votes``
            accepts.

    Raises:
        BadInputError: there is nothing to read.
    """
    if isinstance(source, str) and is_url(source):
        with open_url(source) as table:
            yield table, without_password(source)
    elif type(source).__module__.partition(".")[0] == "ibis":
        yield source, "ibis table"
    else:
        with _embedded() as engine:
            yield _table(engine, source)


@contextmanager
def _embedded() -> Iterator[Any]:
    import ibis

    with tempfile.TemporaryDirectory(prefix="votewise-") as spill:
        # Data that do not fit into memory go here, not into the user's working directory.
        engine = ibis.duckdb.connect(temp_directory=spill)
        try:
            yield engine
        finally:
            engine.disconnect()


def _table(engine: Any, source: Any) -> tuple[Any, str]:
    if isinstance(source, str | os.PathLike):
        name = os.fspath(source)
        read = _reader(engine, name)
        if read is not None:
            with engine_errors(name):
                return read(), name
    loaded = load(source)
    if loaded.broken:
        first = loaded.broken[0]
        raise BadInputError(first.problem, source=loaded.name, row=first.number, expected=first.expected)
    engine.con.register("rows", loaded.table)
    return engine.table("rows"), loaded.name


def _reader(engine: Any, name: str) -> Callable[[], Any] | None:
    """A function that reads the path; None where DuckDB cannot."""
    path = Path(name)
    if not path.exists() and re.search(r"[*?\[]", name):
        return _parquet(
            engine,
            sorted(glob.glob(name, recursive=True)),  # noqa: PTH207 (Path.glob takes no absolute pattern)
            name,
        )
    if path.is_dir():
        if (path / "dataset_dict.json").exists() or (path / "state.json").exists():
            return None
        return _parquet(engine, sorted(map(str, path.rglob("*.parquet"))), name)
    if not path.is_file() or path.stat().st_size == 0:
        return None
    suffix = next((s.lower() for s in reversed(path.suffixes) if s.lower() != ".gz"), "")
    # DuckDB would read a name with brackets as a pattern.
    file = glob.escape(name)
    if suffix in PARQUET:
        return _parquet(engine, [name], name)
    if path.stat().st_size <= IN_MEMORY:
        return None
    if suffix in TEXT:
        # A CSV has no types: "007" stays as it is.
        return lambda: engine.read_csv(file, header=True, all_varchar=True)
    if suffix in JSON:
        return lambda: _json(engine, file)
    return None


def _json(engine: Any, file: str) -> Any:
    """Read JSON lines with texts as texts: DuckDB would turn ids that look like dates, times or UUIDs into these types."""
    path = file.replace("'", "''")
    found = engine.con.execute(f"DESCRIBE SELECT * FROM read_json('{path}', sample_size = -1)").fetchall()
    kinds = {name: "VARCHAR" if _is_guessed(kind) else kind for name, kind, *_ in found}
    return engine.read_json(file, columns=kinds)


def _is_guessed(kind: str) -> bool:
    """Whether a type is one that JSON does not have, read from a text."""
    return kind.startswith(("DATE", "TIME", "UUID", "INTERVAL"))


def _parquet(engine: Any, files: Sequence[str], name: str) -> Callable[[], Any]:
    if not files:
        raise BadInputError("there are no Parquet files", source=name)
    return lambda: engine.read_parquet([glob.escape(file) for file in files], union_by_name=True)
