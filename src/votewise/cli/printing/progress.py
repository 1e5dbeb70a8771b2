"""A progress bar: only on a terminal, and only when the work takes longer than two seconds."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from votewise.cli.printing.common import Screen, say
from votewise.errors import visible
from votewise.storage.journal import SUFFIX

PATIENCE = 2.0
"""Seconds before the bar is shown."""


class ProgressBar:
    """A context manager that shows on stderr what is being done.

    Args:
        quiet: show nothing, however long it takes.
        console: where to show it; stderr by default.
    """

    def __init__(self, *, quiet: bool = False, console: Console | None = None) -> None:
        console = console or Screen(file=sys.stderr)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("Starting", total=None, note="")
        self._timer = threading.Timer(PATIENCE, self._progress.start)
        self._timer.daemon = True
        self._shown = console.is_terminal and not quiet

    def __enter__(self) -> ProgressBar:
        if self._shown:
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._timer.cancel()
            self._timer.join()
            self._progress.stop()

    def stage(self, description: str) -> None:
        """Start a stage of unknown length."""
        self._progress.reset(self._task, description=visible(description), total=None, note="")

    def step(self, what: str, steps: int, movement: float) -> None:
        """Show the steps of an estimate; fits ``estimate_reliability(progress=...)``."""
        self._progress.update(self._task, description=visible(what), note=f"{steps:,} steps, change {movement:.0e}")

    def rows(self, done: int, total: int | None) -> None:
        """Show how many rows, of how many, the stage has done."""
        self._progress.update(self._task, completed=done, total=total, note=f"{done:,}")

    def count(self, what: str, done: int, total: int, tokens: int, seconds: float) -> None:
        """Show how much of a known amount is done, and how fast; fits ``generate_answers(progress=...)``."""
        note = (
            f"{done:,} of {total:,}, {tokens / max(seconds, 1e-9):,.0f} tokens/s"
            if tokens
            else f"{done:,} of {total:,}"
        )
        self._progress.update(self._task, description=visible(what), completed=done, total=total, note=note)


@contextmanager
def telling_how_to_resume(out: Path) -> Iterator[None]:
    """Say where the work is that an interrupted run has done."""
    try:
        yield
    except KeyboardInterrupt:
        journal = out.with_name(out.name + SUFFIX)
        if journal.exists():
            say(f"Interrupted. Finished work is in {journal}; the same command resumes from there.", error=True)
        raise
