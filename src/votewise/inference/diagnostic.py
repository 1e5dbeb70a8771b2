"""What a reader of a result should know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from votewise.errors import NotIdentifiableError

LEVELS = ("error", "warning", "info")
"""Worst first."""


@dataclass(frozen=True)
class Diagnostic:
    """One thing a reader of the result should know.

    ``level`` is ``info``, ``warning`` (read the numbers with this in mind) or ``error`` (the votes do not determine the
    answer; the command line stops unless ``--force`` is given). ``code`` is a stable short name for programs.
    """

    code: str
    level: Literal["info", "warning", "error"]
    message: str


def worst_first(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort diagnostics by level, keeping the order within a level."""
    return tuple(sorted(diagnostics, key=lambda item: LEVELS.index(item.level)))


def check_identifiable(diagnostics: Iterable[Diagnostic]) -> None:
    """Raise NotIdentifiableError if a diagnostic says that the votes do not determine the answer."""
    for diagnostic in diagnostics:
        if diagnostic.level == "error":
            raise NotIdentifiableError(f"{diagnostic.message} (--force continues anyway.)")
