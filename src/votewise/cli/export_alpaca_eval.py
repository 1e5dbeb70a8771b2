"""``votewise evaluate export alpaca-eval``: answers -> AlpacaEval's model_outputs.json."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.evaluate_options import AnswersFile, Columns, OneModel
from votewise.cli.options import AtErrorBeside, Defaults, Quiet, Split, parse_columns
from votewise.workflows import export_alpaca_eval as workflow

DEFAULTS = Defaults(workflow.export_alpaca_eval)

FILE = Path("model_outputs.json")

Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write: a .json file.", show_default=str(FILE))]


def alpaca_eval(
    answers: AnswersFile,
    out: Out = None,
    model: OneModel = None,
    columns: Columns = None,
    split: Split = None,
    on_error: AtErrorBeside = DEFAULTS.on_error,
    quiet: Quiet = False,
) -> None:
    """Write answers as AlpacaEval's model_outputs.json.

    The verdicts of AlpacaEval's judge need no conversion: `votewise evaluate win-rate annotations.json`.

    **Example:** `votewise evaluate export alpaca-eval answers.jsonl --out model_outputs.json`
    """
    from votewise.cli.printing.evaluate import print_export

    found = workflow.export_alpaca_eval(
        answers, out=out or FILE, model=model, columns=parse_columns(columns), split=split, on_error=on_error
    )
    if not quiet:
        print_export(found)
