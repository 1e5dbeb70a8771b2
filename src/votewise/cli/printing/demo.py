"""What ``votewise demo`` prints."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group
from rich.table import Table

from votewise.annotators.results import ReliabilityResult
from votewise.cli.printing.common import TABLE_STYLE, Screen, flag_counts, say, written
from votewise.workflows.demo import DemoResult

if TYPE_CHECKING:
    from votewise.demo import DemoData
    from votewise.demo.story import Story

KINDS = {"adversarial": (0.0, 0.4), "sloppy": (0.4, 0.75), "reliable": (0.75, 1.0)}
"""Kinds of annotators by their true reliability."""


def print_demo(result: DemoResult, *, quick: bool) -> None:
    """Print the results beside the truth, where the files are, and what to try next."""
    console = Screen()
    if result.story is not None:
        console.print(story_tables(result.story))
    elif result.data is not None and result.summary is not None:
        console.print(compare_with_truth(result.data, result.reliability, result.summary["gold"]))
    console.print(written(result.files))
    following = "train --help" if result.story is not None else f"audit {result.files[-1]}"
    say(f"\nThe report: {result.files[0]}\nYour turn:  votewise {following}")
    if result.story is None and not quick:
        say("\nThe whole story, with training, needs:  pip install 'votewise[train]'")


def story_tables(story: Story) -> Group:
    """Right answers by method, and estimated beside true reliabilities."""
    answers = Table(title="Right answers to questions without votes", **TABLE_STYLE)
    answers.add_column("Trained on\nthe votes with", no_wrap=True)
    usual = story.usual_beta
    for name in (f"At beta\n{usual:g}", "At its\nbest beta", "Gap\nclosed", "Lost at a\nwrong beta"):
        answers.add_column(name, justify="right", no_wrap=True)
    answers.add_row("(before training)", _rate(*story.before), "", "", "", style="dim")
    for name, found in story.endings.items():
        reference, closed = name in ("all votes believed", "clean labels"), story.closed(name)
        style = "bold" if name.startswith("votewise") else "dim" if reference else ""
        answers.add_row(
            name,
            _rate(*found.rate(usual)),
            f"{_rate(*found.rate(found.best))} ({found.best:g})",
            "" if reference or closed != closed else f"{closed:.0%}",
            f"{100 * found.lost:.1f}",
            style=style,
        )
    judged, true = story.trainer.reliability["reliability"].to_numpy(), story.world.cast.reliability
    return Group(
        answers,
        _annotators(story),
        f"{story.wrong:.0%} of the votes were wrong. Every method was trained at beta "
        f"{_either(list(story.endings['all votes believed'].shares))}; the gap is that of all votes believed and clean "
        f"labels, all at their best betas.\nMean error of reliability: {np.abs(judged - true).mean():.3f}\n",
    )


def _annotators(story: Story) -> Table:
    table = Table(title="Annotators, as votewise judged them during training", **TABLE_STYLE)
    table.add_column("Kind", no_wrap=True)
    for name in ("Number", "True", "Estimated", "Inside interval"):
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


def _either(values: list[float]) -> str:
    return " or ".join([", ".join(f"{value:g}" for value in values[:-1]), f"{values[-1]:g}"])


def _rate(rate: float, half: float) -> str:
    return f"{rate:.1%} ± {100 * half:.1f}"


def compare_with_truth(data: DemoData, result: ReliabilityResult, gold: dict[str, Any]) -> Group:
    """Estimates beside the truth: by kind of annotator, then over all of them."""
    place = {name: i for i, name in enumerate(result.annotators["annotator"].to_pylist())}
    order = np.array([place[name] for name in data.names])
    estimate, low, high = (result.annotators[name].to_numpy()[order] for name in ("reliability", "low", "high"))
    flags = np.array(result.annotators["flag"].to_pylist())[order]
    covered = (low <= data.reliability) & (data.reliability <= high)
    table = Table(title="Reliability by kind of annotator", **TABLE_STYLE)
    table.add_column("Kind", no_wrap=True)
    for name in ("Number", "True", "Estimated"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Flagged as")
    kinds = np.array(data.kinds)
    for kind in sorted(set(data.kinds), key=lambda kind: -data.reliability[kinds == kind].mean()):
        of = kinds == kind
        table.add_row(
            kind,
            f"{of.sum()}",
            f"{data.reliability[of].mean():.2f}",
            f"{estimate[of].mean():.2f}",
            flag_counts(Counter(flags[of].tolist())),
        )
    figures = Table.grid(padding=(0, 2))
    figures.add_row("Wrong votes", f"{gold['wrong']:.1%} of {gold['votes']:,}")
    figures.add_row("Pairs right by majority vote", f"{gold['majority_accuracy']:.1%} of {gold['pairs']:,}")
    figures.add_row("[bold]Pairs right by votewise", f"[bold]{gold['accuracy']:.1%}")
    figures.add_row("AUC of confidence for wrong votes", f"{gold['auc']:.3f}")
    figures.add_row("Mean error of reliability", f"{np.abs(estimate - data.reliability).mean():.3f}")
    figures.add_row("True reliability inside its 95% interval", f"{covered.sum()} of {len(covered)} annotators")
    return Group(table, figures)
