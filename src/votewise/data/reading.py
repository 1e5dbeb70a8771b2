"""What became of every row of a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ColumnRole:
    """What a column of a source is: used as ``role``, or carried along where that is None. ``kind`` is its type in words."""

    name: str
    role: str | None
    kind: str


@dataclass(frozen=True)
class ValueMeaning:
    """What one value of a column means: ``a``, ``b``, ``tie``, ``both_bad``, ``both_good`` or ``skip``; ``count`` times."""

    column: str
    value: str
    meaning: str
    count: int


@dataclass(frozen=True)
class Reading:
    """What happened while a source was read: everything that is dropped is counted here.

    ``read`` counts the input's rows, ``votes`` the votes they held (one row may hold several), of which ``kept`` stayed,
    ``rejected`` were unusable (written to ``rejects`` with their reasons), ``skipped`` were not votes (a cancelled
    annotation, for example) and ``repeated`` were earlier or later votes by the same annotator on the same pair.
    Of the votes kept, ``ties`` prefer neither response, ``both_bad`` and ``both_good`` of them because the label says
    so, and ``unknown_people`` come without a name. ``judgements`` is the number of judgements (a ranking is one) that the
    votes kept come from, 0 where each is one of its own. ``swapped`` votes were shown in the other order than their pair.
    ``columns`` tells the role of every column of the source, ``values`` what the values of its labels mean, and
    ``one_per_row`` whether each row holds one vote. ``options`` are arguments of ``read_votes`` that say in full what was
    recognised or told: to correct the reading, change what is wrong in them. ``examples`` are the first votes in words.
    """

    source: str
    format: str
    read: int
    votes: int
    kept: int
    rejected: int = 0
    skipped: int = 0
    repeated: int = 0
    ties: int = 0
    swapped: int = 0
    both_bad: int = 0
    both_good: int = 0
    unknown_people: int = 0
    judgements: int = 0
    one_per_row: bool = True
    rejects: Path | None = None
    notes: tuple[str, ...] = ()
    columns: tuple[ColumnRole, ...] = ()
    values: tuple[ValueMeaning, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    first: Callable[[], list[dict[str, Any]]] | None = field(default=None, repr=False, compare=False)

    @property
    def examples(self) -> list[dict[str, Any]]:
        """The first three votes: ``annotator``, ``prompt``, ``preferred``, ``other`` and ``tie``."""
        return [] if self.first is None else self.first()


@dataclass(frozen=True)
class Rejected:
    """How many rows, or votes in rows, were left out as unusable, and the file that has them; None for no file."""

    rows: int = 0
    file: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The file, where it has anything in it."""
        return (self.file,) if self.rows and self.file is not None else ()


NONE_REJECTED = Rejected()
"""No row was left out."""
