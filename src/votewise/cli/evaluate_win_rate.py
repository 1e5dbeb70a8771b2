"""``votewise evaluate win-rate``: how often one model's answers beat another's."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from votewise.cli.model_options import BaseUrl, Concurrency, Restart
from votewise.cli.options import AsJson, AtError, Level, Quiet, Reportless
from votewise.errors import BadInputError

if TYPE_CHECKING:
    from votewise.evaluate.judges import LanguageJudge, RewardJudge

First = Annotated[
    str,
    typer.Argument(
        metavar="ANSWERS",
        help="Answers of the evaluated model (`prompt`, `answer`, `model`, or AlpacaEval's model_outputs.json), or a file "
        "of comparisons (`prompt`, `model_a`, `model_b`, `response_a`, `response_b`).",
        show_default=False,
    ),
]
Second = Annotated[
    str | None,
    typer.Argument(metavar="[BASELINE]", help="Answers of the model that it is compared with.", show_default=False),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to.")]
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
        "--soft", help="Count logistic(margin) of the scores rather than who has the higher one, ties where equal."
    ),
]
LlmJudge = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="Let a language model judge, in both orders: its name at an OpenAI-compatible server.",
        show_default=False,
    ),
]
Column = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Take verdicts from this column: `a`, `b`, `tie` or a model's name, a number from 0 (B) to 1 (A), or "
        "AlpacaEval's from 1 to 2.",
        show_default="`preference`, `winner` or `label`",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The evaluated model, A, where a file has several.", show_default=False),
]
Baseline = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The model to compare it with, B, where a file has several.", show_default=False),
]
LengthControlled = Annotated[
    bool, typer.Option("--length-controlled", help="Estimate also the rate if both models' answers were equally long.")
]
Difficulty = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A table with `difficulty` and `prompt`, `prompt_index` or `prompt_id`, for --length-controlled.",
        show_default="a column `difficulty`, or none",
    ),
]
MaxTokens = Annotated[int, typer.Option(metavar="NUMBER", help="The most tokens a reply of the judge may have.")]
BatchSize = Annotated[int, typer.Option(metavar="NUMBER", help="Answers that the reward model scores at a time.")]
Device = Annotated[str, typer.Option(metavar="NAME", help="Where the reward model runs: `auto`, `cpu`, `cuda`.")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Say how many comparisons there are and what the judge would do; judge nothing."),
]


def win_rate(
    first: First,
    second: Second = None,
    out: Out = Path("evaluation"),
    reward_model: RewardModel = None,
    soft: Soft = False,
    llm_judge: LlmJudge = None,
    base_url: BaseUrl = None,
    column: Column = None,
    model: Model = None,
    baseline: Baseline = None,
    length_controlled: LengthControlled = False,
    difficulty: Difficulty = None,
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
    """Measure how often one model's answers beat another's.

    Judged by a reward model, a language model, or a column of the file. Writes a page and a table of every comparison
    with its verdict, both called by the two models, and evaluation.json. The table can be evaluated again without a
    judge. A run that was interrupted goes on where it stopped.

    **Examples:**

    `votewise evaluate win-rate policy.jsonl base.jsonl --reward-model org/reward --length-controlled`

    `votewise evaluate win-rate policy.jsonl base.jsonl --llm-judge judge --base-url http://localhost:8000/v1`

    `votewise evaluate win-rate comparisons.parquet --column winner --out evaluation/june`
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
    if difficulty is not None and not length_controlled:
        raise BadInputError("is used by --length-controlled only", source="--difficulty", expected="both or neither")

    from votewise.cli.printing.evaluate import print_win_rate, print_work
    from votewise.cli.printing.progress import ProgressBar, telling_how_to_go_on
    from votewise.evaluate.estimate import estimate_win_rate
    from votewise.evaluate.inputs import read_two
    from votewise.evaluate.judges import judge_contests, work_of
    from votewise.evaluate.pair_answers import with_difficulty
    from votewise.workflows.evaluation_files import name_of, write_win_rate

    skip = on_error == "skip"
    with ProgressBar(quiet=quiet) as bar:
        bar.stage("Reading")
        contests, verdicts = read_two(
            first, second, model=model, baseline=baseline, column=column, verdicts=judge is None, skip=skip
        )
        if difficulty is not None:
            contests = with_difficulty(contests, difficulty)
        if dry_run:
            work = 0 if judge is None else work_of([contests], judge)
        else:
            judged = None
            if judge is not None:
                table = out / f"{name_of(contests)}.parquet"
                with telling_how_to_go_on(table):
                    judged = judge_contests([contests], judge, table, restart=restart, progress=bar.count)
                verdicts = judged.verdicts[0]
            assert verdicts is not None  # noqa: S101 - a column was read, or a judge has spoken
            bar.stage(f"Writing {out}")
            result = estimate_win_rate(contests, verdicts, length_controlled=length_controlled, level=level)
            title = None if no_report else f"{contests.model_a} against {contests.model_b}"
            files = write_win_rate(
                out,
                result,
                title=title,
                created=datetime.now(UTC),
                settings={"source": sources(first, second, difficulty), "level": level},
            )
            if judged is not None:
                judged.finish()
    if dry_run:
        print_work([contests], judge, work)
    elif as_json:
        from votewise.workflows.evaluation_files import win_rate_figures

        typer.echo(json.dumps(win_rate_figures(result), indent=2, ensure_ascii=False, allow_nan=False))
    elif not quiet:
        print_win_rate(result, files)


def chosen_judge(
    *,
    reward_model: str | None,
    soft: bool,
    llm_judge: str | None,
    base_url: str | None,
    column: str | None,
    max_tokens: int,
    concurrency: int,
    batch_size: int,
    device: str,
) -> LanguageJudge | RewardJudge | None:
    """The judge that the options name; None where verdicts come from a column."""
    named = {"--reward-model": reward_model, "--llm-judge": llm_judge, "--column": column}
    given = [option for option, value in named.items() if value is not None]
    if len(given) > 1:
        raise BadInputError(f"there are two judges: {' and '.join(given)}", expected="one of them")
    for option, needed in (("--soft", reward_model), ("--base-url", llm_judge)):
        if (soft if option == "--soft" else base_url is not None) and needed is None:
            what = "--reward-model" if option == "--soft" else "--llm-judge"
            raise BadInputError(f"is about {what}, which is not given", source=option, expected="both or neither")
    from votewise.evaluate.judges import LanguageJudge, RewardJudge
    from votewise.language_models.endpoint import Endpoint

    if reward_model is not None:
        return RewardJudge(reward_model, soft, batch_size, device)
    if llm_judge is not None:
        return LanguageJudge(Endpoint(llm_judge, base_url, concurrency=concurrency), max_tokens=max_tokens)
    return None


def check_folder(out: Path) -> None:
    """Raise BadInputError where the folder to write to is a file."""
    if out.exists() and not out.is_dir():
        raise BadInputError("is a file", source=str(out), expected="a folder to write to")


def sources(*files: str | None) -> str:
    """The files' names, for the report."""
    return ", ".join(Path(file).name for file in files if file is not None)
