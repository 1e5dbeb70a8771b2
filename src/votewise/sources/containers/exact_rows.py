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
    """Rows in memory, or in Parquet files of one schema.

    Attributes:
        schema: their columns.
        table: all rows; None where they are in files.
        numbers: (n,) ascending numbers, from 1, that the rows of ``table`` have in the source.
        files: the files.
    """

    schema: pa.Schema
    table: pa.Table | None = None
    numbers: Indices | None = None
    files: tuple[TableFile, ...] = ()

    @classmethod
    def in_files(cls, paths: Sequence[Path], schemas: Sequence[pa.Schema]) -> ExactRows | None:
        """The rows of files; None where an engine keeps their types, or where their columns differ."""
        first = schemas[0]
        if not _needed(first) or not all(first.equals(schema) for schema in schemas):
            return None
        return cls(first, files=tuple(TableFile.of(path, "parquet") for path in paths))

    def write(self, path: Path, numbers: Indices, files: Sequence[str] | None) -> int:
        """Write the rows of these numbers, from 1, to a Parquet file, in the order of the source; return how many these are.

        ``files`` are the names of the files that they are in, where there are several.
        """
        with pq.ParquetWriter(path, self.schema) as writer:
            for batch in self._batches(numbers, files):
                writer.write_table(batch)
        return len(numbers)

    def _batches(self, numbers: Indices, files: Sequence[str] | None) -> Iterator[pa.Table]:
        if self.table is not None:
            at = np.sort(numbers) - 1 if self.numbers is None else np.searchsorted(self.numbers, np.sort(numbers))
            yield self.table.take(pa.array(at))
            return
        names = None if files is None else np.array(files, object)
        for file in self.files:
            own = numbers if names is None else numbers[names == str(file.path)]
            if len(own):
                yield from file.batches(self.schema.names, np.sort(own) - 1)


def _needed(schema: pa.Schema) -> bool:
    """Whether an engine would lose something: metadata, or a type that it does not have."""
    return bool(schema.metadata) or any(field.metadata or not _is_plain(field.type) for field in schema)


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    plain = (
        types.is_boolean,
        types.is_integer,
        types.is_float32,
        types.is_float64,
        types.is_string,
        types.is_large_string,
    )
    return any(is_of(kind) for is_of in (*plain, types.is_date32))
