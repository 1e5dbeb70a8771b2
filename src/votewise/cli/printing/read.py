"""What ``votewise read`` prints."""

from __future__ import annotations

from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from votewise.cli.printing.common import TABLE_STYLE, Screen, print_json
from votewise.errors import visible
from votewise.workflows.read import ReadResult

LONGEST = 160
"""Characters of a text that are shown."""


def print_reading(result: ReadResult) -> None:
    """Print the format, the role of every column, counts, notes and the first votes in words."""
    console, reading = Screen(), result.reading
    console.print(Text.assemble(("Source  ", "bold"), visible(reading.source)))
    console.print(Text.assemble(("Format  ", "bold"), reading.format))
    console.print(_counts(result))
    console.print(_columns(result))
    for note in reading.notes:
        console.print(Text.assemble(("Note  ", "cyan"), visible(note)))
    console.print(Text("\nThe first votes", "bold"))
    for vote in result.examples.to_pylist():
        verb = "finds equal" if vote["tie"] else "prefers"
        console.print(
            Text.assemble(
                (visible(vote["annotator"]), "bold"), " on ", _short(vote["prompt"]), f"\n  {verb}  ",
                _short(vote["preferred"]),
                "\n  and  " if vote["tie"] else "\n  to  ", _short(vote["other"]),
            )
        )  # fmt: skip
    console.print(
        Text(
            "\nWrong? --columns NAME=COLUMN says which column is what, --columns NAME= that it has no role, --label VALUE=a "
            "what a value means.",
            "dim",
        )
    )


def print_reading_json(result: ReadResult) -> None:
    """Print the reading, its columns and the first votes as JSON."""
    print_json(asdict(result.reading) | {"examples": result.examples.to_pylist()})


def _short(text: str) -> str:
    shown = visible(text[:LONGEST])
    return f"{shown} ... ({len(text):,} characters)" if len(text) > LONGEST else shown


def _counts(result: ReadResult) -> Table:
    reading, votes = result.reading, result.votes
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column()
    decided = reading.kept - reading.ties
    rows = [
        (reading.read, "rows"), (reading.kept, f"votes on {votes.n_pairs:,} pairs by {votes.n_annotators:,} annotators"),
        (decided, "for one of the two answers"), (reading.ties, "ties"), (reading.both_bad, "of them both bad"),
        (reading.both_good, "of them both good"), (reading.skipped, "not votes"), (reading.rejected, "unusable"),
        (reading.repeated, "repeated"), (reading.unknown_people, "by unknown people"),
        (reading.judgements, "judgements: several votes of one, such as a ranking, are not independent"),
    ]  # fmt: skip
    for number, what in rows:
        if number or what == "rows":
            table.add_row(f"{number:,}", what)
    return table


def _columns(result: ReadResult) -> Table:
    table = Table(title="Columns", **TABLE_STYLE)
    for name in ("Column", "Kind", "Role"):
        table.add_column(name, overflow="fold")
    for row in result.columns.to_pylist():
        role = row["role"]
        table.add_row(
            Text(visible(row["column"])),
            row["kind"],
            Text(visible(role)) if role is not None else Text("carried along", "dim"),
        )
    return table
