"""What ``votewise audit`` prints."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc
from rich.markup import escape
from rich.table import Table

from votewise.annotators.results import ReliabilityResult
from votewise.cli.printing.common import FLAG_STYLES, TABLE_STYLE, Screen, findings, flag_counts, percent, written
from votewise.data.votes import Votes
from votewise.errors import many
from votewise.workflows.audit import AuditResult

LEAST_SHOWN = 5
LEAST_VOTES = 10
"""Annotators with fewer votes are not on the list of the least reliable, because too little is known about them."""


def print_audit(audit: AuditResult) -> None:
    """Print what was read, which annotators not to trust, what else the reader should know, and where the files are."""
    votes, result = audit.votes, audit.reliability
    console = Screen()
    console.print(overview(votes, result, audit.summary))
    console.print()
    if result.compared:
        console.print(models(result))
    least = least_reliable(result)
    if least is not None:
        console.print(least)
    console.print(findings(result.diagnostics))
    rejects = votes.reading.rejects if votes.reading and votes.reading.rejected else None
    console.print(written([*audit.files, *([rejects] if rejects else [])]))


def overview(votes: Votes, result: ReliabilityResult, summary: dict[str, Any]) -> Table:
    """What was read and what the result is, a line each."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    counts = summary["counts"]
    if votes.reading is not None:
        table.add_row("Source", escape(str(summary["source"])))
        table.add_row("Read", f"{many(counts['read'], 'row')} of format {summary['format']}")
        lost = {"rejected": "rejected", "skipped": "not votes", "repeated": "repeated"}
        dropped = [f"{counts[key]:,} {what}" for key, what in lost.items() if counts[key]]
        table.add_row("Kept", many(len(votes), "vote") + (f"; dropped: {', '.join(dropped)}" if dropped else ", all"))
    ties = int((votes.sign == 0).sum())
    table.add_row(
        "Votes by",
        f"{many(votes.n_annotators, 'annotator')} on {many(votes.n_pairs, 'pair')}"
        + (f", {many(ties, 'tie')}" if ties else ""),
    )
    if summary["flags"]:
        table.add_row("Flags", flag_counts(summary["flags"]))
    suspicious = pc.sum(pc.less(result.confidence, 0.5)).as_py() or 0
    table.add_row(
        "Suspicious",
        f"{many(suspicious, 'vote')} more likely wrong than right ({suspicious / max(len(votes) - ties, 1):.1%})",
    )
    if summary["gold"]:
        gold = summary["gold"]
        line = (
            f"{gold['accuracy']:.1%} of {many(gold['pairs'], 'pair')} right (majority {gold['majority_accuracy']:.1%})"
        )
        if gold["auc"] is not None:
            line += f"; AUC of confidence {gold['auc']:.3f}"
        table.add_row("Gold", line)
    for note in summary["notes"]:
        table.add_row("Note", escape(note))
    return table


def models(result: ReliabilityResult) -> Table:
    """How well each model of pairs predicts hidden votes."""
    number = result.compared[0]["votes"]
    table = Table(title=f"Models of pairs, by {many(number, 'hidden vote')}", collapse_padding=True, **TABLE_STYLE)
    table.add_column("Model")
    for name in ("Log-loss", "Gain", "Std. error", "Calibration error", "Right"):
        table.add_column(name, justify="right")
    for score in result.compared:
        gain = ("", "") if score["spread"] is None else (f"{score['gain']:+.4f}", f"{score['standard_error']:.4f}")
        table.add_row(
            escape(score["model"]),
            f"{score['log_loss']:.4f}",
            *gain,
            f"{score['calibration_error']:.3f}",
            f"{score['right']:.1%}",
        )
    return table


def least_reliable(result: ReliabilityResult) -> Table | None:
    """The least reliable annotators among those with enough votes; None if no annotator has enough."""
    rows = result.annotators.filter(pc.greater_equal(result.annotators["votes"], LEAST_VOTES))
    rows = rows.sort_by([("reliability", "ascending"), ("votes", "descending")]).slice(0, LEAST_SHOWN)
    if len(rows) == 0:
        return None
    table = Table(title=f"Least reliable with {LEAST_VOTES} votes or more", collapse_padding=True, **TABLE_STYLE)
    # In a narrow terminal only this column is cut, because all others may not wrap. Nor do names, at their spaces.
    table.add_column("Annotator", max_width=24, overflow="ellipsis")
    for name in ("Votes", "Reliability", "Interval", "Agreement", "First"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Flag", no_wrap=True)
    for row in rows.to_pylist():
        style = FLAG_STYLES.get(row["flag"], "default")
        interval = "" if row["low"] is None else f"{row['low']:.2f} to {row['high']:.2f}"
        table.add_row(
            escape(str(row["annotator"])).replace(" ", "\u00a0"),
            f"{row['votes']:,}",
            f"{row['reliability']:.2f}",
            interval,
            percent(row["agreement"]),
            percent(row["first_share"]),
            f"[{style}]{row['flag'] or ''}[/]",
        )
    return table
