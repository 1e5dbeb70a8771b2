"""What ``votewise filter`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from rich.markup import escape
from rich.table import Table

from votewise.cli.printing.common import TABLE_STYLE, Screen, findings, written
from votewise.errors import many
from votewise.users.select import PROBABILITY
from votewise.workflows.filter_clicks import FilterResult

STYLES = {"attentive": "green", "unsure": "default", "inattentive": "yellow", "new": "cyan"}
BLOCKS = " ▁▂▃▄▅▆▇█"
TITLES = {
    "threshold": "--threshold: attentiveness of at least ..., by the estimate",
    "probability": "--threshold with --probability {probability:g}",
    "keep": "--keep: the most attentive ... of the users",
}


def print_filter(result: FilterResult) -> None:
    """Print what was read, how attentive the users are, what was kept, and where the files are."""
    console = Screen()
    summary = result.summary
    counts, kept = summary["counts"], summary["kept"]
    table = _grid()
    table.add_row("Source", escape(summary["source"]))
    table.add_row(
        "Read", f"{many(counts['rows'], 'row')} by {many(counts['users'], 'user')}, {many(counts['ties'], 'tie')}"
    )
    if summary["skipped"]:
        lost = ", ".join(f"{number:,} {problem}" for problem, number in summary["skipped"].items())
        table.add_row("Skipped", escape(lost))
    for note in summary["notes"]:
        table.add_row("Note", escape(note))
    _add_models(table, summary["models"], summary["win_rates"])
    table.add_row("Prior", escape(_described(summary["prior"])))
    flags = [f"[{style}]{summary['flags'][name]:,}\u00a0{name}[/]" for name, style in STYLES.items()]
    table.add_row("Users", " · ".join(flags))
    table.add_row("Rule", escape(summary["rule"]))
    table.add_row(
        "Kept",
        f"{many(kept['users'], 'user')} ({kept['users'] / counts['users']:.1%}), "
        f"{many(kept['rows'], 'row')} ({kept['rows'] / counts['rows']:.1%})",
    )
    if drift := summary.get("drift"):
        table.add_row("Drift", f"{drift['changed']:,} of {many(drift['users'], 'user')} changed between stretches")
    console.print(table)
    console.print(findings(result.attentiveness.diagnostics))
    console.print(written(result.files))


def print_ladder(ladder: pa.Table, result: FilterResult) -> None:
    """Print how many users and rows each rule keeps: a table and a curve for each kind of rule."""
    console = Screen()
    summary = result.summary
    grid = _grid()
    grid.add_row("Source", escape(summary["source"]))
    _add_models(grid, summary["models"], summary["win_rates"])
    grid.add_row("Prior", escape(_described(summary["prior"])))
    console.print(grid)
    rows = ladder.to_pylist()
    probability = summary["settings"]["rule"]["probability"] or PROBABILITY
    for rule, title in TITLES.items():
        steps = [row for row in rows if row["rule"] == rule]
        console.print()
        console.print(f"[bold]{title.format(probability=probability)}[/]")
        console.print(_steps(steps))
        console.print(
            f"rows kept  {curve([row['row_share'] for row in steps])}  users kept  "
            f"{curve([row['user_share'] for row in steps])}"
        )
    console.print(findings(result.attentiveness.diagnostics))


def curve(shares: Sequence[float]) -> str:
    """Shares from 0 to 1 as a row of blocks."""
    return "".join(BLOCKS[round(share * (len(BLOCKS) - 1))] for share in shares)


def _steps(steps: Sequence[dict[str, Any]]) -> Table:
    table = Table(**TABLE_STYLE)
    for name in ("Value", "Users", "", "Rows", "", "Attentiveness"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in steps:
        mean = "" if row["attentiveness"] is None else f"{row['attentiveness']:.3f}"
        table.add_row(
            f"{row['value']:g}",
            f"{row['users']:,}",
            f"{row['user_share']:.1%}",
            f"{row['rows']:,}",
            f"{row['row_share']:.1%}",
            mean,
        )
    return table


def _add_models(table: Table, models: dict[str, str] | None, win_rates: Sequence[dict[str, Any]]) -> None:
    if models:
        table.add_row("Models", f"A is {escape(models['a'])}, B is {escape(models['b'])}")
    rates = [
        (f"{rate['domain']} " if rate["domain"] else "")
        + f"{rate['win_rate']:.3g}"
        + ("" if rate["low"] is None else f" ({rate['low']:.2f} to {rate['high']:.2f})")
        for rate in win_rates
    ]
    table.add_row("Win rate", escape(", ".join(rates)) + " of prompts are better answered by A")


def _described(prior: dict[str, Any]) -> str:
    values = [f"{name} {value:.3g}" for name, value in prior.items() if isinstance(value, int | float)]
    return ": ".join([prior["family"], ", ".join(values)]) if 0 < len(values) <= 8 else str(prior["family"])


def _grid() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    return table
