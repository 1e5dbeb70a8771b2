"""``votewise jury``: votes of judges -> what the jury is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.judge import parse_groups
from votewise.cli.options import (
    AsJson,
    AtError,
    Columns,
    Criterion,
    Defaults,
    FormatName,
    Label,
    Level,
    OneAnnotator,
    Quiet,
    Report,
    Split,
    default_folder,
    parse_columns,
    parse_label,
)
from votewise.errors import BadInputError
from votewise.workflows import jury as workflow

DEFAULTS = Defaults(workflow.jury)

Source = Annotated[
    str,
    typer.Argument(
        metavar="VOTES",
        help="Votes of judges and, if there are any, of people: what `votewise judge` writes, or any format of votes.",
        show_default=False,
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The folder to write to.", show_default="jury/ and the name of VOTES"),
]
Groups = Annotated[
    list[str] | None,
    typer.Option(
        "--group",
        metavar="NAME=PATTERN",
        help="Annotators whose names fit PATTERN, such as `gpt-*`, are judges of one group. Repeatable.",
        show_default="the column group, else every annotator is a judge",
    ),
]
Cost = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=NUMBER", help="What a judge costs. Repeatable.", show_default="1 each"),
]


def jury(
    votes: Source,
    out: Folder = None,
    group: Groups = None,
    cost: Cost = None,
    format: FormatName = DEFAULTS.format,
    columns: Columns = None,
    label: Label = None,
    criterion: Criterion = None,
    split: Split = None,
    one_annotator: OneAnnotator = None,
    on_error: AtError = DEFAULTS.on_error,
    level: Level = DEFAULTS.level,
    report: Report = DEFAULTS.report,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Measure what a jury of language models is worth.

    Says how many independent judges it is worth, how often it is right where gold or people tell, what each judge's
    position bias, preference for length and consistency are, whether the best judge alone does as well, which judges are
    enough, and how many votes of people would settle the rest. Writes report.html, pairs.parquet and summary.json.

    **Examples:**

    `votewise jury judged.jsonl`

    `votewise jury votes.parquet --group openai=gpt-* --group own=judge-* --cost gpt-4o=5 --out jury/june`
    """
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.jury import print_jury
    from votewise.cli.printing.progress import ProgressBar

    with ProgressBar(quiet=quiet) as bar:
        result = workflow.jury(
            votes,
            out=out or default_folder("jury", votes),
            group=parse_groups(group),
            cost=parse_costs(cost),
            format=format,
            columns=parse_columns(columns),
            label=parse_label(label),
            criterion=criterion,
            split=split,
            one_annotator=one_annotator,
            on_error=on_error,
            level=level,
            report=report,
            progress=bar,
        )
    if as_json:
        print_json(result.summary)
    elif not quiet:
        print_jury(result.worth, result.files)


def parse_costs(assignments: list[str] | None) -> dict[str, float] | None:
    """``["gpt-4o=2.5"]`` -> ``{"gpt-4o": 2.5}``; None for none."""
    costs: dict[str, float] = {}
    for assignment in assignments or []:
        name, equals, amount = assignment.rpartition("=")
        try:
            costs[name] = float(amount)
        except ValueError:
            equals = ""
        if not (name and equals and 0 <= costs[name] < float("inf")):
            raise BadInputError(
                "is no cost", parameter="cost", value=assignment, expected="NAME=NUMBER, as in gpt-4o=2.5"
            )
    return costs or None
