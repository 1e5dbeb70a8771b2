"""Parquet files that DuckDB reads where they are, without ibis: importing that takes longer than counting a million rows."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from votewise.errors import BadInputError, VotewiseError
from votewise.sources.containers.folders import PARQUET, files_of, suffix_of
from votewise.sources.containers.one_schema import one_schema
from votewise.sources.containers.table_names import check_names
from votewise.sources.containers.whole_files import check_large_parquet
from votewise.storage.staging import temporary_folder

HEAD = 20_000
"""First rows, by which columns of many values are known."""


@dataclass(frozen=True)
class PlainParquet:
    """Rows of Parquet files in a connection of DuckDB.

    Attributes:
        engine: the connection.
        rows: what stands behind FROM.
        name: what messages call them.
        schema: the columns that the files have, and those from the names of folders, in texts.
        notes: what to say about the choice of files.
    """

    engine: Any
    rows: str
    name: str
    schema: pa.Schema
    notes: tuple[str, ...]

    def table(self, query: str) -> pa.Table:
        """What a query gives."""
        return self.engine.sql(query).to_arrow_table()

    def of_few_values(self, names: Sequence[str], most: int) -> list[str]:
        """Those of the columns that have at most ``most`` different values in the first rows."""
        if not names:
            return []
        each = ", ".join(f"count(DISTINCT {quoted(name)})" for name in names)
        found = self.engine.sql(f"SELECT {each} FROM (FROM {self.rows} LIMIT {HEAD})").fetchone()
        return [name for name, number in zip(names, found, strict=True) if number <= most]

    def values(self, name: str, most: int) -> list[str] | None:
        """The different values of a column, as texts; None where they are more than ``most``."""
        text = f"SELECT DISTINCT CAST({quoted(name)} AS VARCHAR) FROM {self.rows} LIMIT {most + 1}"
        found = [value for (value,) in self.engine.sql(text).fetchall()]
        return None if len(found) > most else [value for value in found if value is not None]


@contextmanager
def plain_parquet(source: Any, split: str | None) -> Iterator[PlainParquet | None]:
    """The rows of a Parquet file, a folder or a pattern of them; None for everything else, which ``open_table`` reads.

    Raises:
        BadInputError: a file is damaged, or columns have types or names that no table has.
    """
    if not isinstance(source, str | os.PathLike) or "://" in os.fspath(source):
        yield None
        return
    name = os.fspath(source)
    files, notes = files_of(Path(name), name, split)
    if not files or not {suffix_of(file) for file in files} <= set(PARQUET) or not all(f.stat().st_size for f in files):
        yield None
        return
    import duckdb

    # Data that do not fit into memory go here, not into the user's working directory.
    with temporary_folder() as folder, duckdb.connect(config={"temp_directory": str(folder / "spill")}) as engine:
        engine.execute("SET enable_progress_bar = false")
        try:
            for path in files:
                check_large_parquet(path, str(path), engine)
            known = one_schema([pq.read_schema(file) for file in files], name)
            check_names(known.names, name)
            listed = ", ".join(text(glob.escape(str(file))) for file in files)
            rows = f"read_parquet([{listed}], union_by_name = true)"
            more = [c for c in engine.sql(f"FROM {rows} LIMIT 0").columns if c not in known.names]
        except VotewiseError:
            raise
        except Exception as error:
            # Whatever a library raises about a damaged file.
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise BadInputError(f"cannot be read: {first}", source=name) from error
        schema = pa.schema([*known, *(pa.field(column, pa.string()) for column in more)], known.metadata)
        yield PlainParquet(engine, rows, name, schema, notes)


def quoted(name: str) -> str:
    """A column's name in quotes, for SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text in quotes, for SQL."""
    return "'" + value.replace("'", "''") + "'"
