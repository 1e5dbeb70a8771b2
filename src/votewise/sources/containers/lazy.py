"""Anything that contains rows -> an ibis table that reads them when needed, without loading them into Python.

Parquet files are read by an embedded DuckDB where they are, tables in databases by their own engine. Large text files are
staged as Parquet first, part by part; everything else is loaded. So every row is read by the readers of ``read_votes``.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from votewise.errors import BadInputError, VotewiseError
from votewise.sources.containers.exact_rows import ExactRows
from votewise.sources.containers.folders import PARQUET, files_of, suffix_of, unpacked_size
from votewise.sources.containers.loaded import first_line
from votewise.sources.containers.open_table import OpenTable
from votewise.sources.containers.opening import load
from votewise.sources.containers.parquet_tables import parquet_table
from votewise.sources.containers.parts_writer import NUMBER, StagedFiles
from votewise.sources.containers.staged import PARTWISE, stage
from votewise.sources.containers.table_names import check_names
from votewise.sources.databases.connections import engine_errors, open_url, without_password
from votewise.sources.databases.urls import is_url
from votewise.sources.meanings.class_names import class_names
from votewise.sources.option_words import or_skip
from votewise.sources.values import is_marked
from votewise.storage.engine import engine_keeps
from votewise.storage.staging import temporary_folder

IN_MEMORY = 64 << 20
"""Bytes of text files up to which they are loaded; larger ones are staged."""


@contextmanager
def open_table(
    source: Any, *, split: str | None = None, stop: bool = True, told: Callable[[str], None] | None = None
) -> Iterator[OpenTable]:
    """Give a table of the rows; connections opened for it are closed at the end, and staged files removed.

    Args:
        source: a file, a folder or a pattern such as ``clicks/*.parquet``; a connection URL with ``?table=``; an ibis table;
            or anything else that ``read_votes`` accepts.
        split: which split of a data set to read.
        stop: raise at a row that cannot be parsed.
        told: called with what takes long before anything is counted.

    Raises:
        BadInputError: there is nothing to read.
    """
    if isinstance(source, str) and is_url(source):
        with open_url(source) as table:
            yield OpenTable(table, without_password(source), typed=_types_of(table))
    elif type(source).__module__.partition(".")[0] == "ibis":
        yield OpenTable(source, "ibis table", typed=_types_of(source))
    else:
        with _embedded() as (engine, folder):
            opened = _in_files(engine, folder, source, split, stop, told) or _loaded(engine, source, split, stop)
            yield replace(opened, engine=engine)


def _types_of(table: Any) -> pa.Schema | None:
    """The types that a table's own rows have when they are fetched; None where Arrow has no such types."""
    try:
        return table.schema().to_pyarrow()
    except Exception:
        # ibis raises errors of many kinds here; the engine then says what its columns are.
        return None


@contextmanager
def _embedded() -> Iterator[tuple[Any, Path]]:
    import ibis

    # Data that do not fit into memory go here, not into the user's working directory.
    with temporary_folder() as folder:
        engine = ibis.duckdb.connect(temp_directory=str(folder / "spill"))
        try:
            yield engine, folder
        finally:
            engine.disconnect()


def _loaded(engine: Any, source: Any, split: str | None, stop: bool) -> OpenTable:
    loaded = load(source, split=split)
    if loaded.broken and stop:
        first = loaded.broken[0]
        raise BadInputError(
            first.problem,
            source=loaded.name,
            row=first.number,
            column=first.column,
            value=first.text,
            expected=or_skip(first.expected),
        )
    table, number = loaded.table, NUMBER
    check_names(table.column_names, loaded.name)
    while number in table.column_names:
        number += "_"
    numbers = np.arange(1, len(table) + 1) if loaded.numbers is None else loaded.numbers
    engine.con.register("rows", _known(table).append_column(number, pa.array(numbers, pa.int64())))
    marked = frozenset(field.name for field in table.schema if is_marked(field))
    classes = class_names(table.schema)
    own = loaded.own
    exact = ExactRows(own.schema, own, loaded.numbers)
    return OpenTable(
        engine.table("rows"), loaded.name, number, None, loaded.broken, marked, loaded.notes, classes, exact
    )


def _in_files(
    engine: Any, folder: Path, source: Any, split: str | None, stop: bool, told: Callable[[str], None] | None
) -> OpenTable | None:
    """The rows of files that are not loaded; None for what is."""
    if not isinstance(source, str | os.PathLike):
        return None
    name = os.fspath(source)
    files, notes = files_of(Path(name), name, split)
    kinds = {suffix_of(file) for file in files}
    if not files or any(file.stat().st_size == 0 for file in files):
        return None
    if kinds <= set(PARQUET):
        with engine_errors(name):
            return parquet_table(engine, files, name, notes)
    if len(kinds) > 1 or not kinds <= PARTWISE.keys() or sum(map(unpacked_size, files)) <= IN_MEMORY:
        return None
    if told is not None:
        told(f"Staging {Path(name).name}")
    staged = folder / "staged"
    staged.mkdir()
    try:
        found = stage(files, staged, name, stop=stop)
    except VotewiseError:
        raise
    except Exception as error:
        # Whatever a library raises about a damaged file, as in ``load``.
        raise BadInputError(f"cannot be read: {first_line(error)}", source=name) from error
    with engine_errors(name):
        rows = engine.read_parquet([glob.escape(str(file)) for file in found.files])
    schema = pq.read_schema(found.files[0])
    schema = schema.remove(schema.get_field_index(found.number))
    exact = None if engine_keeps(schema) else ExactRows.in_files(found.files, schema, _numbers(found))
    return OpenTable(
        rows, name, found.number, None, found.broken, found.marked, (*notes, *found.notes), exact=exact, typed=schema
    )


def _numbers(found: StagedFiles) -> npt.NDArray[np.int64]:
    """The numbers that staged rows have in the source."""
    columns = [pq.read_table(file, columns=[found.number]).column(0) for file in found.files]
    return np.concatenate([np.asarray(column.to_numpy(), np.int64) for column in columns])


def _known(table: pa.Table) -> pa.Table:
    """The table without numbers of 16 bits, which the engine does not know."""
    for i, own in enumerate(table.schema):
        if pa.types.is_float16(own.type):
            table = table.set_column(i, own.with_type(pa.float32()), table.column(i).cast(pa.float32()))
    return table
