"""``votewise evaluate matrix``: win rates between every two of several models."""

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
from votewise.workflows import evaluate_matrix as workflow

DEFAULTS = Defaults(workflow.evaluate_matrix)

Answers = Annotated[
    list[str],
    typer.Argument(
        metavar="ANSWERS...",
        help="Files of answers (`prompt`, `answer`, `model`), of one model or more each; or one file of comparisons "
        "(`prompt`, `model_a`, `model_b`, ...) among several models.",
        show_default=False,
    ),
]


def matrix(
    answers: Answers,
    out: Out = None,
    reward_model: RewardModel = None,
    soft: Soft = DEFAULTS.soft,
    llm_judge: LlmJudge = None,
    base_url: BaseUrl = None,
    column: Column = None,
    length_controlled: LengthControlled = DEFAULTS.length_controlled,
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
    """Measure how often the answers of each of several models beat those of each other model.

    Every two models are compared on the prompts that both answered. Writes matrix.html with a heat map, matrix.csv,
    matrix.parquet with every contest and its verdict, and evaluation.json. An interrupted run resumes when the same command
    is started again.

    **Examples:**

    `votewise evaluate matrix base.jsonl dpo.jsonl robust.jsonl --reward-model org/reward`

    `votewise evaluate matrix arena.parquet --column winner --out evaluation/arena`
    """
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.evaluate import print_matrix, print_work, telling_what_is_kept
    from votewise.cli.printing.progress import ProgressBar

    with telling_what_is_kept(), ProgressBar(quiet=quiet) as bar:
        found = workflow.evaluate_matrix(
            answers,
            out=out or FOLDER,
            reward_model=reward_model,
            soft=soft,
            llm_judge=llm_judge,
            base_url=base_url,
            column=column,
            length_controlled=length_controlled,
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
        print_matrix(found.result, found.files)
