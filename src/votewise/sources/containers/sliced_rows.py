"""Tables in memory, of which some rows at a time are converted to Arrow, as the rows of a file are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.sources.containers.joined_rows import side_by_side
from votewise.sources.containers.table_file import BATCH_BYTES, Indices
from votewise.sources.containers.table_files import TableFiles


@dataclass(frozen=True, eq=False)
class SlicedRows:
    """Rows that are not in a file, with what ``TableFile`` has.

    Attributes:
        rows: their number.
        schema: names and types of the columns.
        sizes: bytes of the columns' values.
        piece: gives columns of consecutive rows: their names, the first row, and how many.
    """

    rows: int
    schema: pa.Schema
    sizes: Mapping[str, int]
    piece: Callable[[Sequence[str], int, int], pa.Table]
    kind: str = "memory"

    @property
    def bytes(self) -> int:
        """Bytes of all columns."""
        return sum(self.sizes.values())

    def check(self) -> None:
        """Nothing: what is in memory stays as it is."""

    def batches(self, columns: Sequence[str], rows: Indices | None, most: int = 100_000) -> Iterator[pa.Table]:
        """These columns of all rows, or of these ascending ones, as far as there are such columns; ``most`` at a time."""
        own = [name for name in columns if name in self.schema.names]
        size = min(most, max(1_000, BATCH_BYTES * self.rows // max(self.bytes, 1)))
        for start in range(0, self.rows, size):
            here = None
            if rows is not None:
                first, last = np.searchsorted(rows, [start, start + size])
                if first == last:
                    continue
                here = rows[first:last] - start
            batch = self.piece(own, start, min(size, self.rows - start))
            yield batch if here is None or len(here) == len(batch) else batch.take(pa.array(here))


def sliced_table(table: pa.Table) -> SlicedRows:
    """A table of Arrow, none of whose values is copied."""
    sizes = {name: table.column(name).nbytes for name in table.column_names}
    return SlicedRows(
        len(table), table.schema, sizes, lambda names, start, rows: table.select(names).slice(start, rows)
    )


@dataclass(frozen=True, eq=False)
class RowsBeside:
    """Rows some columns of which are in memory and the others in files, with what ``TableFile`` has."""

    here: SlicedRows
    files: TableFiles
    names: tuple[str, ...]
    kind: str = "memory"

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.files)

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns, in their order."""
        schemas = (self.here.schema, self.files.schema)
        return pa.schema([next(s.field(name) for s in schemas if name in s.names) for name in self.names])

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of the columns' values."""
        return {**self.here.sizes, **{name: self.files.size(name) for name in self.files.schema.names}}

    @property
    def bytes(self) -> int:
        """Bytes of all columns."""
        return sum(self.sizes.values())

    def check(self) -> None:
        """Nothing: nobody else knows the files."""

    def batches(self, columns: Sequence[str], rows: Indices | None, most: int = 100_000) -> Iterator[pa.Table]:
        """As ``SlicedRows.batches``."""
        own = [name for name in columns if name in self.names]
        stored = [name for name in own if name in self.files.schema.names]
        beside = [name for name in own if name not in stored]
        if not stored:
            yield from self.here.batches(own, rows, most)
            return
        found: Any = self.files.batches(stored, rows)
        if beside:
            found = side_by_side(self.here.batches(beside, rows, most), found)
        for batch in found:
            for start in range(0, len(batch), most):
                yield batch.slice(start, most).select(own)
