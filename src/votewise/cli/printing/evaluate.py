"""What ``votewise evaluate`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from votewise.cli.printing.common import LEVEL_STYLES, TABLE_STYLE, written
from votewise.data.contests import Contests
from votewise.data.win_rates import MatrixResult, Rate, WinRateResult
from votewise.report.matrix_page import pair_rows
from votewise.report.win_rate_page import notes

if TYPE_CHECKING:
    from votewise.evaluate.judges import LanguageJudge, RewardJudge

MOST_DOMAINS = 8
MOST_PAIRS = 15


def print_win_rate(result: WinRateResult, files: Sequence[Path]) -> None:
    """Print the rate, what it depends on, what to keep in mind, and where the files are."""
    console = Console(highlight=False)
    contests = result.contests
    table = _grid()
    table.add_row("Model", shown(contests.model_a))
    table.add_row("Baseline", shown(contests.model_b))
    table.add_row("Judge", shown(result.verdicts.judge))
    lost = [f"{number:,} {why}" for why, number in contests.left_out.items()]
    table.add_row("Read", f"{len(contests):,} comparisons on {contests.n_prompts:,} prompts")
    if lost:
        table.add_row("Left out", shown(", ".join(lost)))
    counted = f"{result.wins:,} won, {result.ties:,} tied, {result.losses:,} lost"
    table.add_row("Verdicts", counted + (f", {result.failed:,} without a verdict" if result.failed else ""))
    table.add_row("Win rate", f"[bold]{_rate(result.rate)}[/bold]")
    if result.length_controlled is not None:
        table.add_row("At equal lengths", _rate(result.length_controlled.rate))
    if result.swaps is not None:
        table.add_row("Order", f"{result.swaps.disagreement:.1%} of verdicts changed with the order of the answers")
    console.print(table)
    for title, parts in (
        ("By difference in length, characters of the model's answer against the baseline's", result.by_length),
        ("By domain", result.by_domain[:MOST_DOMAINS]),
    ):
        if len(parts) > 1:
            console.print()
            console.print(_parts(title, [(part.name, part.rate) for part in parts]))
    _finish(console, notes(result), files)


def print_matrix(result: MatrixResult, files: Sequence[Path]) -> None:
    """Print each model's mean win rate, the pairs, and where the files are."""
    console = Console(highlight=False)
    table = _grid()
    table.add_row("Judge", shown(result.judge))
    total = sum(found.rate.contests for found in result.pairs.values())
    table.add_row("Read", f"{len(result.models)} models, {len(result.pairs)} pairs, {total:,} comparisons")
    console.print(table)
    console.print()
    ranking = Table(title="Mean win rate over the other models", **TABLE_STYLE)
    ranking.add_column("Model", max_width=48, overflow="ellipsis", no_wrap=True)
    ranking.add_column("Mean", justify="right", no_wrap=True)
    for model in result.models:
        ranking.add_row(shown(model), f"{result.mean[model]:.1%}")
    console.print(ranking)
    pairs = Table(title="Pairs", **TABLE_STYLE)
    for name in ("Better", "Than"):
        pairs.add_column(name, max_width=23, overflow="ellipsis", no_wrap=True)
    for name in ("Win rate", "Interval"):
        pairs.add_column(name, justify="right", no_wrap=True, min_width=8 if name == "Win rate" else 15)
    rows = pair_rows(result)
    for row in rows[:MOST_PAIRS]:
        rate: Rate = row["rate"]
        interval = f"{100 * rate.low:.1f} to {100 * rate.high:.1f}%"
        pairs.add_row(shown(row["better"]), shown(row["worse"]), f"{rate.value:.1%}", interval)
    console.print(pairs)
    left = len(rows) - MOST_PAIRS
    found = [("info", f"{left:,} more pairs are in matrix.csv.")] if left > 0 else []
    _finish(console, found, files)


def print_work(groups: Sequence[Contests], judge: LanguageJudge | RewardJudge | None, work: int) -> None:
    """Print what there is to judge, and what that asks of the judge."""
    console = Console(highlight=False)
    table = _grid()
    for contests in groups:
        name = f"{contests.model_a} against {contests.model_b}"
        table.add_row(shown(name), f"{len(contests):,} comparisons on {contests.n_prompts:,} prompts")
    if judge is not None:
        from votewise.evaluate.judges import RewardJudge

        what = "answers to score" if isinstance(judge, RewardJudge) else "questions, both orders of every comparison"
        table.add_row("Judge's work", f"{work:,} {what}; less where an interrupted run left something")
    console.print(table)


def _parts(title: str, parts: Sequence[tuple[str, Rate]]) -> Table:
    table = Table(title=title, **TABLE_STYLE)
    table.add_column("", max_width=32, overflow="ellipsis", no_wrap=True)
    for name in ("Comparisons", "Win rate", "Interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, rate in parts:
        table.add_row(shown(name), f"{rate.contests:,}", f"{rate.value:.1%}", f"{rate.low:.1%} to {rate.high:.1%}")
    return table


def _finish(console: Console, found: Sequence[tuple[str, str]], files: Sequence[Path]) -> None:
    if found:
        table = Table.grid(padding=(0, 2))
        for level, message in found:
            table.add_row(f"[{LEVEL_STYLES[level]}]{level.capitalize()}[/]", shown(message))
        console.print()
        console.print(table)
    console.print(written(files))


def _rate(rate: Rate) -> str:
    return f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%})"


def shown(text: str) -> str:
    """A text from the data, fit for a terminal: no markup, no control sequences."""
    return escape("".join(c if c.isprintable() else "\ufffd" for c in text))


def _grid() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    return table
