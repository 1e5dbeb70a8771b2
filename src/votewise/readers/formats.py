"""Every format that is known, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pyarrow as pa

from votewise.errors import BadInputError
from votewise.readers.canonical import Canonical
from votewise.readers.plain import read_plain
from votewise.readers.rows import Rows

Columns = tuple[tuple[str, ...], ...]


def _always(table: pa.Table) -> bool:
    return True


@dataclass(frozen=True)
class Format:
    """A shape in which votes are kept.

    Attributes:
        name: what it is called, as in ``read_votes(..., format=name)``.
        description: what it is, in a few words.
        needs: the columns it cannot do without, each with its alternatives; ``*`` stands for anything.
        read: turns the source's rows into canonical votes.
        looks: a look at the first rows, where the columns' names alone do not tell.
        over: formats of which this one is a special case: where both fit, this one is meant.

    """

    name: str
    description: str
    needs: Columns
    read: Callable[[Rows], Canonical]
    looks: Callable[[pa.Table], bool] = _always
    over: tuple[str, ...] = ()

    def lacks(self, names: Sequence[str]) -> list[str]:
        """List the needed columns that are not among these."""
        return [" or ".join(any_of) for any_of in self.needs if not any(_among(names, pattern) for pattern in any_of)]

    def recognise(self, table: pa.Table) -> bool:
        """Tell whether a table is of this format."""
        return not self.lacks(table.column_names) and self.looks(table)


def _among(names: Sequence[str], pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        Format(
            "plain",
            "one vote per row: annotator, label (a, b or tie), and a pair or two responses",
            (("annotator",), ("label",), ("pair", "response_a"), ("pair", "response_b")),
            read_plain,
        ),
    )
}


def choose(rows: Rows, name: str) -> Format:
    """Pick the format by name, or with ``auto`` the one that fits the columns; raises BadInputError if none does."""
    names = rows.table.column_names
    if name != "auto":
        if name not in FORMATS:
            raise BadInputError(f"there is no format '{name}'", expected="auto, " + ", ".join(FORMATS))
        lacks = FORMATS[name].lacks(names)
        if lacks:
            problem = f"is not of format {name}: it lacks {', '.join(lacks)}"
            raise rows.fail(problem, expected=f"those columns; found: {', '.join(names)}")
        return FORMATS[name]
    fit = [f for f in FORMATS.values() if f.recognise(rows.table)]
    covered = {name for f in fit for name in f.over}
    fit = [f for f in fit if f.name not in covered]
    if len(fit) > 1:
        problem = f"fits several formats: {', '.join(f.name for f in fit)}"
        raise rows.fail(problem, expected=f"one; choose it, e.g. format='{fit[0].name}'")
    if fit:
        return fit[0]
    nearest = min(FORMATS.values(), key=lambda f: len(f.lacks(names)) / len(f.needs))
    problem = f"unknown format; found the columns {', '.join(names)}"
    lacks = nearest.lacks(names)
    raise rows.fail(
        problem,
        expected=f"one of {', '.join(FORMATS)}; nearest is {nearest.name}, which lacks {', '.join(lacks)}; "
        "columns={'annotator': 'worker'} renames",
    )
