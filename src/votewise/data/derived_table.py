"""A table that is made of another one some rows at a time, because the other one is left in files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import pyarrow as pa

from votewise.data.lazy_table import LazyTable


class DerivedTable:
    """The rows of a table after a function of tables that treats every row alone.

    Whatever ``pyarrow.Table`` has works too, after everything was read: see ``to_table``.
    """

    def __init__(self, source: LazyTable, make: Callable[[pa.Table], pa.Table], in_files: Collection[str]) -> None:
        """Make a table of ``make`` of the source's rows; ``in_files`` are the columns that hold long texts."""
        self._source, self._make, self._long = source, make, set(in_files)
        self.schema = make(source.schema.empty_table()).schema

    def __len__(self) -> int:
        return len(self._source)

    @property
    def column_names(self) -> list[str]:
        """The names of the columns."""
        return list(self.schema.names)

    @property
    def in_files(self) -> tuple[str, ...]:
        """The columns that are made of texts in files."""
        return tuple(name for name in self.schema.names if name in self._long)

    def then(self, make: Callable[[pa.Table], pa.Table], in_files: Collection[str]) -> DerivedTable:
        """The table after one more function."""
        first = self._make
        return DerivedTable(self._source, lambda batch: make(first(batch)), in_files)

    def batches(self) -> Iterator[pa.Table]:
        """All rows in their order, some at a time."""
        for batch in self._source.batches():
            yield self._make(batch).cast(self.schema)

    def to_table(self) -> pa.Table:
        """Everything, read into memory."""
        return pa.concat_tables([self.schema.empty_table(), *self.batches()])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.to_table(), name)

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        return self.to_table()[name]

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.to_table().__arrow_c_stream__(requested_schema)
