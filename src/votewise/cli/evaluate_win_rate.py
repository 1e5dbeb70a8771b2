"""``votewise evaluate win-rate``: how often one model's answers beat another's."""

from __future__ import annotations

from typing import Annotated

import typer

from votewise.cli.evaluate_options import (
    FOLDER,
    AtUnusableRow,
    Column,
    Columns,
    CountOnly,
    FiguresAsJson,
    JudgeBatchSize,
    JudgeDevice,
    LengthControlled,
    LlmJudge,
    MaxTokens,
    NoPage,
    Out,
    RewardModel,
    Soft,
)
from votewise.cli.model_options import BaseUrl, Concurrency, Restart, Retries, Timeout
from votewise.cli.options import (
    Criterion,
    Defaults,
    Label,
    Level,
    Quiet,
    Split,
    parse_columns,
    parse_label,
)
from votewise.workflows import evaluate_win_rate as workflow

DEFAULTS = Defaults(workflow.evaluate_win_rate)

Answers = Annotated[
    str,
    typer.Argument(
        metavar="ANSWERS",
        help="Answers of the evaluated model (`prompt`, `answer`, `model`, or AlpacaEval's model_outputs.json), or a file "
        "of comparisons (`prompt`, `model_a`, `model_b`, `response_a`, `response_b`).",
        show_default=False,
    ),
]
BaselineAnswers = Annotated[
    str | None,
    typer.Argument(metavar="[BASELINE]", help="Answers of the model that it is compared with.", show_default=False),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The evaluated model, A; needed if a file has several models.", show_default=False
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The model that it is compared with, B; needed if a file has several models.",
        show_default=False,
    ),
]
Difficulty = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A table with `difficulty` and `prompt`, `prompt_index` or `prompt_id`, for --length-controlled.",
        show_default="the column `difficulty`, if there is one",
    ),
]


def win_rate(
    answers: Answers,
    baseline_answers: BaselineAnswers = None,
    out: Out = None,
    reward_model: RewardModel = None,
    soft: Soft = DEFAULTS.soft,
    llm_judge: LlmJudge = None,
    base_url: BaseUrl = None,
    column: Column = None,
    model: Model = None,
    baseline: Baseline = None,
    length_controlled: LengthControlled = DEFAULTS.length_controlled,
    difficulty: Difficulty = None,
    level: Level = DEFAULTS.level,
    max_tokens: MaxTokens = DEFAULTS.max_tokens,
    timeout: Timeout = DEFAULTS.timeout,
    retries: Retries = DEFAULTS.retries,
    concurrency: Concurrency = DEFAULTS.concurrency,
    batch_size: JudgeBatchSize = DEFAULTS.batch_size,
    device: JudgeDevice = DEFAULTS.device,
    columns: Columns = None,
    label: Label = None,
    criterion: Criterion = None,
    split: Split = None,
    on_error: AtUnusableRow = DEFAULTS.on_error,
    restart: Restart = DEFAULTS.restart,
    dry_run: CountOnly = DEFAULTS.dry_run,
    report: NoPage = DEFAULTS.report,
    quiet: Quiet = False,
    as_json: FiguresAsJson = False,
) -> None:
    """Measure how often one model's answers beat another's.

    A reward model, a language model, or a column of the file decides. Writes a page, a table of every contest with its
    verdict (both are named after the two models), and evaluation.json. The table can be evaluated again without a judge. An
    interrupted run resumes when the same command is started again.

    **Examples:**

    `votewise evaluate win-rate policy.jsonl base.jsonl --reward-model org/reward --length-controlled`

    `votewise evaluate win-rate policy.jsonl base.jsonl --llm-judge judge --base-url http://localhost:8000/v1`

    `votewise evaluate win-rate comparisons.parquet --column winner --out evaluation/june`
    """
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.evaluate import print_win_rate, print_work, telling_what_is_kept
    from votewise.cli.printing.progress import ProgressBar

    with telling_what_is_kept(), ProgressBar(quiet=quiet) as bar:
        found = workflow.evaluate_win_rate(
            answers,
            baseline_answers,
            out=out or FOLDER,
            reward_model=reward_model,
            soft=soft,
            llm_judge=llm_judge,
            base_url=base_url,
            column=column,
            model=model,
            baseline=baseline,
            length_controlled=length_controlled,
            difficulty=difficulty,
            level=level,
            max_tokens=max_tokens,
            timeout=timeout,
            retries=retries,
            concurrency=concurrency,
            batch_size=batch_size,
            device=device,
            columns=parse_columns(columns),
            label=parse_label(label),
            criterion=criterion,
            split=split,
            on_error=on_error,
            restart=restart,
            dry_run=dry_run,
            report=report,
            progress=bar,
        )
    if found.result is None:
        print_work(found.work)
    elif as_json:
        print_json(found.figures)
    elif not quiet:
        print_win_rate(found.result, found.files)
