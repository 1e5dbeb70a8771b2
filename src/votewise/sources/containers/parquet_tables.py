"""Parquet files as an ibis table of an embedded DuckDB, which reads them where they are."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from votewise.errors import BadInputError
from votewise.sources.containers.exact_rows import ExactRows
from votewise.sources.containers.one_schema import one_schema
from votewise.sources.containers.open_table import OpenTable
from votewise.sources.containers.table_names import check_names
from votewise.sources.containers.whole_files import check_large_parquet
from votewise.sources.meanings.class_names import class_names
from votewise.sources.values import is_marked
from votewise.storage.engine import engine_keeps


def parquet_table(engine: Any, files: Sequence[Path], name: str, notes: tuple[str, ...]) -> OpenTable:
    """The rows of files, which may lack some of the columns.

    Raises:
        BadInputError: a file is damaged, or columns have types or names that no table has.
    """
    for path in files:
        check_large_parquet(path, str(path))
    schemas = [pq.read_schema(file) for file in files]
    for schema in schemas:
        check_names(schema.names, name)
    known = one_schema(schemas, name)
    check_names(known.names, name)
    classes, kept = class_names(known), engine_keeps(known)
    own = set(known.names)
    marked = frozenset(field.name for schema in schemas for field in schema if is_marked(field))
    # DuckDB would read a name with brackets as a pattern.
    escaped = [glob.escape(str(file)) for file in files]
    several = len(files) > 1
    number, file = "file_row_number", "filename" if several else None
    taken = [column for column in (number, file) if column in own]
    if taken and not kept:
        problem = "is a name under which rows are numbered, so that these cannot be written back with their types"
        raise BadInputError(problem, source=name, column=taken[0], expected="another name")
    if taken:
        rows = engine.read_parquet(escaped, union_by_name=True)
        return OpenTable(rows, name, marked=marked, notes=notes, classes=classes, typed=_with_folders(known, rows, ()))
    exact = None if kept else ExactRows.in_files(files, known)
    extra = {"file_row_number": True} | ({"filename": True} if several else {})
    rows = engine.read_parquet(escaped, union_by_name=True, **extra)
    rows = rows.mutate(**{number: rows[number] + 1})
    typed = _with_folders(known, rows, (number, file))
    return OpenTable(rows, name, number, file, (), marked, notes, classes, exact, typed, tuple(files))


def _with_folders(known: pa.Schema, rows: Any, beside: Sequence[str | None]) -> pa.Schema:
    """The columns of files, and those that DuckDB takes from the names of folders, ``day=1``."""
    more = [
        pa.field(name, kind.to_pyarrow()) for name, kind in rows.schema().items() if name not in (*known.names, *beside)
    ]
    return pa.schema([*known, *more], known.metadata)
