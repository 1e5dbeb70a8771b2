"""Tables and streams that a program hands over -> one table, or files and slices of which some rows are read at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa

from votewise.errors import BadInputError
from votewise.sources.containers import frames
from votewise.sources.containers.loaded import Loaded
from votewise.sources.containers.plain_types import plain_schema
from votewise.sources.containers.row_streams import stream_in_parts, table_of_stream
from votewise.sources.containers.sliced_rows import sliced_table
from votewise.sources.containers.splits import choose_split
from votewise.sources.containers.table_files import RowsInFiles, TableFiles
from votewise.sources.values import BytesAmongOthersError, table_of


def name_of(source: Any) -> str:
    """What messages call something that is neither a path nor a URL."""
    if isinstance(source, list | tuple):
        return "list of rows"
    if isinstance(source, Iterator):
        return "stream of rows"
    kind = type(source)
    module = kind.__module__.split(".")[0]
    return "ibis table" if module == "ibis" else f"{module} {kind.__name__}"


def load_rows(source: Any, split: str | None) -> Loaded:
    """All rows as one table; BadInputError for what holds none."""
    name = name_of(source)
    if isinstance(source, list | tuple):
        for number, row in enumerate(source, 1):
            if not isinstance(row, dict):
                raise BadInputError("is not a dict", source=name, row=number, value=row, expected="a dict")
        try:
            return Loaded(table_of(source))
        except BytesAmongOthersError as error:
            raise error.of(str(error.column), name) from error
    if isinstance(source, Iterator):
        return Loaded(table_of_stream(source, name))
    match name.split()[0]:
        case "datasets":
            source, notes = _split(source, name, split)
            if _is_of_objects(source):
                return Loaded(with_features(table_of_stream(_objects(source), name), source), notes=notes)
            return Loaded(frames.from_datasets(source, name)[:], notes=notes)
        case "pandas":
            return Loaded(frames.from_pandas(source, name))
        case "polars":
            frame = source.collect(engine="streaming") if type(source).__name__ == "LazyFrame" else source
            return Loaded(frames.from_polars(frame, name))
    if isinstance(source, pa.Table):
        return Loaded(source)
    if hasattr(source, "__arrow_c_stream__"):
        return Loaded(pa.table(source))
    kind = type(source)
    raise BadInputError(
        f"cannot read votes from a {kind.__module__}.{kind.__qualname__}",
        expected="a path, a connection URL, a list or stream of dicts, or a pyarrow, pandas, polars, datasets or ibis table",
    )


def leave_rows(source: Any, split: str | None) -> Loaded | RowsInFiles | None:
    """The same rows, no second time in memory: as slices of the table, or in a temporary file where they are converted.

    None where there is only ``load_rows``. What can be read once only is read here, and is ``Loaded`` if it is small.
    """
    name = name_of(source)
    if isinstance(source, list | tuple | Iterator):
        return _found(stream_in_parts(source, name))
    match name.split()[0]:
        case "datasets":
            source, notes = _split(source, name, split)
            if _is_of_objects(source):
                return _found(with_features(stream_in_parts(_objects(source), name), source), notes)
            return _found(frames.datasets_in_slices(source, name), notes)
        case "pandas":
            return _found(frames.pandas_in_parts(source, name))
        case "polars" if type(source).__name__ == "LazyFrame":
            return _found(frames.lazy_polars(source))
        case "polars":
            return _found(frames.polars_in_slices(source, name))
    if not isinstance(source, pa.Table) and hasattr(source, "__arrow_c_stream__"):
        return None
    if isinstance(source, pa.Table) and len(set(source.column_names)) == source.num_columns:
        return RowsInFiles(TableFiles((sliced_table(source),), plain_schema(source.schema)))
    return None


def _found(found: Loaded | TableFiles | None, notes: tuple[str, ...] = ()) -> Loaded | RowsInFiles | None:
    if found is None:
        return None
    return RowsInFiles(found, notes) if isinstance(found, TableFiles) else replace(found, notes=notes)


def _split(source: Any, name: str, split: str | None) -> tuple[Any, tuple[str, ...]]:
    """The split of a data set that is read, and what to say about it."""
    if not isinstance(source, dict):
        return source, ()
    chosen, notes = choose_split([str(key) for key in source], split, name)
    return source[chosen], notes


def _is_of_objects(source: Any) -> bool:
    """Whether rows of a data set are taken as Python objects: of a stream, or where it keeps objects as JSON."""
    return type(source).__name__ == "IterableDataset" or "Json(" in str(getattr(source, "features", ""))


def _objects(source: Any) -> Any:
    return source if type(source).__name__ == "IterableDataset" else source.with_format(None)


def with_features(found: Any, source: Any) -> Any:
    """A table, or what was loaded, with what a streamed data set says about its columns: the names of classes."""
    features = getattr(source, "features", None)
    known = features.arrow_schema.metadata if features is not None else None
    if not known:
        return found
    if isinstance(found, Loaded):
        return replace(found, table=found.table.replace_schema_metadata(known))
    if isinstance(found, TableFiles):
        return replace(found, schema=found.schema.with_metadata(known))
    return found.replace_schema_metadata(known)
