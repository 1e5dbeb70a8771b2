"""What a reader of a result should know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from votewise.errors import NotIdentifiableError

SEVERITIES = ("error", "warning", "info")
"""Worst first."""


@dataclass(frozen=True)
class Diagnostic:
    """One thing a reader of the result should know.

    ``severity`` is ``info``, ``warning`` (read the numbers with this in mind) or ``error`` (the votes do not determine the
    answer; the command line stops unless ``--force`` is given). ``code`` is a stable short name for programs.
    """

    code: str
    severity: Literal["info", "warning", "error"]
    message: str


def worst_first(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort diagnostics by severity, keeping the order within one."""
    return tuple(sorted(diagnostics, key=lambda item: SEVERITIES.index(item.severity)))


def check_identifiable(diagnostics: Iterable[Diagnostic]) -> None:
    """Raise NotIdentifiableError if a diagnostic says that the votes do not determine the answer."""
    for diagnostic in diagnostics:
        if diagnostic.severity == "error":
            raise NotIdentifiableError(f"{diagnostic.message} (--force continues anyway.)")
