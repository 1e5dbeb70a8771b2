"""What ``votewise demo`` prints of its story."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group
from rich.table import Table

from votewise.cli.printing import TABLE_STYLE

if TYPE_CHECKING:
    from votewise.demo.story import Story

KINDS = {"adversarial": (0.0, 0.4), "sloppy": (0.4, 0.75), "reliable": (0.75, 1.0)}
"""Kinds of annotators by their true reliability."""


def story_tables(story: Story) -> Group:
    """Right answers by method, and the annotators' estimated beside their true reliabilities."""
    answers = Table(title="Right answers to questions nobody voted on", **TABLE_STYLE)
    answers.add_column("Trained on the votes with", no_wrap=True)
    for name in ("Right answers", "Gap closed"):
        answers.add_column(name, justify="right", no_wrap=True)
    answers.add_row("(before training)", _rate(*story.before), "", style="dim")
    for name, (rate, half, closed) in story.endings.items():
        reference = name in ("all votes believed", "clean labels")
        style = "bold" if name == "votewise" else "dim" if reference else ""
        answers.add_row(name, _rate(rate, half), "" if reference or closed != closed else f"{closed:.0%}", style=style)
    found, true = story.trainer.reliability["reliability"].to_numpy(), story.world.cast.reliability
    return Group(
        answers,
        _annotators(story),
        f"{story.wrong:.0%} of the votes were wrong. Error of reliability, on average: {np.abs(found - true).mean():.3f}\n",
    )


def _annotators(story: Story) -> Table:
    table = Table(title="Annotators, as votewise found them while training", **TABLE_STYLE)
    table.add_column("Kind", no_wrap=True)
    for name in ("Number", "True", "Estimated", "In its interval"):
        table.add_column(name, justify="right", no_wrap=True)
    found, true = story.trainer.reliability, story.world.cast.reliability
    estimate, low, high = (found[name].to_numpy() for name in ("reliability", "low", "high"))
    for kind, (least, most) in reversed(KINDS.items()):
        of = (least <= true) & (true < most)
        if of.any():
            inside = int(((low <= true) & (true <= high))[of].sum())
            table.add_row(
                kind, f"{of.sum()}", f"{true[of].mean():.2f}", f"{estimate[of].mean():.2f}", f"{inside} of {of.sum()}"
            )
    return table


def _rate(rate: float, half: float) -> str:
    return f"{rate:.1%} ± {100 * half:.1f}"
