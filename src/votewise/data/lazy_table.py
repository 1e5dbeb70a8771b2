"""A table whose long texts stay in the files that they came from, and are read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Indices = npt.NDArray[np.int64]


class RowStore(Protocol):
    """Rows in files, which are read in batches."""

    def __len__(self) -> int: ...

    def batches(self, columns: Sequence[str], rows: Indices | None = None) -> Iterator[pa.Table]:
        """The columns in the order of the rows; only these ``rows`` (ascending), or all of them."""
        ...

    def take(self, columns: Sequence[str], rows: Indices) -> pa.Table:
        """A few rows, in the order in which they are asked for."""
        ...


@dataclass(eq=False)
class Remembered:
    """A few rows that will be asked for, kept when they pass by while all rows are read."""

    rows: Indices = field(default_factory=lambda: np.zeros(0, np.int64))
    pieces: list[pa.Table] = field(default_factory=list)

    def see(self, start: int, batch: pa.Table) -> None:
        """The rows from ``start`` on pass by."""
        first, last = np.searchsorted(self.rows, [start, start + len(batch)])
        if last > first:
            self.pieces.append(batch.take(pa.array(self.rows[first:last] - start)))

    def take(self, columns: Sequence[str], rows: Indices) -> pa.Table | None:
        """These rows in this order; None where not all of them have passed by."""
        if not self.pieces or sum(map(len, self.pieces)) != len(self.rows) or not np.isin(rows, self.rows).all():
            return None
        if not set(columns) <= set(self.pieces[0].column_names):
            return None
        return pa.concat_tables(self.pieces).select(columns).take(pa.array(np.searchsorted(self.rows, rows)))


@dataclass(frozen=True, eq=False)
class StoredColumns:
    """Columns that are in files: where, and under which names.

    Attributes:
        store: the files' rows.
        names: the columns' names -> their names in the files.
        schema: the columns' names and types.
        rows: (n,) ascending rows of the files that the rows of the table are; None where they are all of them.
        remembered: rows of the table that are kept when they are read among others.
    """

    store: RowStore
    names: Mapping[str, str]
    schema: pa.Schema
    rows: Indices | None = None
    remembered: Remembered = field(default_factory=Remembered)

    def __len__(self) -> int:
        return len(self.store) if self.rows is None else len(self.rows)

    def take(self, at: Indices) -> pa.Table:
        """All columns of these rows of the table."""
        columns = list(dict.fromkeys(self.names.values()))
        found = self.remembered.take(columns, at)
        if found is None:
            found = self.store.take(columns, at if self.rows is None else self.rows[at])
        return self.typed(found)

    def only(self, names: Sequence[str]) -> StoredColumns:
        """Some of the columns."""
        return StoredColumns(
            self.store,
            {name: self.names[name] for name in names},
            pa.schema([self.schema.field(name) for name in names]),
            self.rows,
            self.remembered,
        )

    def renamed(self, names: Mapping[str, str]) -> StoredColumns:
        """The columns under other names: old -> new."""
        fields = [field.with_name(names.get(field.name, field.name)) for field in self.schema]
        own = {names.get(name, name): source for name, source in self.names.items()}
        return StoredColumns(self.store, own, pa.schema(fields), self.rows, self.remembered)

    def beside(self, other: StoredColumns) -> StoredColumns:
        """These columns and others of the same rows."""
        names = {**self.names, **other.names}
        schema = pa.schema([*self.schema, *(field for field in other.schema if field.name not in self.names)])
        return StoredColumns(self.store, names, schema, self.rows)

    def typed(self, batch: pa.Table) -> pa.Table:
        """The columns among what the files gave, under their names and with their types."""
        columns = [as_type(batch.column(source), self.schema.field(name).type) for name, source in self.names.items()]
        return pa.Table.from_arrays(columns, schema=self.schema)


class LazyTable:
    """A table like ``pyarrow.Table``, some columns of which are in memory and the others in files.

    ``take``, ``slice`` and ``batches`` read only what they give. ``table["name"]`` reads a whole column. Whatever else
    ``pyarrow.Table`` has works too, after everything was read: see ``to_table``.
    """

    def __init__(self, names: Sequence[str], here: pa.Table, stored: StoredColumns) -> None:
        """Make a table of the columns ``names``, each of which is either ``here`` or ``stored``."""
        self._names = tuple(names)
        self.here, self.stored = here, stored
        self._rows = len(stored)

    def __len__(self) -> int:
        return self._rows

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return self._rows

    @property
    def column_names(self) -> list[str]:
        """The names of the columns."""
        return list(self._names)

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        return pa.schema([self._field(name) for name in self._names], self.here.schema.metadata)

    @property
    def in_files(self) -> tuple[str, ...]:
        """The columns that are read from files."""
        return tuple(name for name in self._names if name in self.stored.names)

    def column(self, name: str) -> pa.ChunkedArray:
        """One column, read whole."""
        if name not in self.stored.names:
            return self.here.column(name)
        chunks = [chunk for batch in self.select([name]).batches() for chunk in batch.column(name).chunks]
        return pa.chunked_array(chunks, self.stored.schema.field(name).type)

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        return self.column(name)

    def select(self, names: Sequence[str]) -> Any:
        """Some of the columns."""
        stored = [name for name in names if name in self.stored.names]
        here = self.here.select([name for name in names if name not in self.stored.names])
        return LazyTable(names, here, self.stored.only(stored)) if stored else here

    def drop_columns(self, names: Sequence[str] | str) -> Any:
        """The table without some of the columns."""
        left_out = {names} if isinstance(names, str) else set(names)
        return self.select([name for name in self._names if name not in left_out])

    def rename_columns(self, names: Sequence[str]) -> LazyTable:
        """The table with other names, one for each column."""
        new = dict(zip(self._names, names, strict=True))
        here = self.here.rename_columns([new[name] for name in self.here.column_names])
        return LazyTable(names, here, self.stored.renamed(new))

    def append_column(self, name: str, column: Any) -> LazyTable:
        """The table with one more column."""
        return self.set_columns({name: column})

    def set_columns(self, columns: Mapping[str, Any], *, first: bool = False) -> LazyTable:
        """The table with more columns, after its own or before them."""
        more = pa.table(dict(columns))
        fields = [*self.here.schema, *more.schema]
        schema = pa.schema(fields, self.here.schema.metadata)
        here = pa.Table.from_arrays([*self.here.columns, *more.columns], schema=schema)
        names = (*columns, *self._names) if first else (*self._names, *columns)
        return LazyTable(names, here, self.stored)

    def remember(self, rows: npt.NDArray[np.integer[Any]]) -> None:
        """Keep these rows the next time that all rows are read, so that ``take`` of them reads nothing."""
        memory = self.stored.remembered
        memory.rows, memory.pieces = np.unique(rows).astype(np.int64), []

    def some(self, rows: Indices) -> LazyTable:
        """These ascending rows, those in files still there."""
        stored = self.stored
        own = rows if stored.rows is None else stored.rows[rows]
        kept = StoredColumns(stored.store, stored.names, stored.schema, own)
        return LazyTable(self._names, self.here.take(pa.array(rows)), kept)

    def take(self, rows: Any) -> pa.Table:
        """A few rows, in memory."""
        at = np.asarray(rows, np.int64)
        return self.together(self.here.take(pa.array(at)), self.stored.take(at))

    def slice(self, offset: int = 0, length: int | None = None) -> pa.Table:
        """Consecutive rows, in memory."""
        end = self._rows if length is None else min(offset + length, self._rows)
        return self.take(np.arange(offset, max(end, offset)))

    def batches(self) -> Iterator[pa.Table]:
        """All rows in their order, some at a time."""
        for _, batch in batches_of([self]):
            yield batch

    def to_table(self) -> pa.Table:
        """Everything, read into memory."""
        return pa.concat_tables(self.batches()) if self._rows else self.schema.empty_table()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.to_table(), name)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.to_table().__arrow_c_stream__(requested_schema)

    def _field(self, name: str) -> pa.Field:
        return (self.stored.schema if name in self.stored.names else self.here.schema).field(name)

    def together(self, here: pa.Table, stored: pa.Table) -> pa.Table:
        """Rows of the columns in memory and of those in files, as rows of the table."""
        columns = [(stored if name in self.stored.names else here).column(name) for name in self._names]
        return pa.Table.from_arrays(columns, schema=self.schema)


def as_type(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """A column with another type; one that has it is not cast, for Arrow's cast loses rows of null types inside of lists."""
    return column if column.type == kind else column.cast(kind)


