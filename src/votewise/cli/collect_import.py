"""``votewise collect import``: pairs for annotators to judge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from votewise.cli.options import (
    Columns,
    Criterion,
    Defaults,
    FormatName,
    Json,
    Label,
    OneAnnotator,
    Quiet,
    Split,
    parse_columns,
    parse_label,
)
from votewise.workflows import collect_import as workflow

DEFAULTS = Defaults(workflow.collect_import)

Into = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder that `votewise collect init` made.", show_default=False)
]
Pairs = Annotated[
    str,
    typer.Argument(
        metavar="PAIRS",
        help="What to judge: votes in any format that `votewise formats` lists, or a table with `response_a` and "
        "`response_b`, such as the comparisons that `votewise generate` writes.",
        show_default=False,
    ),
]
Want = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER", help="The most votes of each new pair, audit votes apart.", show_default="collect.toml's"
    ),
]
Limit = Annotated[int | None, typer.Option(metavar="NUMBER", help="Limit the number of pairs.", show_default="all")]
AtErrorInside = Annotated[
    Literal["stop", "skip"],
    typer.Option(
        "--on-error",
        metavar="stop|skip",
        help="What to do with an unusable row: stop, or skip it and write it to FOLDER/rejected.jsonl with the reason.",
    ),
]


def import_(
    folder: Into,
    pairs: Pairs,
    want: Want = DEFAULTS.want,
    limit: Limit = DEFAULTS.limit,
    format: FormatName = DEFAULTS.format,
    columns: Columns = None,
    label: Label = None,
    criterion: Criterion = None,
    split: Split = None,
    one_annotator: OneAnnotator = None,
    on_error: AtErrorInside = DEFAULTS.on_error,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Put pairs into a collection, for invited annotators to judge.

    A pair with the same texts, or with the same name, is there once however often it is imported.

    **Examples:**

    `votewise collect import study pairs.jsonl --want 5`

    `votewise collect import study votes.parquet --columns prompt=question`
    """
    from votewise.cli.printing.collect_campaign import print_import
    from votewise.cli.printing.common import print_json

    result = workflow.collect_import(
        folder,
        pairs,
        want=want,
        limit=limit,
        format=format,
        columns=parse_columns(columns),
        label=parse_label(label),
        criterion=criterion,
        split=split,
        one_annotator=one_annotator,
        on_error=on_error,
    )
    if as_json:
        print_json(result.summary())
    elif not quiet:
        print_import(result)
