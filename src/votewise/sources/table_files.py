"""Parquet and Arrow files as one table that is read in batches, and never whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from votewise.errors import BadInputError
from votewise.sources.loaded import Broken
from votewise.sources.plain_types import plain_schema

Indices = npt.NDArray[np.int64]

BATCH_BYTES = 32 << 20
"""How much of a table is in memory at a time, roughly."""


@dataclass(frozen=True)
class TableFile:
    """One file: its ``kind`` (``parquet`` or ``arrow``), what it looked like when it was opened, and its rows."""

    path: Path
    kind: str
    stamp: tuple[int, int]
    rows: int
    bytes: int
    schema: pa.Schema

    @classmethod
    def of(cls, path: Path, kind: str) -> TableFile:
        """Look at a file's description, not at its rows."""
        if kind == "parquet":
            with pq.ParquetFile(path) as file:
                meta = file.metadata
                size = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
                return cls(path, kind, stamp_of(path), meta.num_rows, size, file.schema_arrow)
        rows, schema = 0, None
        with pa.OSFile(str(path)) as source:
            for batch in _arrow_batches(source):
                rows, schema = rows + len(batch), batch.schema
            return cls(path, kind, stamp_of(path), rows, path.stat().st_size, schema or _arrow_schema(source))

    def check(self) -> None:
        """Raise BadInputError if the file is not as it was when it was opened."""
        try:
            same = stamp_of(self.path) == self.stamp
        except OSError:
            same = False
        if not same:
            raise BadInputError(
                "has changed since it was read", source=str(self.path), expected="the same file; read it again"
            )

    def batches(self, columns: Sequence[str], rows: Indices | None, most: int = 100_000) -> Iterator[pa.Table]:
        """These columns of all rows, or of these ascending ones, as far as the file has the columns; ``most`` at a time."""
        self.check()
        own = [name for name in columns if name in self.schema.names]
        size = min(most, max(1_000, BATCH_BYTES * self.rows // max(self.bytes, 1)))
        with ThreadPoolExecutor(1) as pool:
            found = self._parquet(own, rows, size) if self.kind == "parquet" else self._arrow(own, rows, size)
            # The next batch is decoded while this one is used.
            waiting = pool.submit(next, found, None)
            while (item := waiting.result()) is not None:
                waiting = pool.submit(next, found, None)
                start, batch = item
                if rows is not None:
                    first, last = np.searchsorted(rows, [start, start + len(batch)])
                    batch = batch.take(pa.array(rows[first:last] - start)) if last - first != len(batch) else batch
                if len(batch):
                    yield batch

    def _parquet(self, columns: list[str], rows: Indices | None, size: int) -> Iterator[tuple[int, pa.Table]]:
        with pq.ParquetFile(self.path, pre_buffer=False, buffer_size=1 << 20) as file:
            start = 0
            for group in range(file.metadata.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                if rows is None or np.diff(np.searchsorted(rows, [start, end]))[0]:
                    at = start
                    for batch in file.iter_batches(size, row_groups=[group], columns=columns):
                        if rows is not None and at > rows[-1]:
                            return
                        yield at, pa.Table.from_batches([batch]).select(columns)
                        at += len(batch)
                start = end

    def _arrow(self, columns: list[str], rows: Indices | None, size: int) -> Iterator[tuple[int, pa.Table]]:
        at = 0
        with pa.OSFile(str(self.path)) as source:
            for batch in _arrow_batches(source):
                if rows is not None and at > rows[-1]:
                    return
                # Offsets of a damaged file may point anywhere, which would end the process.
                batch.validate(full=True)
                for piece in pa.Table.from_batches([batch]).select(columns).to_batches(max_chunksize=size):
                    yield at, pa.Table.from_batches([piece])
                    at += len(piece)


@dataclass(frozen=True)
class TableFiles:
    """Files with the rows of one table, in this order; ``schema`` has the columns of all of them.

    ``kept`` is what keeps temporary files while the table is in use.
    """

    files: tuple[TableFile, ...]
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

    def take(self, columns: Sequence[str], rows: Indices) -> pa.Table:
        """A few rows, in the order in which they are asked for."""
        ordered, where = np.unique(np.asarray(rows, np.int64), return_inverse=True)
        schema = pa.schema([self.schema.field(name) for name in columns], self.schema.metadata)
        found = pa.concat_tables([schema.empty_table(), *self.batches(columns, ordered)])
        return found.take(pa.array(where.reshape(-1)))

    def head(self, rows: int) -> pa.Table:
        """The first rows with all columns, in memory."""
        found, left = [self.schema.empty_table()], rows
        for file in self.files:
            for batch in file.batches(self.schema.names, np.arange(min(left, file.rows)), rows) if left else ():
                found.append(_as(batch, self.schema))
                left -= len(batch)
        return pa.concat_tables(found)


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


def stamp_of(path: Path) -> tuple[int, int]:
    """What changes when a file is written: its size and the time of the last change."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _as(batch: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        batch.column(field.name).cast(field.type)
        if field.name in batch.column_names
        else pa.chunked_array([pa.nulls(len(batch), field.type)])
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _arrow_batches(source: Any) -> Iterator[pa.RecordBatch]:
    try:
        reader = pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        yield from pa.ipc.open_stream(source)
        return
    for i in range(reader.num_record_batches):
        yield reader.get_batch(i)


def _arrow_schema(source: Any) -> pa.Schema:
    try:
        return pa.ipc.open_file(source).schema
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source).schema
