"""The rows of files and the texts that were staged beside them, read side by side as the rows of one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from votewise.sources.containers.stand_in_type import TextsNeededError
from votewise.sources.containers.table_file import Indices
from votewise.sources.containers.table_files import TableFiles


class JoinedRows:
    """Columns of two sets of files; a row of the table is a row of each, and several may have the same one.

    Args:
        files: the source's rows.
        row_of: (n,) ascending rows of ``files`` that the rows of the table are; None where they are all of them.
        texts: the staged texts; None where there are none.
        text_of: (n,) the same for ``texts``.
    """

    def __init__(
        self, files: TableFiles, row_of: Indices | None, texts: TableFiles | None, text_of: Indices | None
    ) -> None:
        for rows in (row_of, text_of):
            if rows is not None and (np.diff(rows) < 0).any():
                raise TextsNeededError
        self.kept = (files.kept, None if texts is None else texts.kept)
        self._files, self._row_of, self._texts, self._text_of = files, row_of, texts, text_of
        self._prefix = "text "
        while any(name.startswith(self._prefix) for name in files.schema.names):
            self._prefix += "of a vote "

    def text(self, name: str) -> str:
        """The name of a column of staged texts among the columns of both."""
        return self._prefix + name

    def __len__(self) -> int:
        return len(self._files) if self._row_of is None else len(self._row_of)

    def batches(self, columns: Sequence[str], rows: Indices | None = None) -> Iterator[pa.Table]:
        """The columns in the order of the rows; only these ascending ``rows``, or all of them."""
        own, staged = self._split(columns)
        sides = []
        if own or self._texts is None:
            sides.append(_expanded(self._files, own, self._row_of, rows))
        if staged and self._texts is not None:
            texts = _expanded(self._texts, [name.removeprefix(self._prefix) for name in staged], self._text_of, rows)
            sides.append(batch.rename_columns(staged) for batch in texts)
        for batch in sides[0] if len(sides) == 1 else side_by_side(*sides):
            yield batch.select(columns)

    def take(self, columns: Sequence[str], rows: Indices) -> pa.Table:
        """A few rows, in the order in which they are asked for."""
        ordered, where = np.unique(np.asarray(rows, np.int64), return_inverse=True)
        found = list(self.batches(columns, ordered))
        if not found:
            own, staged = self._split(columns)
            fields = [self._files.schema.field(name) for name in own]
            if self._texts is not None:
                more = [self._texts.schema.field(name.removeprefix(self._prefix)).with_name(name) for name in staged]
                fields += more
            return pa.schema(fields).empty_table().select(columns)
        return pa.concat_tables(found).take(pa.array(where.reshape(-1)))

    def _split(self, columns: Sequence[str]) -> tuple[list[str], list[str]]:
        staged = [name for name in columns if name.startswith(self._prefix)]
        return [name for name in columns if name not in staged], staged


def _expanded(
    files: TableFiles, columns: Sequence[str], row_of: Indices | None, rows: Indices | None
) -> Iterator[pa.Table]:
    """Rows of files, each once for every row of the table that refers to it."""
    if row_of is None:
        yield from files.batches(columns, rows)
        return
    wanted = row_of if rows is None else row_of[rows]
    there = np.unique(wanted)
    start = 0
    for batch in files.batches(columns, there):
        here = there[start : start + len(batch)]
        first, last = np.searchsorted(wanted, here[0], "left"), np.searchsorted(wanted, here[-1], "right")
        places = np.searchsorted(here, wanted[first:last])
        start += len(batch)
        # Of many equal rows some are made at a time.
        for at in range(0, len(places), len(batch)):
            yield batch.take(pa.array(places[at : at + len(batch)]))


def side_by_side(left: Iterator[pa.Table], right: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The columns of both, which have equally many rows in all."""
    one, other = next(left, None), next(right, None)
    while one is not None and other is not None:
        n = min(len(one), len(other))
        columns = [*one.slice(0, n).columns, *other.slice(0, n).columns]
        yield pa.Table.from_arrays(columns, schema=pa.schema([*one.schema, *other.schema]))
        one = one.slice(n) if len(one) > n else next(left, None)
        other = other.slice(n) if len(other) > n else next(right, None)
