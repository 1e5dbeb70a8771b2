"""Options that several commands of ``votewise evaluate`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

FOLDER = Path("evaluation")
"""Where results are written if no folder is given."""

Out = Annotated[Path | None, typer.Option(metavar="DIR", help="The folder to write to.", show_default=str(FOLDER))]
RewardModel = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="Let a reward model judge: a folder or a name on the Hub, a sequence classifier with one output.",
        show_default=False,
    ),
]
Soft = Annotated[
    bool,
    typer.Option(
        "--soft",
        help="Count logistic(difference of the scores) as a win, instead of 1 for the answer with the higher score.",
    ),
]
LlmJudge = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="Let a language model judge, in both orders: its name on an OpenAI-compatible server.",
        show_default=False,
    ),
]
Column = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Take the verdicts from this column: `a`, `b`, `tie` or a model's name, a number from 0 (B) to 1 (A), or "
        "AlpacaEval's numbers from 1 to 2.",
        show_default="`preference`, `winner` or `label`",
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",  # without the short form of other commands, because --column names the verdicts here
        metavar="NAME=COLUMN",
        help="Name of a column in the files: `--columns answer=text` reads answers from text, `--columns model_a=left` the "
        "first model from left. Repeatable.",
        show_default="our own names",
    ),
]
LengthControlled = Annotated[
    bool,
    typer.Option(
        "--length-controlled", help="Also estimate the win rate if the answers of both models were equally long."
    ),
]
MaxTokens = Annotated[
    int, typer.Option(metavar="NUMBER", help="How many tokens a reply of the language model may have.")
]
JudgeBatchSize = Annotated[
    int, typer.Option("--batch-size", metavar="NUMBER", help="How many answers the reward model scores at a time.")
]
JudgeDevice = Annotated[
    str, typer.Option("--device", metavar="NAME", help="Where the reward model runs: `auto`, `cpu`, `cuda`.")
]
CountOnly = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Say how many contests there are and how much work the judge would have; judge nothing."
    ),
]
AtUnusableRow = Annotated[
    Literal["stop", "skip"],
    typer.Option(
        "--on-error",
        metavar="stop|skip",
        help="What to do with an unusable row: stop, or skip it and write it with the reason to a file in DIR whose name "
        "ends in `-rejected.jsonl`.",
    ),
]
NoPage = Annotated[bool, typer.Option(" /--no-report", help="Do not write the report.", show_default=False)]
FiguresAsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else, on stdout.")]
AnswersFile = Annotated[
    str,
    typer.Argument(
        metavar="ANSWERS",
        help="Answers (`prompt`, `answer`, `model`), as `votewise generate` writes them.",
        show_default=False,
    ),
]
OneModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="The model whose answers to write; needed if the file has several models.",
        show_default=False,
    ),
]
OneJudge = Annotated[
    str | None,
    typer.Option(
        "--one-annotator",
        metavar="NAME",
        help="Say that judgments without a judge's name are all by one person or model, and call it NAME.",
        show_default="the name of the folder that they are in",
    ),
]
Questions = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Arena-Hard's question.jsonl, which says which prompt is which question.",
        show_default="the column prompt_id of ANSWERS",
    ),
]
