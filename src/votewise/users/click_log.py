"""Logs of comparisons, wherever they live -> counts per user, and back to the rows of the users that are kept.

The same ibis expressions run on an embedded DuckDB (files, tables in memory), PostgreSQL, Spark and whatever else ibis
speaks to. Two things leave the engine: the kinds of rows there are (``outcomes``), and the histogram of users by their
counts. What is believed of the cells of that histogram goes back in as a small table and is joined there, to users and
to rows, so that Python never sees either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools
from votewise.data.clicks import Counts
from votewise.errors import BadInputError
from votewise.sources.databases import engine_errors
from votewise.sources.lazy import open_table
from votewise.storage.engine import write_parquet
from votewise.users.counting import (
    count_names,
    count_users,
    example,
    first_fault,
    histogram,
    in_order,
    is_missing,
    kinds_of_rows,
    rows_of_cells,
    texts_of_kinds,
    usable_rows,
)
from votewise.users.outcomes import Outcomes, read_outcomes


@dataclass(frozen=True, eq=False)
class Comparisons:
    """A log of comparisons, counted where it lives. Valid inside the ``with`` of ``open_comparisons``.

    Attributes:
        source: name of the log, for messages.
        columns: the log's names of ``user``, ``a``, ``b``, ``winner`` and, where there are domains, ``domain``.
        counts: the cells of users with equal counts.
        skipped: rows that could not be used, by what is wrong with them.
        swapped: rows with model A in the second column.
        outcomes: what the values of the columns mean.
        rows_used: the rows that could be used, an expression of the engine.
        users: one row per user with the user's counts, likewise.
        texts: the columns of text that hold models, winners and domains, and their values.
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

    def count_rows(self) -> npt.NDArray[np.int64]:
        """(C,) rows of all users of each cell, ties included. Reads the log again where there are ties."""
        if self.counts.ties == 0:
            rows: npt.NDArray[np.int64] = self.counts.users * self.counts.comparisons.sum(axis=1)
            return rows
        with engine_errors(self.source):
            cells = rows_of_cells(self.rows_used, self.users, self.columns, self._keys).to_pyarrow()
        return np.asarray(in_order(cells, self._keys)["rows"].to_numpy(), np.int64)

    def write_rows(self, path: Path, kept: Bools) -> int:
        """Write the rows of the users in the cells ``kept`` (C,) to a Parquet file, in the shape they came; how many.

        Ties of these users are among them, rows that were skipped are not. Rows of Parquet files keep their
        order; those of other sources come in whatever order the engine finds them.
        """
        with engine_errors(self.source):
            users = self.users.semi_join(cells_for_engine(self.counts, kept=kept), self._keys).select(_kept_user="user")
            # Each user is there once, so that this is a semi-join; written as one it takes DuckDB 1.4 twice as long.
            rows = self.rows_used.inner_join(users, [(self.columns["user"], "_kept_user")])
            return write_parquet(rows[self.rows_used.columns], path, self.texts)

    def write_users(self, path: Path, cells: pa.Table) -> int:
        """Write one row per user to a Parquet file: ``user`` and the columns of ``cells``, the row of the user's cell.

        Args:
            path: where to.
            cells: C rows, in the order of ``counts``.

        Returns:
            The number of users.
        """
        with engine_errors(self.source):
            joined = self.users.inner_join(cells_for_engine(self.counts, cells), self._keys)
            return write_parquet(joined[["user", *cells.column_names]], path)

    @property
    def _keys(self) -> list[str]:
        return count_names(len(self.counts.domains))


def cells_for_engine(counts: Counts, columns: pa.Table | None = None, *, kept: Bools | None = None) -> Any:
    """Cells as a table that the engine can join: their counts and ``columns`` (C rows); those ``kept`` (C,) or all."""
    import ibis

    both = np.concatenate([counts.comparisons, counts.wins], axis=1)
    table = pa.table([pa.array(column) for column in both.T], names=count_names(len(counts.domains)))
    if columns is not None:
        for name in columns.column_names:
            table = table.append_column(name, columns[name])
    return ibis.memtable(table if kept is None else table.filter(pa.array(kept)))


