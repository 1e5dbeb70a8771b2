"""What became of every row of a source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reading:
    """What happened while a source was read: everything that is dropped is counted here.

    ``read`` counts the input's rows, ``votes`` the votes they held (one row may hold several), of which ``kept`` stayed,
    ``rejected`` were unusable (written to ``rejects`` with their reasons), ``skipped`` were not votes (a cancelled
    annotation, for example) and ``repeated`` were earlier or later votes by the same annotator on the same pair.
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
    rejects: Path | None = None
    notes: tuple[str, ...] = ()
