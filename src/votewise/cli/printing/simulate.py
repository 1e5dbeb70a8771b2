"""What ``votewise simulate`` prints."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from votewise.cli.printing.common import TABLE_STYLE
from votewise.simulate.click_files import ClicksSummary, ScoredComparisons
from votewise.simulate.vote_files import VotesSummary
from votewise.simulate.votes import VotesPlan


def print_votes(plan: VotesPlan, summary: VotesSummary, out: Path) -> None:
    """Print how many votes there are, and by kind of annotator how many are right."""
    console = Console(highlight=False)
    table = Table(title=f"{summary.votes:,} votes on {summary.pairs:,} pairs", **TABLE_STYLE)
    table.add_column("Kind", no_wrap=True)
    for name in ("Annotators", "Votes", "Right"):
        table.add_column(name, justify="right", no_wrap=True)
    for kind, numbers in summary.kinds.items():
        table.add_row(kind, f"{numbers['annotators']:,}", f"{numbers['votes']:,}", _share(numbers))
    if len(summary.kinds) > 1:
        annotators = sum(numbers["annotators"] for numbers in summary.kinds.values())
        right = summary.correct / max(summary.votes, 1)
        table.add_row("[bold]all", f"{annotators:,}", f"{summary.votes:,}", f"{right:.1%}")
    console.print(table)
    if plan.pairs.undecided:
        console.print(f"{plan.pairs.undecided:,} pairs left out: nothing says which answer is better.")
    if plan.pairs.ids is not None and plan.pairs.texts is None:
        console.print("Without texts: rows name their pairs. --texts writes prompts and answers as well.")
    console.print(f"Written to {escape(str(out))}")


def print_clicks(comparisons: ScoredComparisons, summary: ClicksSummary, out: Path) -> None:
    """Print how many clicks there are, and how many of them are worth something."""
    console = Console(highlight=False)
    grid = Table.grid(padding=(0, 2))
    n = max(summary.clicks, 1)
    grid.add_row(
        "Clicks", f"{summary.clicks:,} by {summary.users:,} users on {len(comparisons.probability):,} comparisons"
    )
    if comparisons.unscored:
        grid.add_row("Left out", f"{comparisons.unscored:,} comparisons without a score")
    preferred = float((comparisons.probability >= 0.5).mean())
    grid.add_row("Win rate", f"{preferred:.4f} of the comparisons have model A's answer likelier better")
    grid.add_row("Attentive", f"{summary.attentive / n:.1%} of the clicks")
    grid.add_row("Right", f"{summary.correct / n:.1%}")
    grid.add_row("For A", f"{summary.for_a / n:.1%}")
    console.print(grid)
    console.print(f"Written to {escape(str(out))}")


def _share(numbers: dict[str, int]) -> str:
    return f"{numbers['correct'] / numbers['votes']:.1%}" if numbers["votes"] else ""
