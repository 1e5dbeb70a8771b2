"""Where the texts of votes are that are left in files: in the source's, or in those in which they were staged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.data.lazy_table import LazyTable, StoredColumns
from votewise.sources.canonical import PLACE, Canonical
from votewise.sources.cells import TEXT
from votewise.sources.containers.joined_rows import JoinedRows
from votewise.sources.containers.stand_in_type import TextsNeededError, digests, is_stand_in
from votewise.sources.containers.table_files import TableFiles
from votewise.sources.rows import Rows

SOME = 1_000
"""Votes that are compared before all are."""

Stored = tuple[str, pa.Field]
"""The name of a column in files, and its type and metadata."""


@dataclass(frozen=True)
class StoredVotes:
    """The files that have the votes' texts, with a row for each row of the source, or for each vote where it holds several.

    Attributes:
        rows: the source's rows.
        table: the canonical votes, with digests of texts that are in files.
        store: the files' rows.
        at: (n,) the row of ``store`` that each canonical vote has, ascending.
    """

    rows: Rows
    table: pa.Table
    store: Any
    at: npt.NDArray[np.int64]

    def column(self, name: str) -> Stored:
        """Where a canonical column is in the store."""
        staged = self.rows.staged
        if staged is not None and name in staged.digests:
            return self.store.text(name), staged.files.schema.field(name)
        return self.rows.source_column(_origin(self.rows, self.table, name)), pa.field(name, TEXT)

    def first_rows(self, at: npt.NDArray[np.int64]) -> pa.Table | None:
        """These rows of the store; None where they are not among the first ones of the source, which are in memory."""
        left = self.rows.source.stand_ins
        if left is None or self.store is not left.files or at.max(initial=0) >= len(left.head):
            return None
        return left.head.take(pa.array(at))

    def with_texts(self, here: pa.Table, names: list[str], left: dict[str, Stored], at: Any) -> LazyTable:
        """A table of columns in memory and of those ``left`` in the store, as ``column`` gives them.

        Args:
            here: the columns in memory.
            names: all columns in their order.
            left: name -> where it is in the store.
            at: (m,) ascending rows of the store.
        """
        schema = pa.schema([field.with_name(name) for name, (_, field) in left.items()])
        every = len(at) == len(self.store) and bool((at == np.arange(len(at))).all())
        own = {name: stored for name, (stored, _) in left.items()}
        return LazyTable(names, here, StoredColumns(self.store, own, schema, None if every else at))


def stored_votes(rows: Rows, canonical: Canonical) -> StoredVotes | None:
    """Where the texts of these votes are; None where everything is in memory."""
    left, table, staged = rows.source.stand_ins, canonical.table, rows.staged
    if left is None:
        return None
    row = np.asarray(table.column("row").to_numpy(), np.int64)
    if not isinstance(left.files, TableFiles):
        # They are in a database, beside whose rows no files can be read.
        if not canonical.one_per_row or staged is not None:
            raise TextsNeededError
        return StoredVotes(rows, table, left.files, row)
    if canonical.one_per_row:
        store = left.files if staged is None else JoinedRows(left.files, None, staged.files, None)
        return StoredVotes(rows, table, store, row)
    place = row
    if staged is not None and staged.per_vote:
        if table.column(PLACE).null_count:
            # Votes without texts beside others.
            raise TextsNeededError
        place = np.asarray(table.column(PLACE).to_numpy(), np.int64)
    store = JoinedRows(left.files, row, None if staged is None else staged.files, place)
    return StoredVotes(rows, table, store, np.arange(len(table)))


def _origin(rows: Rows, table: pa.Table, name: str) -> str:
    """The column of the source that a column of stand-ins was taken from."""
    found, row = table.column(name), table.column("row")
    some, whole = row.slice(0, SOME), row.equals(pa.chunked_array([np.arange(len(rows.table))]))
    for field in rows.table.schema:
        if is_stand_in(field):
            own = digests(rows.table.column(field.name))
            if own.take(some).equals(found.slice(0, SOME)) and (own if whole else own.take(row)).equals(found):
                return str(field.name)
    raise TextsNeededError
