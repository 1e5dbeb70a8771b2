"""Some consecutive rows of a source whose long values stay in files, with these values in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import pyarrow as pa

from votewise.sources.containers.opening import Source
from votewise.sources.containers.staged_texts import TextsWriter
from votewise.sources.containers.stand_in_type import TextsNeededError, is_in_files
from votewise.sources.rows import Rows

Texts = dict[str, Any]
"""Columns of prompts and responses by their canonical names, one value per row."""


class RowsPart(Rows):
    """Consecutive rows as a source of their own: what is noted about them is noted in the whole, under its numbers.

    What was decided about columns of the whole holds here.
    """

    def __init__(self, whole: Rows, start: int, table: pa.Table) -> None:
        super().__init__(
            Source(whole.source.name, table), stop=whole.stop, labels=whole.labels, criterion=whole.criterion
        )
        self.whole, self.start = whole, start
        self.decisions, self.roles = whole.decisions, whole.roles
        self.ok = whole.ok[start : start + len(table)].copy()

    def source_column(self, name: str) -> str:
        """The source's own name of a column."""
        return self.whole.source_column(name)

    def reject(
        self,
        row: int,
        problem: str,
        *,
        column: str | None = None,
        value: Any = None,
        expected: str | None = None,
        whole: bool = True,
    ) -> None:
        """Note an unusable row, or one unusable vote in it, in the whole."""
        at = self.start + row
        self.whole.reject(at, problem, column=column, value=value, expected=expected, whole=whole)
        self.ok[row] = self.whole.ok[at]


def parts_of(rows: Rows, names: Collection[str]) -> Iterator[RowsPart]:
    """All rows, some at a time, with these of their columns."""
    left = rows.source.stand_ins
    if left is None:
        raise TextsNeededError
    own = {name: rows.source_column(name) for name in names if is_in_files(rows.table.schema.field(name))}
    beside = rows.table.select([name for name in names if name not in own])
    if not own:
        # Nothing is in files, and no batch of them would say how many rows there are.
        yield RowsPart(rows, 0, beside)
        return
    for start, batch in left.batches(list(own.values())):
        here = beside.slice(start, len(batch))
        fields = [
            batch.schema.field(own[name]).with_name(name) if name in own else beside.schema.field(name)
            for name in names
        ]
        columns = [batch.column(own[name]) if name in own else here.column(name) for name in names]
        yield RowsPart(rows, start, pa.Table.from_arrays(columns, schema=pa.schema(fields)))


def staged_in_parts(rows: Rows, names: Collection[str], make: Callable[[Rows], Texts]) -> Texts:
    """The digests of texts that ``make`` makes of rows, each of its own columns ``names``; the texts are staged in files."""
    if rows.source.stand_ins is None or rows.staged is not None:
        raise TextsNeededError
    writer = TextsWriter(rows.source.stand_ins.secret)
    for part in parts_of(rows, names):
        writer.write(make(part))
    rows.staged = writer.finish()
    return dict(rows.staged.digests)
