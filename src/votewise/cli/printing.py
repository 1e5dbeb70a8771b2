"""What ``votewise audit`` and ``votewise demo`` print: short tables that fit a terminal 80 columns wide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
from rich import box
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table

from votewise.results import ReliabilityResult
from votewise.votes import Votes

if TYPE_CHECKING:
    from votewise.demo import DemoData

LEAST_SHOWN = 5
LEAST_VOTES = 10
"""Annotators with fewer votes are not put on the list of the least reliable: too little is known of them."""

FLAG_STYLES = {
    "reliable": "green",
    "unsure": "default",
    "casual": "yellow",
    "adversarial": "red",
    "position-biased": "magenta",
}
TABLE_STYLE: Any = {"box": box.SIMPLE_HEAD, "pad_edge": False, "title_justify": "left", "title_style": "bold"}
LEVEL_STYLES = {"info": "cyan", "warning": "yellow", "error": "bold red"}
FILE_NOTES = {
    "report.html": "open it in a browser",
    "annotators.parquet": "whom to believe",
    "votes.parquet": "the votes, each with its confidence",
    "pairs.parquet": "the pairs, each with its posterior",
    "summary.json": "settings, versions, counts, diagnostics",
    "simulated_votes.parquet": "the votes that were audited",
    "rejected.jsonl": "unusable rows, each with its reason",
    "comparisons.parquet": "the rows of the users that are kept",
    "evaluation.json": "the figures, for programs",
    "matrix.csv": "every model against every other",
    "users.parquet": "every user with attentiveness and level",
    "drift.parquet": "who changed over time",
    "stretches.parquet": "everybody's attentiveness in each stretch of time",
}
SUFFIX_NOTES = {".html": "open it in a browser", ".parquet": "every comparison with its verdict"}
"""Of files that are called by what they are about."""


def print_audit(votes: Votes, result: ReliabilityResult, summary: dict[str, Any], files: list[Path]) -> None:
    """Print what was read, whom not to believe, what to keep in mind and where the files are."""
    console = Console(highlight=False)
    console.print(overview(votes, result, summary))
    console.print()
    least = least_reliable(result)
    if least is not None:
        console.print(least)
    console.print(findings(result))
    rejects = votes.reading.rejects if votes.reading and votes.reading.rejected else None
    console.print(written([*files, *([rejects] if rejects else [])]))


def overview(votes: Votes, result: ReliabilityResult, summary: dict[str, Any]) -> Table:
    """What was read and what came out, a line each."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    counts = summary["counts"]
    if votes.reading is not None:
        table.add_row("Source", escape(str(summary["source"])))
        table.add_row("Read", f"{counts['read']:,} rows of format {summary['format']}")
        lost = {"rejected": "rejected", "skipped": "no votes", "repeated": "repeated"}
        dropped = [f"{counts[key]:,} {what}" for key, what in lost.items() if counts[key]]
        table.add_row("Kept", f"{len(votes):,} votes" + (f"; dropped: {', '.join(dropped)}" if dropped else ", all"))
    ties = int((votes.sign == 0).sum())
    table.add_row(
        "Crowd", f"{votes.n_annotators:,} annotators, {votes.n_pairs:,} pairs" + (f", {ties:,} ties" if ties else "")
    )
    if summary["flags"]:
        table.add_row("Flags", flag_counts(summary["flags"]))
    suspicious = pc.sum(pc.less(result.votes["confidence"], 0.5)).as_py() or 0
    table.add_row(
        "Doubt", f"{suspicious:,} votes more likely wrong than right ({suspicious / max(len(votes) - ties, 1):.1%})"
    )
    if summary["gold"]:
        gold = summary["gold"]
        line = f"{gold['accuracy']:.1%} of {gold['pairs']:,} pairs right (majority {gold['majority_accuracy']:.1%})"
        if gold["auc"] is not None:
            line += f"; AUC of confidence {gold['auc']:.3f}"
        table.add_row("Gold", line)
    for note in summary["notes"]:
        table.add_row("Note", escape(note))
    return table


def least_reliable(result: ReliabilityResult) -> Table | None:
    """The least reliable annotators among those with enough votes; None where nobody has enough."""
    rows = result.annotators.filter(pc.greater_equal(result.annotators["votes"], LEAST_VOTES))
    rows = rows.sort_by([("reliability", "ascending"), ("votes", "descending")]).slice(0, LEAST_SHOWN)
    if len(rows) == 0:
        return None
    table = Table(title=f"Least reliable with {LEAST_VOTES} votes or more", **TABLE_STYLE)
    table.add_column("Annotator", max_width=24, overflow="ellipsis", no_wrap=True)
    for name in ("Votes", "Reliability", "Interval", "Agreement", "First"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Flag", no_wrap=True)
    for row in rows.to_pylist():
        style = FLAG_STYLES.get(row["flag"], "default")
        interval = "" if row["low"] is None else f"{row['low']:.2f} to {row['high']:.2f}"
        table.add_row(
            escape(str(row["annotator"])),
            f"{row['votes']:,}",
            f"{row['reliability']:.2f}",
            interval,
            _percent(row["agreement"]),
            _percent(row["first_share"]),
            f"[{style}]{row['flag'] or ''}[/]",
        )
    return table


def findings(result: ReliabilityResult) -> Table:
    """What to keep in mind, worst first."""
    table = Table.grid(padding=(0, 2))
    for diagnostic in result.diagnostics:
        style = LEVEL_STYLES[diagnostic.level]
        table.add_row(f"[{style}]{diagnostic.level.capitalize()}[/]", escape(diagnostic.message))
    return table


def written(files: Sequence[Path]) -> Table:
    """The files, each with a note of what it is."""
    table = Table.grid(padding=(0, 2))
    table.title, table.title_justify, table.title_style = f"\nWritten to {escape(str(files[0].parent))}", "left", "bold"
    for file in files:
        note = FILE_NOTES.get(file.name) or SUFFIX_NOTES[file.suffix]
        table.add_row(escape(file.name), f"[dim]{note}[/dim]")
    return table


def compare_with_truth(data: DemoData, result: ReliabilityResult, gold: dict[str, Any]) -> Group:
    """What was found about simulated votes beside the truth: by kind of annotator, then over all."""
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
    figures.add_row("Error of reliability, on average", f"{np.abs(estimate - data.reliability).mean():.3f}")
    figures.add_row("True reliability inside its 95% interval", f"{covered.sum()} of {len(covered)} annotators")
    return Group(table, figures)


def flag_counts(counts: Mapping[str, int]) -> str:
    """Like ``16 reliable · 1 adversarial``, best first, each in its colour and unbroken."""
    parts = [(counts.get(flag, 0), flag, style) for flag, style in FLAG_STYLES.items()]
    return " · ".join(f"[{style}]{number:,}\u00a0{flag}[/]" for number, flag, style in parts if number)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"
