"""Parquet and Arrow files as one table that is read in batches, and never whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.data.lazy_table import as_type
from votewise.sources.containers.loaded import Broken
from votewise.sources.containers.plain_types import check_texts, common_metadata, has_categories, plain_schema
from votewise.sources.containers.table_file import Indices, RowsInPieces, TableFile


@dataclass(frozen=True)
class TableFiles:
    """Files with the rows of one table, in this order; ``schema`` has the columns of all of them.

    ``kept`` is what keeps temporary files while the table is in use.
    """

    files: tuple[RowsInPieces, ...]
    schema: pa.Schema
    kept: Any = None

    @classmethod
    def of(cls, paths: Sequence[Path], kind: str) -> TableFiles:
        """Look at the files; their columns may differ, as null columns and integers of different widths do."""
        files = tuple(TableFile.of(path, kind) for path in paths)
        if len(files) == 1:
            schema = files[0].schema
        else:
            schemas = [file.schema.remove_metadata() for file in files]
            schema = pa.unify_schemas(schemas, promote_options="permissive")
            check_texts(schemas, schema)
            schema = schema.with_metadata(common_metadata([file.schema.metadata for file in files]))
        return cls(files, plain_schema(schema))

    def without(self, column: str, kept: Any) -> TableFiles:
        """The table without one column, whose files are kept by ``kept``."""
        place = self.schema.get_field_index(column)
        return TableFiles(self.files, self.schema.remove(place), kept)

    def __len__(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Size of the values before compression, roughly."""
        return sum(file.bytes for file in self.files)

    def size(self, name: str) -> int:
        """Bytes of the values of one column, as ``TableFile.sizes`` has them."""
        return sum(file.sizes.get(name, 0) for file in self.files)

    def batches(self, columns: Sequence[str], rows: Indices | None = None) -> Iterator[pa.Table]:
        """The columns in the order of the rows; only these ascending ``rows``, or all of them."""
        schema = pa.schema([self.schema.field(name) for name in columns], self.schema.metadata)
        start = 0
        for file in self.files:
            own = None
            if rows is not None:
                first, last = np.searchsorted(rows, [start, start + file.rows])
                own = rows[first:last] - start
            if own is None or len(own):
                for batch in file.batches(columns, own):
                    yield _as(batch, schema)
            start += file.rows

    def table(self, columns: Sequence[str]) -> pa.Table:
        """These columns, in memory."""
        schema = pa.schema([self.schema.field(name) for name in columns], self.schema.metadata)
        return pa.concat_tables([schema.empty_table(), *self.batches(columns)]) if columns else pa.table({})

    def categories(self) -> pa.Table | None:
        """The columns of categories, as they are in the files, in memory; None where there are none, or of several types."""
        first = self.files[0].schema
        others = [{field.name: field.type for field in file.schema} for file in self.files]
        names = [f.name for f in first if has_categories(f.type) and all(o.get(f.name) == f.type for o in others)]
        found = [batch for file in self.files for batch in file.batches(names, None)] if names else []
        return pa.concat_tables(found) if found else None

    def take(self, columns: Sequence[str], rows: Indices) -> pa.Table:
        """A few rows, in the order in which they are asked for."""
        ordered, where = np.unique(np.asarray(rows, np.int64), return_inverse=True)
        schema = pa.schema([self.schema.field(name) for name in columns], self.schema.metadata)
        found = pa.concat_tables([schema.empty_table(), *self.batches(columns, ordered)])
        return found.take(pa.array(where.reshape(-1)))

    def head(self, columns: Sequence[str], rows: int) -> pa.Table:
        """The first rows of these columns, in memory."""
        schema = pa.schema([self.schema.field(name) for name in columns])
        found, left = [], rows
        for file in self.files:
            for batch in file.batches(columns, np.arange(min(left, file.rows)), rows) if left and columns else ():
                found.append(_as(batch, schema))
                left -= len(batch)
        return pa.concat_tables(found) if found else schema.empty_table()


@dataclass(frozen=True)
class RowsInFiles:
    """A source whose rows are in files, and what to say about the choice of files.

    Where they were parsed: the rows that could not be, and the numbers of those that could, from 1; None where they are
    consecutive.
    """

    files: TableFiles
    notes: tuple[str, ...] = ()
    broken: tuple[Broken, ...] = ()
    numbers: Indices | None = None


def _as(batch: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        as_type(batch.column(field.name), field.type)
        if field.name in batch.column_names
        else pa.chunked_array([pa.nulls(len(batch), field.type)])
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
