"""What is known about one format: its name, the columns that it needs, and the function that reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from votewise.sources.canonical import Canonical
from votewise.sources.rows import Rows

Columns = tuple[tuple[str, ...], ...]


def _always(rows: Rows) -> bool:
    return True


@dataclass(frozen=True)
class Format:
    """A format in which votes are stored.

    Attributes:
        name: its name, as in ``read_votes(..., format=name)``.
        description: what it is, in a few words.
        needs: the columns that it needs, each with its alternatives; ``*`` stands for anything.
        read: turns the source's rows into canonical votes.
        looks: a check of the first rows, for formats that the names of the columns alone do not identify.
        over: formats of which this one is a special case: where both fit, this one is meant.
        general: whether it is tried only where no other format fits.
        own_status: whether its reader knows what the format's status columns mean.
        leaves_texts: whether a large source can be read with stand-ins for its texts; see ``stand_ins``.
    """

    name: str
    description: str
    needs: Columns
    read: Callable[[Rows], Canonical]
    looks: Callable[[Rows], bool] = _always
    over: tuple[str, ...] = ()
    general: bool = False
    own_status: bool = False
    leaves_texts: bool = False

    def lacks(self, names: Sequence[str]) -> list[str]:
        """List the needed columns that are not among these."""
        return [" or ".join(any_of) for any_of in self.needs if not any(_among(names, pattern) for pattern in any_of)]

    def recognise(self, rows: Rows) -> bool:
        """Tell whether a source is of this format."""
        return not self.lacks(rows.table.column_names) and self.looks(rows)


def _among(names: Sequence[str], pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)
