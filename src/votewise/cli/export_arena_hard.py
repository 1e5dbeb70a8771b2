"""``votewise evaluate export arena-hard``: answers -> Arena-Hard's model_answer/MODEL.jsonl."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.evaluate_options import AnswersFile, Columns, OneModel, Questions
from votewise.cli.options import AtErrorBeside, Defaults, Quiet, Split, parse_columns
from votewise.workflows import export_arena_hard as workflow

DEFAULTS = Defaults(workflow.export_arena_hard)

FOLDER = Path("model_answer")

Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The folder that MODEL.jsonl is written to.", show_default=str(FOLDER)),
]
Tokenizer = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Count tokens, for Arena-Hard's style control, with `tiktoken:o200k_base`, as Arena-Hard does, or with the "
        "tokenizer of a model.",
        show_default="tokens are not counted",
    ),
]


def arena_hard(
    answers: AnswersFile,
    out: Out = None,
    questions: Questions = None,
    model: OneModel = None,
    columns: Columns = None,
    split: Split = None,
    on_error: AtErrorBeside = DEFAULTS.on_error,
    tokenizer: Tokenizer = None,
    quiet: Quiet = False,
) -> None:
    """Write answers as Arena-Hard's model_answer/MODEL.jsonl.

    `votewise evaluate import arena-hard` reads the verdicts of Arena-Hard's judge.

    **Example:** `votewise evaluate export arena-hard answers.jsonl --questions question.jsonl --out model_answer`
    """
    from votewise.cli.printing.evaluate import print_export

    found = workflow.export_arena_hard(
        answers,
        out=out or FOLDER,
        questions=questions,
        model=model,
        columns=parse_columns(columns),
        split=split,
        on_error=on_error,
        tokenizer=tokenizer,
    )
    if not quiet:
        print_export(found)
