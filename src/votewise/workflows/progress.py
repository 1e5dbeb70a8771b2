"""How a workflow reports its progress."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What ``progress=`` takes: the command line's progress bar, or anything else with these methods."""

    def stage(self, description: str) -> None:
        """Start a stage: name what is done next."""

    def step(self, what: str, steps: int, movement: float) -> None:
        """Report how many EM steps an estimate has done, and how much the last one changed."""

    def rows(self, done: int, total: int | None) -> None:
        """Report how many rows, of how many, the stage has done."""

    def count(self, what: str, done: int, total: int, tokens: int, seconds: float) -> None:
        """Report how much of a known amount is done, and how fast."""


class NoProgress:
    """Reports nothing."""

    def stage(self, description: str) -> None:
        """Do nothing."""

    def step(self, what: str, steps: int, movement: float) -> None:
        """Do nothing."""

    def rows(self, done: int, total: int | None) -> None:
        """Do nothing."""

    def count(self, what: str, done: int, total: int, tokens: int, seconds: float) -> None:
        """Do nothing."""


SILENT = NoProgress()
