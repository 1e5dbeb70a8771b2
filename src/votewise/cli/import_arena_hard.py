"""``votewise evaluate import arena-hard``: Arena-Hard's judgments -> comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.evaluate_options import Columns, FiguresAsJson, OneJudge, Questions
from votewise.cli.options import AtErrorBeside, Defaults, Label, Quiet, Split, parse_columns, parse_label
from votewise.workflows import import_arena_hard as workflow

DEFAULTS = Defaults(workflow.import_arena_hard)

FILE = Path("arena-hard.parquet")

Judgments = Annotated[
    list[str],
    typer.Argument(metavar="JUDGMENTS...", help="Files of model_judgment/JUDGE, or such a folder.", show_default=False),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Where to write the comparisons: a .parquet or .jsonl file.", show_default=str(FILE)
    ),
]
Answers = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE",
        help="Answers of the models and of the baseline: model_answer/MODEL.jsonl, or what `votewise generate` writes. "
        "Repeatable.",
        show_default="no texts",
    ),
]
Results = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="An evaluation.json to add Arena-Hard's own score to.", show_default=False),
]


def arena_hard(
    judgments: Judgments,
    out: Out = None,
    answers: Answers = None,
    questions: Questions = None,
    results: Results = None,
    columns: Columns = None,
    label: Label = None,
    split: Split = None,
    one_annotator: OneJudge = None,
    on_error: AtErrorBeside = DEFAULTS.on_error,
    quiet: Quiet = False,
    as_json: FiguresAsJson = False,
) -> None:
    """Turn Arena-Hard's judgments into comparisons.

    `votewise evaluate win-rate` and `votewise evaluate matrix` read them. So does `votewise audit`, with the judges as
    annotators.

    **Examples:**

    `votewise evaluate import arena-hard model_judgment/gpt-4.1 --questions question.jsonl --out judged.parquet`

    `votewise evaluate win-rate judged.parquet --model mine --baseline o3-mini-2025-01-31`
    """
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.evaluate import print_import

    found = workflow.import_arena_hard(
        judgments,
        out=out or FILE,
        answers=answers or (),
        questions=questions,
        results=results,
        columns=parse_columns(columns),
        label=parse_label(label),
        split=split,
        one_annotator=one_annotator,
        on_error=on_error,
    )
    if as_json:
        print_json(found.figures)
    elif not quiet:
        print_import(found)
