"""One Parquet or Arrow file whose rows are read in batches."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from votewise.errors import BadInputError
from votewise.sources.containers.whole_files import check_large_parquet, check_stream_ends, description_of

Indices = npt.NDArray[np.int64]

BATCH_BYTES = 32 << 20
"""How much of a table is read at a time, roughly."""

AHEAD = 4
"""Batches that are read ahead: the first one of a row group takes several times as long as the next ones where DuckDB wrote
the file, in pages as large as the group."""


class RowsInPieces(Protocol):
    """Rows that are read in batches: those of a file, or of a table in memory."""

    @property
    def kind(self) -> str:
        """``parquet``, ``arrow`` or ``memory``."""
        ...

    @property
    def rows(self) -> int:
        """Their number."""
        ...

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        ...

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of the columns' values."""
        ...

    @property
    def bytes(self) -> int:
        """Bytes of all columns."""
        ...

    def check(self) -> None:
        """Raise BadInputError if the rows are not as they were when they were opened."""
        ...

    def batches(self, columns: Sequence[str], rows: Indices | None, most: int = ...) -> Iterator[pa.Table]:
        """These columns of all rows, or of these ascending ones, as far as there are such columns; ``most`` at a time."""
        ...


@dataclass(frozen=True)
class TableFile:
    """One file: its ``kind`` (``parquet`` or ``arrow``), what it looked like when it was opened, and its rows.

    ``sizes`` are the bytes of the columns' values, before compression but, in Parquet, after repetition was taken out.
    """

    path: Path
    kind: str
    stamp: tuple[int, int]
    rows: int
    sizes: Mapping[str, int]
    schema: pa.Schema

    @property
    def bytes(self) -> int:
        """Bytes of all columns."""
        return sum(self.sizes.values())

    @classmethod
    def of(cls, path: Path, kind: str) -> TableFile:
        """Look at a file's description, not at its rows."""
        if kind == "parquet":
            with pq.ParquetFile(path) as file:
                schema, meta = file.schema_arrow, file.metadata
                check_large_parquet(path, str(path))
                return cls(path, kind, stamp_of(path), meta.num_rows, _sizes(path, schema.names), schema)
        rows, schema, sizes = 0, None, Counter[str]()
        with pa.memory_map(str(path)) as source:
            for batch in _arrow_batches(source):
                rows, schema = rows + len(batch), batch.schema
                # Not ``nbytes``, which follows offsets: those of a damaged file may point anywhere.
                sizes.update({name: batch.column(i).get_total_buffer_size() for i, name in enumerate(schema.names)})
            schema = schema or _arrow_schema(source)
        check_stream_ends(path, str(path))
        return cls(path, kind, stamp_of(path), rows, sizes, schema)

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
        pool = ThreadPoolExecutor(1)
        try:
            found = self._parquet(own, rows, size) if self.kind == "parquet" else self._arrow(own, rows, size)
            # The next batches are decoded while this one is used.
            waiting = deque(pool.submit(next, found, None) for _ in range(AHEAD))
            while (item := waiting.popleft().result()) is not None:
                waiting.append(pool.submit(next, found, None))
                start, batch = item
                if rows is not None:
                    first, last = np.searchsorted(rows, [start, start + len(batch)])
                    batch = _rows_of(batch, rows[first:last] - start)
                if len(batch):
                    yield batch
        finally:
            # Who stops early leaves this generator to the garbage collector, which may run while a thread starts and holds
            # the lock that waiting for another thread needs.
            pool.shutdown(wait=False, cancel_futures=True)

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


def _rows_of(batch: pa.Table, at: Indices) -> pa.Table:
    """These ascending rows of a batch; consecutive ones are not copied."""
    if len(at) == 0 or at[-1] - at[0] == len(at) - 1:
        return batch.slice(int(at[0]) if len(at) else 0, len(at))
    return batch.take(pa.array(at))


def stamp_of(path: Path) -> tuple[int, int]:
    """What changes when a file is written: its size and the time of the last change."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _sizes(path: Path, names: Sequence[str]) -> Counter[str]:
    """Bytes of every column before compression, as DuckDB says: Arrow ends the process where statistics are damaged."""
    import duckdb

    with duckdb.connect() as engine:
        query = f"SELECT path_in_schema, sum(total_uncompressed_size) FROM {description_of(path)} GROUP BY ALL"
        found = engine.execute(query).fetchall()
    sizes: Counter[str] = Counter()
    for column, size in found:
        # A flat column may have a comma in its name.
        sizes[column if column in names else column.partition(", ")[0]] += int(size)
    return sizes


def _arrow_batches(source: Any) -> Iterator[pa.RecordBatch]:
    try:
        reader = pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        yield from pa.ipc.open_stream(source)
        if source.tell() < source.size():
            raise ValueError("the file goes on after its last row") from None
        return
    for i in range(reader.num_record_batches):
        yield reader.get_batch(i)


def _arrow_schema(source: Any) -> pa.Schema:
    try:
        return pa.ipc.open_file(source).schema
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source).schema
