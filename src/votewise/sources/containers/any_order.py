"""Rows of files in any order, for votes between rows that need not stand next to each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from votewise.sources.containers.table_file import BATCH_BYTES, Indices
from votewise.sources.containers.table_files import TableFiles

MOST_KEPT = 4 * BATCH_BYTES
"""Bytes of rows that are kept because they are wanted again; where more would be, the files are read again."""

FEWEST = 1_000
"""Rows that are read at once, however long they are."""


def in_any_order(files: TableFiles, columns: Sequence[str], rows: Indices, at_once: int) -> Iterator[pa.Table]:
    """These columns of ``rows``, in the order in which they are asked for, ``at_once`` at a time.

    Where rows that are wanted one after the other are near each other, the files are read once.
    """
    passing = _Passing(files, columns)
    # The first row that is wanted from here on.
    first_wanted = np.minimum.accumulate(rows[::-1])[::-1]
    for start in range(0, len(rows), at_once):
        wanted = rows[start : start + at_once]
        found = passing.take(wanted, int(first_wanted[start]))
        yield files.take(columns, wanted) if found is None else found


class _Passing:
    """The rows of files as they pass by once, the last ones kept."""

    def __init__(self, files: TableFiles, columns: Sequence[str]) -> None:
        self._next = files.batches(columns)
        self._kept: deque[pa.Table] = deque()
        self._start = self._end = 0
        self._lost = False

    def take(self, wanted: Indices, first: int) -> pa.Table | None:
        """These rows, where no row before ``first`` will be wanted again; None where too many would have to be kept."""
        while not self._lost and self._end <= wanted.max():
            batch = next(self._next)
            self._kept.append(batch)
            self._end += len(batch)
            while self._kept and self._start + len(self._kept[0]) <= first:
                self._start += len(self._kept.popleft())
            self._lost = len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept) > MOST_KEPT
        if self._lost:
            self._kept.clear()
            return None
        return pa.concat_tables(self._kept).take(pa.array(wanted - self._start))


def rows_at_once(files: TableFiles) -> int:
    """How many rows have about as many bytes as may be in memory at a time."""
    return max(FEWEST, BATCH_BYTES * len(files) // max(files.bytes, 1))
