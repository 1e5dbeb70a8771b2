"""Rows of a source as they are, for what an engine would give other types: they are chosen by number, and copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from votewise.sources.containers.table_file import TableFile

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ExactRows:
    """Rows in memory, or in Parquet files.

    Attributes:
        schema: their columns.
        table: all rows; None where they are in files.
        numbers: (n,) ascending numbers, from 1, that the rows have in the source, one table for all; None where they count
            the rows of each file.
        files: the files.
    """

    schema: pa.Schema
    table: pa.Table | None = None
    numbers: Indices | None = None
    files: tuple[TableFile, ...] = ()

    @classmethod
    def in_files(cls, paths: Sequence[Path], schema: pa.Schema, numbers: Indices | None = None) -> ExactRows:
        """The rows of files that have these columns, or some of them."""
        return cls(schema, numbers=numbers, files=tuple(TableFile.of(path, "parquet") for path in paths))

    def write(self, path: Path, numbers: Indices, files: Sequence[str] | None) -> int:
        """Write the rows of these numbers, from 1, to a Parquet file, in the order of the source; return how many these are.

        ``files`` are the names of the files that they are in, where their numbers count the rows of each.
        """
        with pq.ParquetWriter(path, self.schema) as writer:
            for batch in self._batches(numbers, files):
                writer.write_table(batch)
        return len(numbers)

    def _batches(self, numbers: Indices, files: Sequence[str] | None) -> Iterator[pa.Table]:
        at = np.sort(numbers) - 1 if self.numbers is None else np.searchsorted(self.numbers, np.sort(numbers))
        if self.table is not None:
            yield self.table.take(pa.array(at))
            return
        names, start = None if files is None else np.array(files, object), 0
        for file in self.files:
            own = at if names is None else np.sort(numbers[names == str(file.path)]) - 1
            if names is None:
                own = own[(own >= start) & (own < start + file.rows)] - start
                start += file.rows
            if len(own):
                for batch in file.batches(self.schema.names, own):
                    yield _typed(batch, self.schema)


def _typed(batch: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows with all columns, null where their file lacks one."""
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    there = batch.schema
    columns = [
        pa.chunked_array([pa.nulls(len(batch), field.type)])
        if field.name not in there.names or pa.types.is_null(there.field(field.name).type)
        else batch.column(field.name).cast(field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