def with_columns(table: Any, columns: Mapping[str, Any], *, first: bool = False) -> Any:
    """A table, or none, with more columns after its own, or before them; what is in files stays there."""
    if isinstance(table, LazyTable):
        return table.set_columns(columns, first=first)
    if table is None:
        return pa.table(dict(columns))
    more = pa.table(dict(columns))
    parts = (more, table) if first else (table, more)
    schema = pa.schema([field for part in parts for field in part.schema], table.schema.metadata)
    return pa.Table.from_arrays([column for part in parts for column in part.columns], schema=schema)


def batches_of(tables: Sequence[LazyTable]) -> Iterator[tuple[int, pa.Table]]:
    """The rows of several tables over the same files, which are read once: which table, and its next rows."""
    stored = [table.stored for table in tables]
    columns = list(dict.fromkeys(name for one in stored for name in one.names.values()))
    rows = None
    if all(one.rows is not None for one in stored):
        rows = np.unique(np.concatenate([one.rows for one in stored if one.rows is not None]))
    read = 0
    done = [0] * len(tables)
    for batch in stored[0].store.batches(columns, rows):
        numbers = np.arange(read, read + len(batch)) if rows is None else rows[read : read + len(batch)]
        read += len(batch)
        for i, (table, one) in enumerate(zip(tables, stored, strict=True)):
            part = batch
            if one.rows is not None:
                own = one.rows[done[i] : np.searchsorted(one.rows, numbers[-1], "right")]
                if len(own) == 0:
                    continue
                part = batch if len(own) == len(batch) else batch.take(pa.array(np.searchsorted(numbers, own)))
            one.remembered.see(done[i], part)
            yield i, table.together(table.here.slice(done[i], len(part)), one.typed(part))
            done[i] += len(part)
