"""The rows of a source under the column names of a format, and which of them are unusable and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools
from votewise.data.own_columns import READ_BACK, read_back
from votewise.errors import BadInputError
from votewise.sources.containers.opening import Source
from votewise.sources.containers.staged_texts import StagedTexts
from votewise.sources.containers.stand_in_type import is_in_files
from votewise.sources.meanings.class_names import with_class_names
from votewise.sources.meanings.inner_columns import with_inner
from votewise.sources.option_words import or_skip
from votewise.sources.values import decoded


@dataclass(frozen=True)
class Bad:
    """Something unusable: the table's ``row`` (None where it could not be parsed), what is wrong, what was expected."""

    row: int | None
    number: int
    column: str | None
    value: Any
    problem: str
    expected: str | None


class UsableRows:
    """The rows of a source, and the one place where unusable ones are noted.

    ``table`` has the format's column names; ``source.table`` keeps the source's own. With ``stop`` the first unusable
    value raises BadInputError; otherwise it is noted and its row is left out (``ok`` is False there).
    """

    def __init__(
        self,
        source: Source,
        renames: Mapping[str, str] | None = None,
        *,
        stop: bool = True,
        labels: Mapping[str, str] | None = None,
        criterion: str | None = None,
    ) -> None:
        self.source, self.stop = source, stop
        self.labels, self.criterion, self.criterion_used = dict(labels or {}), criterion, False
        self.renames = {name: own for name, own in (renames or {}).items() if own != ""}
        ours = read_back(source.table.column_names, READ_BACK)
        ours = {name: own for name, own in ours.items() if not {name, own} & {*(renames or {}), *self.renames.values()}}
        self.renames |= ours
        self.split: str | None = None
        """The split that was asked for, where a column says which row is in which."""
        self.set_aside = {name for name, own in (renames or {}).items() if own == ""}
        """Columns that the user says have no role: ``--columns NAME=``."""
        self.roles: dict[str, str] = {}
        """Columns that some value was taken from, and as what: ``prompt``, ``annotator``, or the column's own name."""
        self.notes: list[str] = []
        """What a reader should know about how columns were used."""
        self.notes += [f"The column '{own}' is votewise's own, and is read as '{name}'." for name, own in ours.items()]
        self.meanings: Counter[str] = Counter()
        """How many votes mean both bad, both good or no vote."""
        self.decisions: dict[tuple[str, str], bool] = {}
        """What was decided about columns as a whole, which holds when their rows are read some at a time."""
        self.takes_parts = False
        """Whether the format takes system text, history, pictures and the like from columns of theirs."""
        self.staged: StagedTexts | None = None
        """The texts of votes that were made of several columns, or taken out of objects, where they do not fit memory."""
        self.told: Counter[tuple[str, str, str]] = Counter()
        """How often a column (by its name in the source) has a value that means what it does: a, b, tie, ..."""
        self.table = _renamed(source, source.table, self.renames, self.set_aside)
        self.head = _renamed(source, source.head, self.renames, self.set_aside)
        """The first rows of the table, with texts where the table has stand-ins."""
        self.ok: Bools = np.ones(len(self.table), bool)
        self.no_votes = 0
        """How many rows a column of the source calls no vote."""
        self.tied: Bools = np.zeros(len(self.table), bool)
        """Which rows a column of the source calls a tie."""
        self.bad: list[Bad] = []
        for broken in source.broken:
            self._note(Bad(None, broken.number, broken.column, broken.text, broken.problem, broken.expected))

    def __len__(self) -> int:
        return len(self.table)

    def has(self, *names: str) -> bool:
        """Tell whether all these columns are there."""
        return set(names) <= set(self.table.column_names)

    def source_column(self, name: str) -> str:
        """The source's own name of a column."""
        return self.renames.get(name, name)

    def use(self, name: str, role: str | None = None) -> None:
        """Note that a column is used; ``role`` says as what, its own name is the default."""
        if role is not None or name not in self.roles:
            self.roles[name] = role or name

    def rename(self, names: Mapping[str, str]) -> None:
        """Give columns other names, a format's own; messages go on naming the source's."""
        for old, new in names.items():
            self.renames[new] = self.renames.pop(old, old)
            if old in self.roles:
                self.roles[new] = self.roles.pop(old)
        self.table = self.table.rename_columns([names.get(name, name) for name in self.table.column_names])
        self.head = self.head.rename_columns([names.get(name, name) for name in self.head.column_names])

    def kept(self) -> npt.NDArray[np.int64]:
        """Give the indices of the rows that are still usable."""
        return np.flatnonzero(self.ok)

    def count_meanings(self, meanings: Sequence[str | None], codes: npt.NDArray[np.int64]) -> None:
        """Count what the labels of all usable rows mean; ``codes`` (n,) are indices into ``meanings``."""
        counts = np.bincount(codes[self.ok], minlength=len(meanings))
        for meaning, number in zip(meanings, counts.tolist(), strict=True):
            if meaning is not None and number:
                self.meanings[meaning] += number

    def tell(self, column: str, value: Any, meaning: str, number: int = 1) -> None:
        """Note that ``number`` votes have a value which means ``a``, ``b``, ``tie`` or another one of the meanings."""
        self.told[self.source_column(column), str(value), meaning] += number

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
        """Note an unusable row or, with ``whole=False``, one unusable vote in it."""
        if not self.ok[row]:
            return
        name = None if column is None else self.source_column(column)
        self._note(Bad(row, self.source.number(row), name, value, problem, expected))
        if whole:
            self.ok[row] = False

    def reject_where(self, mask: Bools, problem: str, *, column: str, expected: str | None = None) -> None:
        """Note every row where ``mask`` holds; the value is the column's."""
        wrong = np.flatnonzero(mask & self.ok)
        if len(wrong) == 0:
            return
        some = wrong[:1] if self.stop else wrong
        if is_in_files(self.table.schema.field(column)):
            values = decoded(self.source.take(some), self.source_column(column))
        else:
            values = decoded(self.table.select([column]).take(pa.array(some)), column)
        for row, value in zip(wrong.tolist(), values, strict=False):
            self.reject(row, problem, column=column, value=value, expected=expected)

    def _note(self, bad: Bad) -> None:
        if self.stop:
            raise BadInputError(
                bad.problem,
                expected=or_skip(bad.expected),
                source=self.source.name,
                row=bad.number,
                column=bad.column,
                value=bad.value,
            )
        self.bad.append(bad)

    def fail(self, problem: str, *, column: str | None = None, expected: str | None = None) -> BadInputError:
        """Make the error for something wrong with the source as a whole."""
        name = None if column is None else self.source_column(column)
        return BadInputError(problem, source=self.source.name, column=name, expected=expected)


def _renamed(source: Source, table: pa.Table, renames: Mapping[str, str], set_aside: Collection[str]) -> pa.Table:
    table = with_class_names(table)
    for name in set_aside:
        if name not in table.column_names:
            found = ", ".join(table.column_names)
            raise BadInputError(
                f"there is no column '{name}' to set aside", source=source.name, expected=f"one of: {found}"
            )
    table = table.drop_columns(list(set_aside))
    if len(set(renames.values())) < len(renames):
        raise BadInputError("columns gives one column two names", source=source.name, expected="one name each")
    for own in renames.values():
        table = with_inner(table, own)
    for name, own in renames.items():
        if own not in table.column_names:
            found = ", ".join(table.column_names)
            raise BadInputError(
                f"there is no column '{own}' to take as '{name}'", source=source.name, expected=f"one of: {found}"
            )
    # Where a renamed column takes the name of another, the other is hidden here, but stays in the source's table.
    columns = {own: name for name, own in renames.items()}
    keep = [c for c in table.column_names if c in columns or c not in renames]
    return table.select(keep).rename_columns([columns.get(c, c) for c in keep])
