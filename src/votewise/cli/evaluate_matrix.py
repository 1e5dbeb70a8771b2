"""``votewise evaluate matrix``: win rates between several models."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.evaluate_win_rate import (
    BatchSize,
    Column,
    Device,
    DryRun,
    LengthControlled,
    LlmJudge,
    MaxTokens,
    Out,
    RewardModel,
    Soft,
    check_folder,
    chosen_judge,
    sources,
)
from votewise.cli.model_options import BaseUrl, Concurrency, Restart
from votewise.cli.options import AsJson, AtError, Level, Quiet, Reportless

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="ANSWERS...",
        help="Files of answers (`prompt`, `answer`, `model`), of one model or more each; or one file of comparisons "
        "(`prompt`, `model_a`, `model_b`, ...) among several models.",
        show_default=False,
    ),
]


def matrix(
    files: Files,
    out: Out = Path("evaluation"),
    reward_model: RewardModel = None,
    soft: Soft = False,
    llm_judge: LlmJudge = None,
    base_url: BaseUrl = None,
    column: Column = None,
    length_controlled: LengthControlled = False,
    level: Level = 0.95,
    max_tokens: MaxTokens = 1024,
    concurrency: Concurrency = 8,
    batch_size: BatchSize = 16,
    device: Device = "auto",
    on_error: AtError = "stop",
    restart: Restart = False,
    dry_run: DryRun = False,
    no_report: Reportless = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Measure how often each of several models' answers beats each other's.

    Every two models are compared on the prompts that both answered. Writes matrix.html with a heat map, matrix.csv,
    matrix.parquet with every comparison and its verdict, and evaluation.json. A run that was interrupted goes on where
    it stopped.

    **Examples:**

    `votewise evaluate matrix base.jsonl dpo.jsonl robust.jsonl --reward-model org/reward`

    `votewise evaluate matrix arena.parquet --column winner --out evaluation/arena`
    """
    judge = chosen_judge(
        reward_model=reward_model,
        soft=soft,
        llm_judge=llm_judge,
        base_url=base_url,
        column=column,
        max_tokens=max_tokens,
        concurrency=concurrency,
        batch_size=batch_size,
        device=device,
    )
    check_folder(out)

    from votewise.cli.printing.evaluate import print_matrix, print_work
    from votewise.cli.printing.progress import ProgressBar, telling_how_to_go_on
    from votewise.evaluate.inputs import read_several
    from votewise.evaluate.judges import judge_contests, work_of
    from votewise.evaluate.matrix import estimate_matrix
    from votewise.workflows.evaluation_files import MATRIX, matrix_figures, write_matrix

    with ProgressBar(quiet=quiet) as bar:
        bar.stage("Reading")
        found = read_several(files, column=column, verdicts=judge is None, skip=on_error == "skip")
        groups = [contests for contests, _ in found]
        if dry_run:
            work = 0 if judge is None else work_of(groups, judge)
        else:
            judged = None
            verdicts = [verdict for _, verdict in found if verdict is not None]
            if judge is not None:
                table = out / f"{MATRIX}.parquet"
                with telling_how_to_go_on(table):
                    judged = judge_contests(groups, judge, table, restart=restart, progress=bar.count)
                verdicts = judged.verdicts
            bar.stage(f"Writing {out}")
            result = estimate_matrix(
                list(zip(groups, verdicts, strict=True)),
                scores=judged.scores if judged else None,
                length_controlled=length_controlled,
                level=level,
            )
            title = None if no_report else f"{len(result.models)} models, two by two"
            written = write_matrix(
                out,
                result,
                title=title,
                created=datetime.now(UTC),
                settings={"source": sources(*files), "level": level},
            )
            if judged is not None:
                judged.finish()
    if dry_run:
        print_work(groups, judge, work)
    elif as_json:
        typer.echo(json.dumps(matrix_figures(result), indent=2, ensure_ascii=False, allow_nan=False))
    elif not quiet:
        print_matrix(result, written)