def count_comparisons(
    table: Any,
    *,
    user: str = "user",
    a: str = "model_a",
    b: str = "model_b",
    winner: str = "winner",
    domain: str | None = None,
    model: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
) -> Counts:
    """Count comparisons and wins of model A per user; all that ``estimate_attentiveness`` needs.

    Args:
        table: where the log is: a Parquet, CSV or JSON lines file, a folder or glob of Parquet files, a connection URL
            such as ``postgres://host/database?table=clicks``, an ibis table, or a table in memory.
        user: column with the user's name; text or numbers.
        a: column with the name of the model on the first side.
        b: column with the name of the model on the second side. The two models may swap sides from row to row.
        winner: column with ``model_a``, ``model_b`` (the column that won), a model's own name, ``tie`` or ``both_bad``.
        domain: column with the domain (coding, prose, ...), where users are to be counted by domain.
        model: the model to call A; the alphabetically first of the two by default.
        on_error: at rows without a user, a model or a known winner ``stop`` with an error, or ``skip`` them.

    Raises:
        BadInputError: with one line that says what cannot be used, in how many rows, with an example.
    """
    columns = {"user": user, "a": a, "b": b, "winner": winner} | ({"domain": domain} if domain else {})
    with open_comparisons(table, columns, model=model, on_error=on_error) as comparisons:
        return comparisons.counts


@contextmanager
def open_comparisons(
    table: Any, columns: dict[str, str], *, model: str | None = None, on_error: Literal["stop", "skip"] = "stop"
) -> Iterator[Comparisons]:
    """Count as ``count_comparisons`` does, and keep the log open to write kept rows and users.

    Args:
        table: as for ``count_comparisons``.
        columns: the log's names of ``user``, ``a``, ``b``, ``winner`` and, where there are domains, ``domain``.
        model: as for ``count_comparisons``.
        on_error: as for ``count_comparisons``.
    """
    with open_table(table) as (rows, name), ExitStack() as stack:
        _check_columns(rows, columns, name)
        with engine_errors(name):
            comparisons = _count(stack, rows, columns, name, model=model, on_error=on_error)
        yield comparisons


def _check_columns(rows: Any, columns: dict[str, str], source: str) -> None:
    schema = rows.schema()
    for what, name in columns.items():
        if name not in schema:
            found = ", ".join(schema.names[:12]) + (", ..." if len(schema.names) > 12 else "")
            what = {"a": "model_a", "b": "model_b"}.get(what, what)
            raise BadInputError(
                f"there is no column '{name}' for {what}", source=source, expected=f"one of {found or 'none'}"
            )
        if schema[name].is_nested():
            raise BadInputError("holds lists or structs", source=source, column=name, expected="texts or numbers")
    if len(set(columns.values())) < len(columns):
        raise BadInputError("one column was named twice", source=source, expected="a column for each thing")


def _count(
    stack: ExitStack, rows: Any, columns: dict[str, str], source: str, *, model: str | None, on_error: str
) -> Comparisons:
    """Count, leaving out what cannot be used or stopping at it; the table of users goes with ``stack``."""
    kinds = kinds_of_rows(rows, columns, source)
    outcomes = read_outcomes(kinds, columns, source=source, model=model)
    skipped: Counter[str] = Counter()
    if outcomes.faults:
        if on_error == "stop":
            raise first_fault(rows, columns, source, outcomes)
        for fault in outcomes.faults:
            skipped[fault.problem] += fault.kind.rows
        rows = usable_rows(rows, columns, outcomes)
    users = stack.enter_context(count_users(rows, columns, outcomes).cache())
    if users.filter(is_missing(users["user"])).count().to_pyarrow().as_py() == 0:
        counts = histogram(users, outcomes)
        texts = texts_of_kinds(rows, columns, kinds)
        return Comparisons(source, columns, counts, dict(skipped), outcomes.swapped, outcomes, rows, users, texts)
    missing = is_missing(rows[columns["user"]])
    nameless = int(rows.filter(missing).count().to_pyarrow().as_py())
    if on_error == "stop":
        raise BadInputError(
            f"no user in {nameless:,} rows, {example(rows.filter(missing), columns)}",
            source=source,
            column=columns["user"],
            expected="the user's name",
        )
    # Everything anew without them, ties and kinds of rows included: rare, and simple.
    rest = _count(stack, rows.filter(~missing), columns, source, model=model, on_error=on_error)
    return replace(rest, skipped=dict(skipped) | {"no user": nameless})
