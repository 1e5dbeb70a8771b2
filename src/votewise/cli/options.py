"""Options that several commands share, and how commands get their defaults from their workflows."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from votewise.errors import BadInputError

FormatName = Annotated[
    str,
    typer.Option("--format", metavar="NAME", help="The format of VOTES: a name from `votewise formats`, or `auto`."),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        "--column",
        metavar="NAME=COLUMN",
        help="Name of a column in the source: `--columns annotator=worker_id` reads annotators from worker_id, and "
        "`--columns note=` says that note has no role. Repeatable.",
        show_default="the format's own names",
    ),
]
Label = Annotated[
    list[str] | None,
    typer.Option(
        metavar="VALUE=MEANING",
        help="What a value of the label means: `--label 'Left is better'=a`; a, b, tie, both_bad, both_good or skip. "
        "Repeatable.",
        show_default="our own words",
    ),
]
Criterion = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Which question counts, where several were asked.", show_default="the only one"),
]
Split = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Which split of a data set to read.", show_default="train, or the only one"),
]
OneAnnotator = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Say that votes without a name are all by one person or model, and call it NAME.",
        show_default="they are by unknown people",
    ),
]
AtError = Annotated[
    Literal["stop", "skip"],
    typer.Option(
        metavar="stop|skip",
        help="What to do with an unusable row: stop, or skip it and write it to DIR/rejected.jsonl with the reason.",
    ),
]
AtErrorCounted = Annotated[
    Literal["stop", "skip"],
    typer.Option(
        "--on-error",
        metavar="stop|skip",
        help="What to do with an unusable row: stop, or skip it and count it. Nothing is written.",
    ),
]
AtErrorBeside = Annotated[
    Literal["stop", "skip"],
    typer.Option(
        "--on-error",
        metavar="stop|skip",
        help="What to do with an unusable row: stop, or skip it and write it with the reason to a file beside --out, "
        "`x-rejected.jsonl` for x.jsonl.",
    ),
]
Group = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=PATTERN",
        help="Annotators who err together, such as models of one family, by a shell-style pattern of their names: "
        "`--group judges='gpt-*'`. Repeatable; a NAME may have several patterns.",
        show_default="everybody errs alone",
    ),
]
GroupColumn = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="The column of VOTES that has each annotator's group, such as `group` in votes of `votewise judge`.",
        show_default="none",
    ),
]
Level = Annotated[float, typer.Option(metavar="NUMBER", help="The probability that an interval contains the truth.")]
Force = Annotated[
    bool, typer.Option("--force", help="Continue where the votes do not determine the answer (exit code 3 otherwise).")
]
Report = Annotated[bool, typer.Option(" /--no-report", help="Do not write report.html.", show_default=False)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing unless there is an error.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print summary.json and nothing else.")]


class Defaults:
    """The defaults of a workflow's parameters as attributes, because they are written only there."""

    def __init__(self, workflow: Callable[..., Any]) -> None:
        self._parameters = inspect.signature(workflow).parameters

    def __getattr__(self, name: str) -> Any:
        return self._parameters[name].default


def parse_columns(assignments: list[str] | None) -> dict[str, str] | None:
    """``["annotator=worker_id"]`` -> ``{"annotator": "worker_id"}``; None for none."""
    columns: dict[str, str] = {}
    for assignment in assignments or []:
        name, equals, column = assignment.partition("=")
        if not (name and equals):
            raise BadInputError(
                "not an assignment",
                parameter="columns",
                value=assignment,
                expected="NAME=COLUMN, as in annotator=worker_id",
            )
        if name in columns:
            raise BadInputError("given twice", parameter="columns", value=name, expected="each name once")
        columns[name] = column
    return columns or None


def parse_label(assignments: list[str] | None) -> dict[str, str] | None:
    """``["Left is better=a"]`` -> ``{"Left is better": "a"}``; None for none."""
    meanings: dict[str, str] = {}
    for assignment in assignments or []:
        value, equals, meaning = assignment.rpartition("=")
        if not (value and equals and meaning):
            raise BadInputError("not an assignment", parameter="label", value=assignment, expected="say, left=a")
        meanings[value] = meaning
    return meanings or None


def parse_groups(assignments: list[str] | None, column: str | None) -> str | dict[str, list[str]] | None:
    """``["judges=gpt-*"]`` -> ``{"judges": ["gpt-*"]}``, or the column; None for neither."""
    if not assignments:
        return column
    if column is not None:
        raise BadInputError("cannot be combined with a column", parameter="group", expected="one of the two")
    groups: dict[str, list[str]] = {}
    for assignment in assignments:
        name, equals, pattern = assignment.partition("=")
        if not (name and equals and pattern):
            raise BadInputError("not an assignment", parameter="group", value=assignment, expected="say, judges=gpt-*")
        groups.setdefault(name, []).append(pattern)
    return groups


def default_folder(kind: str, source: str) -> Path:
    """Where results go by default: ``audit/`` and the source's short name."""
    from votewise.sources.containers.naming import short_name

    return Path(kind, short_name(source).replace("/", "-"))
