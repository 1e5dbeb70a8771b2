"""What ``votewise read`` prints."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

from rich.table import Table
from rich.text import Text

from votewise.cli.printing.common import TABLE_STYLE, Screen, print_json, say
from votewise.data.reading import Reading, ValueMeaning
from votewise.errors import visible
from votewise.workflows.read import ReadResult

LONGEST = 160
"""Characters of a text that are shown."""

WIDTH = 80
"""Columns of a terminal."""

MOST_VALUES = 12
"""Values of labels that are shown."""

MEANINGS = {
    "a": "a: first answer",
    "b": "b: second answer",
    "tie": "tie",
    "both_bad": "both_bad: a tie",
    "both_good": "both_good: a tie",
    "skip": "skip: no vote",
}


def print_reading(result: ReadResult) -> None:
    """Print the format, the role of every column, counts, notes and the first votes in words."""
    console, reading = Screen(), result.reading
    console.print(Text.assemble(("Source  ", "bold"), visible(reading.source)))
    console.print(Text.assemble(("Format  ", "bold"), reading.format))
    console.print(_counts(result))
    console.print()
    console.print(_columns(result))
    if reading.values:
        console.print(_values(reading.values))
    for note in reading.notes:
        console.print(Text.assemble(("Note  ", "cyan"), visible(note)))
    console.print(Text("\nThe first votes" if len(result.examples) > 1 else "\nThe first vote", "bold"))
    for vote in result.examples.to_pylist():
        verb = "finds equal" if vote["tie"] else "prefers"
        console.print(
            Text.assemble(
                (visible(vote["annotator"]), "bold"), " on ", _short(vote["prompt"]), f"\n  {verb}  ",
                _short(vote["preferred"]),
                "\n  and  " if vote["tie"] else "\n  to  ", _short(vote["other"]),
            )
        )  # fmt: skip
    console.print(Text("\nThe same in options: change what is wrong", "bold"))
    # Not by the console, which would break lines where a shell does not.
    say(command_in_full(reading))
    console.print(
        Text(
            "--columns NAME=COLUMN says which column is what, --columns COLUMN= that it has no role, --label VALUE=MEANING "
            "what a value means.",
            "dim",
        )
    )


def command_in_full(reading: Reading) -> str:
    """The command that reads the same with everything said, over as many lines as it needs."""
    words = ["votewise", "read", shlex.quote(reading.source)]
    for name, value in reading.options.items():
        option = f"--{name.replace('_', '-')}"
        values = [f"{key}={meaning}" for key, meaning in value.items()] if isinstance(value, Mapping) else [value]
        words += [f"{option} {shlex.quote(v)}" for v in values]
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) < WIDTH - 2:
            lines[-1] += f" {word}"
        else:
            lines += [f"  {word}"]
    return " \\\n".join(lines)


def print_reading_json(result: ReadResult) -> None:
    """Print the reading, its columns and the first votes as JSON."""
    reading = {
        field.name: getattr(result.reading, field.name) for field in fields(result.reading) if field.name != "first"
    }
    told = {name: [asdict(item) for item in reading[name]] for name in ("columns", "values")}
    print_json(reading | told | {"examples": result.examples.to_pylist()})


def _short(text: str) -> str:
    shown = visible(text[:LONGEST])
    return f"{shown} ... ({len(text):,} characters)" if len(text) > LONGEST else shown


def _counts(result: ReadResult) -> Table:
    reading, votes = result.reading, result.votes
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column()
    people = votes.n_annotators - (reading.unknown_people > 0)
    by = f" by {many(people, 'annotator')}" if people else ""
    rows: list[tuple[int, str, *tuple[str, ...]]] = [
        (reading.read, "row"), (reading.kept, "vote", f" on {many(votes.n_pairs, 'pair')}{by}"),
        (reading.kept - reading.ties, "", "for one of the two answers"), (reading.ties, "tie"),
        (reading.both_bad, "", "of them both bad"), (reading.both_good, "", "of them both good"),
        (reading.unknown_people, "", "by unknown people (--one-annotator NAME: all by this one)"),
        (reading.skipped, "", "skipped: no votes"), (reading.rejected, "", "rejected: unusable"),
        (reading.repeated, "", "repeated: left out"),
        (reading.judgements, "judgement", ": several votes of one, such as a ranking, are not independent"),
    ]  # fmt: skip
    for number, what, *more in rows:
        if number or what in ("row", "vote", "tie"):
            table.add_row(f"{number:,}", f"{what}{'s' if what and number != 1 else ''}{''.join(more)}")
    none = [name for name in ("skipped", "rejected", "repeated") if not getattr(reading, name)]
    if none:
        table.add_row("0", Text(", ".join(none), "dim"))
    return table


def many(number: int, what: str) -> str:
    """Like ``1 pair`` and ``1,200 pairs``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _columns(result: ReadResult) -> Table:
    table = Table(title="Columns", **TABLE_STYLE)
    for name in ("Column", "Kind", "Role"):
        table.add_column(name, overflow="fold")
    aside = {name for name, own in result.reading.options.get("columns", {}).items() if own == ""}
    for row in result.columns.to_pylist():
        role = row["role"]
        unused = "carried along: set aside by --columns" if row["column"] in aside else "carried along"
        told = Text(visible(role)) if role is not None else Text(unused, "dim")
        table.add_row(Text(visible(row["column"])), row["kind"], told)
    return table


def _values(values: Sequence[ValueMeaning]) -> Table:
    table = Table(title="Values", **TABLE_STYLE)
    for name in ("Column", "Value", "Means"):
        table.add_column(name, overflow="fold")
    table.add_column("Times", justify="right")
    for value in values[:MOST_VALUES]:
        told = Text(_short(value.value))
        table.add_row(Text(visible(value.column)), told, MEANINGS.get(value.meaning, value.meaning), f"{value.count:,}")
    if len(values) > MOST_VALUES:
        table.add_row("", Text(f"and {len(values) - MOST_VALUES:,} more", "dim"), "", "")
    return table
