"""``votewise rank``: votes between several models -> their ranking."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from votewise.cli.options import (
    AtErrorCounted,
    Columns,
    Criterion,
    Defaults,
    Label,
    Level,
    OneAnnotator,
    Quiet,
    Split,
    default_folder,
    parse_columns,
    parse_label,
)
from votewise.errors import BadInputError
from votewise.workflows import rank_models as workflow

DEFAULTS = Defaults(workflow.rank_models)

Source = Annotated[
    str,
    typer.Argument(
        metavar="VOTES",
        help="Votes with columns `model_a`, `model_b` and `winner`: a file, a folder of Parquet files, or the URL of a "
        "table such as `duckdb://votes.db?table=votes`.",
        show_default=False,
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The folder to write to.", show_default="ranking/ and the name of VOTES"),
]
Annotator = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="The column that says who voted: votes are weighted by what is believed of each annotator, found together with "
        "the ranking. Without it every vote is believed.",
        show_default=False,
    ),
]
Ties = Annotated[
    Literal["half", "davidson"],
    typer.Option(
        metavar="half|davidson",
        help="Count a tie as half a win of each, or give ties a probability of their own (Davidson).",
    ),
]
ByLength = Annotated[
    bool,
    typer.Option(
        "--length-controlled",
        help="Rank by what the votes would be if both answers were equally long; needs `response_a` and `response_b`.",
        show_default=False,
    ),
]
Intervals = Annotated[
    Literal["sandwich", "bootstrap"],
    typer.Option(
        metavar="sandwich|bootstrap",
        help="Intervals by the sandwich estimator, or by the bootstrap over pairs. Votes on one pair may depend on one "
        "another, where a column `pair`, `pair_id` or `prompt_id`, or `--columns pair=COLUMN`, says which these are.",
    ),
]
Page = Annotated[bool, typer.Option(" /--no-report", help="Do not write ranking.html.", show_default=False)]
NoGroups = Annotated[
    list[str] | None,
    typer.Option("--group", "--group-column", metavar="NAME", help="Refused: a ranking knows no groups.", hidden=True),
]
FiguresAsJson = Annotated[bool, typer.Option("--json", help="Print ranking.json and nothing else.")]


def rank(
    votes: Source,
    out: Folder = None,
    annotator: Annotator = None,
    ties: Ties = DEFAULTS.ties,
    length_controlled: ByLength = DEFAULTS.length_controlled,
    intervals: Intervals = DEFAULTS.intervals,
    level: Level = DEFAULTS.level,
    columns: Columns = None,
    label: Label = None,
    criterion: Criterion = None,
    split: Split = None,
    one_annotator: OneAnnotator = None,
    on_error: AtErrorCounted = DEFAULTS.on_error,
    report: Page = DEFAULTS.report,
    quiet: Quiet = False,
    as_json: FiguresAsJson = False,
    group: NoGroups = None,
) -> None:
    """Rank models by votes on their answers, with intervals.

    Writes ranking.html, ranking.csv and ranking.json. Votes are counted where they are stored, so millions take seconds.

    **Examples:**

    `votewise rank arena.parquet`

    `votewise rank votes.parquet --annotator user --length-controlled --out ranking/june`
    """
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.progress import ProgressBar
    from votewise.cli.printing.rank import print_ranking

    if group:
        raise BadInputError(
            "a ranking knows no groups; its intervals let votes on one pair depend on one another already",
            parameter="group",
            value=group[0],
            expected="rank without it, and of annotators who copy leave one in the votes",
        )
    with ProgressBar(quiet=quiet) as bar:
        result = workflow.rank_models(
            votes,
            out=out or default_folder("ranking", votes),
            annotator=annotator,
            ties=ties,
            length_controlled=length_controlled,
            intervals=intervals,
            level=level,
            columns=parse_columns(columns),
            label=parse_label(label),
            criterion=criterion,
            split=split,
            one_annotator=one_annotator,
            on_error=on_error,
            report=report,
            progress=bar,
        )
    if as_json:
        print_json(result.summary)
    elif not quiet:
        print_ranking(result)
