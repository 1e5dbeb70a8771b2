"""What ``votewise simulate`` prints."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from votewise.cli.printing.common import TABLE_STYLE, Screen, left_out
from votewise.errors import many
from votewise.workflows.simulate_clicks import ClicksSimulation
from votewise.workflows.simulate_votes import VotesSimulation


def print_votes(result: VotesSimulation) -> None:
    """Print how many votes there are, and for each kind of annotator how many are right."""
    console = Screen()
    summary = result.summary
    table = Table(title=f"{many(summary['votes'], 'vote')} on {many(summary['pairs'], 'pair')}", **TABLE_STYLE)
    table.add_column("Kind", no_wrap=True)
    for name in ("Annotators", "Votes", "Right"):
        table.add_column(name, justify="right", no_wrap=True)
    for kind, numbers in summary["kinds"].items():
        table.add_row(kind, f"{numbers['annotators']:,}", f"{numbers['votes']:,}", _share(numbers))
    if len(summary["kinds"]) > 1:
        annotators = sum(numbers["annotators"] for numbers in summary["kinds"].values())
        table.add_row("[bold]all", f"{annotators:,}", f"{summary['votes']:,}", _share(summary))
    console.print(table)
    if result.undecided:
        console.print(f"{many(result.undecided, 'pair')} left out: nothing says which answer is better.")
    if result.without_texts:
        console.print("Without texts: rows only name their pairs. --texts writes prompts and answers, too.")
    if result.rejected.rows:
        console.print(escape(left_out(result.rejected)))
    console.print(f"Written to {escape(summary['file'])}")


def print_clicks(result: ClicksSimulation) -> None:
    """Print how many clicks there are, and how many of them are attentive and right."""
    console = Screen()
    grid = Table.grid(padding=(0, 2))
    summary = result.summary
    n = max(summary["clicks"], 1)
    grid.add_row(
        "Clicks",
        f"{summary['clicks']:,} by {many(summary['users'], 'user')} on {many(result.comparisons, 'comparison')}",
    )
    if result.unscored:
        grid.add_row("Left out", f"{many(result.unscored, 'comparison')} without a score")
    grid.add_row("Win rate", f"model A's answer is probably better on {result.win_rate:.4f} of the comparisons")
    grid.add_row("Attentive", f"{summary['attentive'] / n:.1%} of the clicks")
    grid.add_row("Right", f"{summary['correct'] / n:.1%}")
    grid.add_row("For A", f"{summary['for_a'] / n:.1%}")
    console.print(grid)
    if result.rejected.rows:
        console.print(escape(left_out(result.rejected)))
    console.print(f"Written to {escape(summary['file'])}")


def _share(numbers: dict[str, Any]) -> str:
    return f"{numbers['correct'] / numbers['votes']:.1%}" if numbers["votes"] else ""
