"""``votewise collect export``: what was gathered as a training set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import Defaults, Json, Quiet
from votewise.workflows import collect_export as workflow

DEFAULTS = Defaults(workflow.collect_export)

Gathered = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder that `votewise collect init` made.", show_default=False)
]
Shape = Annotated[
    workflow.CollectShape,
    typer.Option(
        metavar="trl|votes|comparisons",
        help="The shape of the file: TRL's preference data set, plain votes, or clicks as `votewise filter` reads them.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Where to write: a .jsonl or .parquet file. The manifest goes beside it, `FILE.manifest.json`.",
        show_default=False,
    ),
]
WinRate = Annotated[
    str | None,
    typer.Option(
        metavar="RATE",
        help="The share of prompts on which model a's answer is truly better than model b's: `0.7`, `160/200` of a gold "
        "sample, `beta:8,2` or `0.55..0.7`. Beliefs are then those of `votewise filter`.",
        show_default="unknown; beliefs are those of `votewise audit`",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER", help="Leave out people whose attentiveness is less than this.", show_default="nobody"
    ),
]
MinConfidence = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER",
        help="Leave out votes whose confidence is less than this; not with `--to comparisons`.",
        show_default="0.5",
    ),
]
Check = Annotated[
    Path | None,
    typer.Option(
        metavar="MANIFEST",
        help="Say whether a training set is the one that its manifest is about, and whether the database still gives it.",
        show_default=False,
    ),
]


def export(
    folder: Gathered,
    to: Shape = DEFAULTS.to,
    out: Out = None,
    win_rate: WinRate = DEFAULTS.win_rate,
    threshold: Threshold = DEFAULTS.threshold,
    min_confidence: MinConfidence = DEFAULTS.min_confidence,
    check: Check = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Turn what was gathered into a training set with confidences, and a manifest of what it was made of.

    Rows have the `confidence` of the vote and the `attentiveness` of who gave it, with an interval and a flag. The manifest
    is kept in the database, too. Without `--out` nothing is written. With `--check`, the exit code is 1 where something
    differs.

    **Examples:**

    `votewise collect export study --out train.jsonl`

    `votewise collect export study --to comparisons --win-rate 160/200 --threshold 0.5 --out clicks.parquet`

    `votewise collect export study --check train.jsonl.manifest.json`
    """
    from votewise.cli.printing.collect_export import print_check, print_collect_export
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.progress import ProgressBar

    with ProgressBar(quiet=quiet) as bar:
        result = workflow.collect_export(
            folder,
            to=to,
            out=out,
            win_rate=win_rate,
            threshold=threshold,
            min_confidence=min_confidence,
            check=check,
            progress=bar,
        )
    if as_json:
        print_json(result.summary())
    elif isinstance(result, workflow.CollectExportCheck):
        print_check(result)
    elif not quiet:
        print_collect_export(result)
    if isinstance(result, workflow.CollectExportCheck) and result.problems:
        raise typer.Exit(1)
