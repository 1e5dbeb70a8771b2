"""Tables of pandas, polars and 🤗 datasets -> tables of Arrow, whole or some rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.errors import BadInputError
from votewise.sources.containers import stand_ins
from votewise.sources.containers.loaded import Loaded
from votewise.sources.containers.parts import common_schema
from votewise.sources.containers.parts_writer import PartsWriter
from votewise.sources.containers.plain_types import has_categories, plain_schema
from votewise.sources.containers.sliced_rows import RowsBeside, SlicedRows, sliced_table
from votewise.sources.containers.table_files import TableFiles
from votewise.sources.containers.temporary import TemporaryFolder
from votewise.sources.values import MARK, BytesAmongOthersError, holds_bytes, is_marked, to_column

AT_ONCE = 5_000
"""Rows of Python objects that are converted at a time."""


def from_pandas(source: Any, name: str) -> pa.Table:
    """A data frame as one table."""
    source = _frame(source, name)
    return _table(source, range(source.shape[1]))


def pandas_in_parts(source: Any, name: str) -> TableFiles | None:
    """A data frame whose columns of Python objects are written to a temporary file; the others are in memory.

    A column of objects whose types differ along the way is converted at once, as ``from_pandas`` does. None where the frame
    is small, or where columns have one name.
    """
    source = _frame(source, name)
    names = [str(column) for column in source.columns]
    if len(set(names)) < len(names) or _size(source) < stand_ins.LARGE:
        return None
    files = _objects(source, names, name)
    stored = [] if files is None else files.schema.names
    here = sliced_table(_table(source, [i for i in range(len(names)) if names[i] not in stored]))
    if files is None or not stored:
        return TableFiles((here,), plain_schema(here.schema))
    both = RowsBeside(here, files, tuple(names))
    return TableFiles((both,), plain_schema(both.schema), files.kept)


def _objects(frame: Any, names: Sequence[str], name: str) -> TableFiles | None:
    """The columns of Python objects in a temporary file, without those of several types; None where there are none."""
    left = [i for i, dtype in enumerate(frame.dtypes) if dtype == "object" or getattr(dtype, "storage", "") == "python"]
    if not left:
        return None
    folder, kinds = TemporaryFolder(), list[pa.Schema]()
    writer = PartsWriter(folder.path, name, kind="arrow")
    with folder.writing():
        writer.take(_parts(frame, left, kinds))
        staged = writer.finish(for_engine=False)
    files = TableFiles.of(staged.files, "arrow").without(staged.number, folder)
    for i in left:
        if not _have_one_type([schema.field(names[i]) for schema in kinds]):
            files = files.without(names[i], folder)
    return files


def from_polars(source: Any, name: str) -> pa.Table:
    """A data frame as one table."""
    # By default polars gives string views, for which Arrow lacks most functions.
    return _polars_frame(source, name).to_arrow(compat_level=_oldest())


def polars_in_slices(source: Any, name: str) -> TableFiles | None:
    """A data frame whose texts and nested values are converted when they are asked for, some rows at a time."""
    frame = _polars_frame(source, name).clone()
    if len(set(frame.columns)) < len(frame.columns):
        return None
    schema = frame.head(0).to_arrow(compat_level=_oldest()).schema
    plain = [field.name for field in schema if has_categories(field.type)]
    here = frame.select(plain).to_arrow(compat_level=_oldest()) if plain else None

    def piece(names: Sequence[str], start: int, rows: int) -> pa.Table:
        left = [name for name in names if name not in plain]
        found = frame.select(left).slice(start, rows).to_arrow(compat_level=_oldest())
        columns = [
            here.column(name).slice(start, rows) if here is not None and name in plain else found.column(name)
            for name in names
        ]
        return pa.Table.from_arrays(columns, schema=pa.schema([schema.field(name) for name in names]))

    sizes = {column: int(frame.get_column(column).estimated_size()) for column in frame.columns}
    rows = SlicedRows(len(frame), schema, sizes, piece)
    return TableFiles((rows,), plain_schema(schema))


def lazy_polars(source: Any) -> Loaded | TableFiles:
    """A lazy frame, run once: its rows go to a temporary file, and stay there where they are many."""
    folder = TemporaryFolder()
    path = folder.path / "rows.arrow"
    with folder.writing():
        source.sink_ipc(path, compression="lz4", compat_level=_oldest())
    files = replace(TableFiles.of([path], "arrow"), kept=folder)
    if files.bytes >= stand_ins.LARGE:
        return files
    with pa.OSFile(str(path)) as file:
        return Loaded(pa.ipc.open_file(file).read_all())


def from_datasets(source: Any, name: str) -> Any:
    """A data set without its splits, of Arrow's format.

    Raises:
        BadInputError: it is something else of that library.
    """
    if not hasattr(source, "with_format") or not hasattr(source, "__getitem__"):
        raise BadInputError("is a stream", source=name, expected="a datasets.Dataset, loaded without streaming=True")
    return source.with_format("arrow")


def datasets_in_slices(source: Any, name: str) -> TableFiles | None:
    """A data set whose rows are taken from it when they are asked for."""
    rows = from_datasets(source, name)
    if len(rows) == 0:
        return None
    schema = rows[:1].schema
    share = len(rows) / max(len(rows.data), 1)
    sizes = {column: int(share * rows.data.column(column).nbytes) for column in schema.names}

    def piece(names: Sequence[str], start: int, number: int) -> pa.Table:
        return rows.select_columns(list(names))[start : start + number]

    return TableFiles((SlicedRows(len(rows), schema, sizes, piece),), plain_schema(schema))


def _frame(source: Any, name: str) -> Any:
    if not hasattr(source, "columns"):
        raise BadInputError("is one column", source=name, expected="a DataFrame")
    named = [name for name in source.index.names if name is not None and name not in source.columns]
    # An index with a name is a column; without one it only numbers the rows, unless it holds texts.
    if named:
        return source.reset_index(level=named)
    texts = source.index.nlevels == 1 and source.index.inferred_type == "string" and source.index.name is None
    return source.reset_index() if texts and not {"index", "level_0"} & set(source.columns) else source


def _table(frame: Any, places: Iterable[int]) -> pa.Table:
    """The columns at these places."""
    arrays, fields = [], []
    for i in places:
        series = frame.iloc[:, i]
        try:
            array, marked = pa.array(series, from_pandas=True), False
            if series.dtype == object and holds_bytes(array.type):
                array, marked = _column_of(series, str(frame.columns[i]))
        except BytesAmongOthersError:
            raise
        except (pa.ArrowException, UnicodeEncodeError, OverflowError, TypeError, ValueError):
            array, marked = _column_of(series, str(frame.columns[i]))
        arrays.append(array)
        fields.append(pa.field(str(frame.columns[i]), array.type, metadata=MARK if marked else None))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields)) if fields else pa.table({})


def _column_of(series: Any, name: str) -> tuple[pa.Array, bool]:
    """A column of Python objects, and whether it holds them as JSON text."""
    missing = series.map(lambda v: v is None or (isinstance(v, float) and v != v))
    try:
        return to_column([None if m else v for v, m in zip(series, missing, strict=True)])
    except BytesAmongOthersError as error:
        raise error.of(name, "pandas DataFrame") from error


def _size(frame: Any) -> int:
    """Bytes of all values, estimated from those of the first rows."""
    some = _table(frame.iloc[:AT_ONCE], range(frame.shape[1]))
    return some.nbytes * len(frame) // len(some) if len(some) else -1


def _parts(frame: Any, places: Sequence[int], kinds: list[pa.Schema]) -> Iterator[Loaded]:
    """Columns of some rows after the others; ``kinds`` takes the types that they have there."""
    for start in range(0, len(frame), AT_ONCE):
        table = _table(frame.iloc[start : start + AT_ONCE], places)
        kinds.append(table.schema)
        yield Loaded(table, numbers=np.arange(start + 1, start + len(table) + 1))


def _have_one_type(fields: Sequence[pa.Field]) -> bool:
    """Whether a column of objects has the type of all its parts when it is converted at once."""
    known = [field for field in fields if not pa.types.is_null(field.type)]
    if all(field.equals(known[0], check_metadata=True) for field in known):
        return True
    if any(is_marked(field) or not pa.types.is_nested(field.type) for field in known):
        return False
    return not is_marked(common_schema([pa.schema([field]) for field in known]).field(0))


def _polars_frame(source: Any, name: str) -> Any:
    import polars as pl

    if not isinstance(source, pl.DataFrame):
        raise BadInputError("is one column", source=name, expected="a DataFrame")
    return source


def _oldest() -> Any:
    import polars as pl

    return pl.CompatLevel.oldest()
