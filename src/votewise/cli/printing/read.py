"""What ``votewise read`` prints."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from rich.table import Table
from rich.text import Text

from votewise.cli.printing.common import TABLE_STYLE, Screen, print_json, say
from votewise.data.clicks import Counts
from votewise.data.reading import Reading, ValueMeaning
from votewise.errors import many, visible
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
    what = "vote" if result.clicks is None else "click"
    console.print(Text(f"\nThe first {what}{'s' if len(result.examples) > 1 else ''}", "bold"))
    for vote in result.examples.to_pylist():
        console.print(_in_words(vote))
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
    if result.clicks is not None:
        console.print(Text("\nWho clicks with care: say how often which model is truly better", "bold"))
        say(command_in_full(reading, "filter", _win_rates(result.clicks)))


def _win_rates(clicks: Counts) -> list[str]:
    """The options that say how often models are better, with 0.8 in the place of what is not known."""
    if clicks.models is not None and clicks.domains == ("",):
        return [f"--model {shlex.quote(clicks.models[0])}", "--win-rate 0.8"]
    # Of several matchups, those without a rate are estimated; of domains, each needs one.
    names = clicks.domains if clicks.models is not None else clicks.domains[:1]
    return [f"--win-rate {shlex.quote(f'{name}=0.8')}" for name in names]


def _in_words(vote: Mapping[str, Any]) -> Text:
    on = [" on ", _short(vote["prompt"])] if vote["prompt"] else []
    verb, other = ("finds equal", "and") if vote["tie"] else ("prefers", "to")
    told = [f"\n  {verb}  ", _short(vote["preferred"]), f"\n  {other}  ", _short(vote["other"])]
    return Text.assemble((visible(vote["annotator"]), "bold"), *on, *told)


def command_in_full(reading: Reading, command: str = "read", more: Sequence[str] = ()) -> str:
    """The command that reads the same with everything said, over as many lines as it needs; ``more`` options at its end."""
    words = ["votewise", command, shlex.quote(reading.source)]
    for name, value in reading.options.items():
        option = f"--{name.replace('_', '-')}"
        values = [f"{key}={meaning}" for key, meaning in value.items()] if isinstance(value, Mapping) else [value]
        words += [f"{option} {shlex.quote(v)}" for v in values]
    words += more
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
    reading = result.reading
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column()
    rows: list[tuple[int, str, *tuple[str, ...]]] = [
        (reading.read, "row"), _kept(result), (reading.kept - reading.ties, "", _decided(result)),
        (reading.ties, "tie"),
        (reading.both_bad, "", "of them both bad"), (reading.both_good, "", "of them both good"),
        (reading.unknown_people, "", "by unknown people (--one-annotator NAME: all by this one)"),
        (reading.skipped, "", "skipped: no votes"), (reading.rejected, "", "rejected: unusable"),
        (reading.repeated, "", "repeated: left out"),
        (reading.judgements, "judgement", ": several votes of one, such as a ranking, are not independent"),
    ]  # fmt: skip
    for number, what, *more in rows:
        if number or what in ("row", "vote", "click", "tie"):
            words = (many(number, what) if what else f"{number:,} ").split(" ", 1)
            table.add_row(words[0], f"{words[1]}{''.join(more)}")
    none = [name for name in ("skipped", "rejected", "repeated") if not getattr(reading, name)]
    if none:
        table.add_row("0", Text(", ".join(none), "dim"))
    return table


def _kept(result: ReadResult) -> tuple[int, str, str]:
    """How many votes or clicks there are, what they are called, and on what and by whom."""
    reading, votes = result.reading, result.votes
    if result.clicks is not None:
        return reading.kept, "click", f" by {many(result.clicks.n_users, 'user')}"
    people = 0 if votes is None else votes.n_annotators - (reading.unknown_people > 0)
    by = f" by {many(people, 'annotator')}" if people else ""
    return reading.kept, "vote", f" on {many(0 if votes is None else votes.n_pairs, 'pair')}{by}"


def _decided(result: ReadResult) -> str:
    if result.clicks is None:
        return "for one of the two answers"
    models = result.clicks.models
    return f"for one of {' and '.join(map(repr, models))}" if models else "for one of the two models"


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
