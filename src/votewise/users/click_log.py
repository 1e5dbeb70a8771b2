"""A log of clicks that has been counted: its counts per user, and how to write kept rows and users back from it.

What is believed of the cells of users goes back into the engine as a small table, which is joined there to users and to
rows. So neither users nor rows ever pass through Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools
from votewise.data.clicks import Counts
from votewise.sources.databases.connections import engine_errors
from votewise.storage.engine import write_parquet
from votewise.users.counting import count_names, in_order, rows_of_cells
from votewise.users.outcomes import Outcomes
from votewise.users.rejected_rows import LogRejects


@dataclass(frozen=True, eq=False)
class ClickLog:
    """A log of clicks, counted where it is stored. Valid inside the ``with`` of ``open_log``.

    Attributes:
        source: name of the log, for messages.
        columns: the log's names of ``user``, ``a``, ``b``, ``winner`` and, where there are domains, ``domain``.
        counts: the cells of users with equal counts.
        skipped: rows that could not be used, by what is wrong with them.
        swapped: rows with model A in the second column.
        outcomes: what the values of the columns mean.
        rows_used: the rows that could be used, as an expression of the engine.
        users: one row per user with the user's counts, as an expression, too.
        texts: the columns of text that hold models, winners and domains, and their values.
        own: the log's own columns, which are written back.
        shown: the log's own names of the columns, where ``columns`` has derived ones.
        rejected: the rows that were left out as unusable.
        by_matchups: whether the domains are matchups, because there are more than two models.
        notes: what to say about the way in which the log was read.
        roles: other columns that say something about the rows, and what.
        clicks: the rows that are clicks, usable or not, as an expression; None before these are sorted out.
    """

    source: str
    columns: dict[str, str]
    counts: Counts
    skipped: dict[str, int]
    swapped: int
    outcomes: Outcomes = field(repr=False)
    rows_used: Any = field(repr=False)
    users: Any = field(repr=False)
    texts: dict[str, tuple[str, ...]] = field(repr=False)
    own: tuple[str, ...] = field(repr=False)
    shown: dict[str, str] = field(repr=False)
    rejected: LogRejects = field(repr=False)
    by_matchups: bool = False
    notes: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    clicks: Any = field(default=None, repr=False)

    def count_rows(self) -> npt.NDArray[np.int64]:
        """(C,) rows of all users of each cell, ties included. Reads the log again where there are ties."""
        if self.counts.ties == 0:
            rows: npt.NDArray[np.int64] = self.counts.users * self.counts.comparisons.sum(axis=1)
            return rows
        with engine_errors(self.source):
            cells = rows_of_cells(self.rows_used, self.users, self.columns, self._keys).to_pyarrow()
        return np.asarray(in_order(cells, self._keys)["rows"].to_numpy(), np.int64)

    def write_rows(self, path: Path, kept: Bools) -> int:
        """Write the rows of the users in the cells ``kept`` (C,) to a Parquet file, unchanged; return their number.

        Ties of these users are included, rows that were skipped are not. Rows keep their types and metadata, those of
        Parquet files and of tables in memory their order, too; others come in whatever order the engine finds them.
        """
        with engine_errors(self.source):
            users = self.users.semi_join(cells_for_engine(self.counts, kept=kept), self._keys).select(_kept_user="user")
            # Each user occurs once, so this is a semi-join; written as one, it takes DuckDB 1.4 twice as long.
            rows = self.rows_used.inner_join(users, [(self.columns["user"], "_kept_user")])
            opened = self.rejected.opened
            if opened.exact is not None and opened.number is not None:
                places = rows.select(*(name for name in (opened.number, opened.file) if name is not None)).to_pyarrow()
                files = None if opened.file is None else places[opened.file].to_pylist()
                numbers = places[opened.number].to_numpy(zero_copy_only=False)
                return opened.exact.write(path, np.asarray(numbers, np.int64), files)
            names = list(self.own) if opened.typed is None else opened.typed.names
            return write_parquet(rows[names], path, self.texts, opened.typed)

    def write_users(self, path: Path, cells: pa.Table) -> int:
        """Write one row per user to a Parquet file: ``user`` and the columns of ``cells``, the row of the user's cell.

        The users are in the order of their names, so that the same log gives the same file.

        Args:
            path: the file to write.
            cells: C rows, in the order of ``counts``.

        Returns:
            The number of users.
        """
        with engine_errors(self.source):
            joined = self.users.inner_join(cells_for_engine(self.counts, cells), self._keys)
            return write_parquet(joined[["user", *cells.column_names]].order_by("user"), path)

    @property
    def _keys(self) -> list[str]:
        return count_names(len(self.counts.domains), judged=self.counts.together is not None)


def cells_for_engine(counts: Counts, columns: pa.Table | None = None, *, kept: Bools | None = None) -> Any:
    """Cells as a table that the engine can join: their counts and ``columns`` (C rows); those ``kept`` (C,) or all."""
    import ibis

    both = np.concatenate([counts.comparisons, counts.wins], axis=1)
    columns_of = list(both.T) if counts.together is None else [*both.T, counts.together]
    names = count_names(len(counts.domains), judged=counts.together is not None)
    table = pa.table([pa.array(column) for column in columns_of], names=names)
    if columns is not None:
        for name in columns.column_names:
            table = table.append_column(name, columns[name])
    return ibis.memtable(table if kept is None else table.filter(pa.array(kept)))
