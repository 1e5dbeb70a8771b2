"""``votewise score``: pairs of answers -> their scores and margins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from votewise.cli.generate import describe_speed
from votewise.cli.model_options import BatchSize, ChatTemplate, Device, DryRun, Dtype, Restart
from votewise.cli.options import AsJson, Columns, FormatName, Quiet, parse_columns
from votewise.errors import BadInputError

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.table import Table

    from votewise.score import ModelOptions, Scored, ScoreJob
    from votewise.score.margin_sources import ScoreSource

Source = Annotated[
    str,
    typer.Argument(
        metavar="PAIRS",
        help="What to score: votes in any format that `votewise formats` lists, or a table with `response_a` and "
        "`response_b`, such as the comparisons that `votewise generate` writes.",
        show_default=False,
    ),
]
Out = Annotated[
    Path, typer.Option(metavar="FILE", help="Where to write: a .jsonl or .parquet file.", show_default=False)
]
Reward = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="A reward model: a sequence classifier with one output, in a folder or on the Hub.",
        show_default=False,
    ),
]
Policy = Annotated[
    str | None,
    typer.Option(metavar="MODEL", help="With --reference: score by DPO's implicit reward.", show_default=False),
]
Reference = Annotated[
    str | None, typer.Option(metavar="MODEL", help="What the policy was trained from.", show_default=False)
]
Beta = Annotated[float, typer.Option(metavar="NUMBER", help="The factor of the implicit reward: DPO's beta.")]
ScoreColumns = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--score-columns", metavar="NAME NAME", help="Take scores from these columns of PAIRS.", show_default=False
    ),
]
Fit = Annotated[
    bool,
    typer.Option(
        "--fit-temperature",
        help="Multiply margins by the temperature under which the votes in PAIRS are likeliest.",
    ),
]


def score(
    pairs: Source,
    out: Out,
    reward_model: Reward = None,
    policy: Policy = None,
    reference: Reference = None,
    beta: Beta = 0.1,
    columns: ScoreColumns = None,
    fit_temperature: Fit = False,
    format_name: FormatName = "auto",
    column: Columns = None,
    batch_size: BatchSize = 16,
    device: Device = "auto",
    dtype: Dtype = "auto",
    chat_template: ChatTemplate = True,
    restart: Restart = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Score pairs of answers with a model.

    Writes PAIRS with the columns `score_a`, `score_b` and `margin`, which `votewise audit` and `votewise train` read, and
    a summary beside it. Where there are votes, a table says how well sigmoid(margin) fits them. An interrupted run goes
    on where it stopped when it is started again, and ends with the same file. Needs the extra `votewise[score]`.

    **Examples:**

    `votewise score votes.parquet --reward-model ./reward --fit-temperature --out scored.parquet`

    `votewise score answers-comparisons.jsonl --policy ./policy --reference ./start --beta 0.1 --out scored.jsonl`

    `votewise score pairs.jsonl --score-columns score_chosen score_rejected --fit-temperature --out scored.jsonl`
    """
    from votewise.cli.printing.progress import ProgressBar, telling_how_to_go_on
    from votewise.score import ColumnScores, ModelOptions, ScoreJob, read_pairs, score_pairs

    options = ModelOptions(batch_size, device, dtype, chat_template)
    source = choose_source(reward_model, policy, reference, beta, columns, options)
    with telling_how_to_go_on(out), ProgressBar(quiet=quiet) as bar:
        bar.stage(f"Reading {pairs}")
        texts = not isinstance(source, ColumnScores)
        read = read_pairs(pairs, format=format_name, columns=parse_columns(column or []), texts=texts)
        job = ScoreJob(read, source, out, fit_temperature)
        result = None
        if not dry_run:
            bar.stage("Loading")
            result = score_pairs(job, restart=restart, progress=bar.count)
    if result is None:
        typer.echo(describe_job(job))
    elif as_json:
        typer.echo(job.summary.read_text(encoding="utf-8").rstrip())
    elif not quiet:
        print_result(job, result)


def choose_source(
    reward_model: str | None,
    policy: str | None,
    reference: str | None,
    beta: float,
    columns: tuple[str, str] | None,
    options: ModelOptions,
) -> ScoreSource:
    """The one way to score that was asked for."""
    from votewise.score import ColumnScores, ImplicitReward, RewardModel

    asked = [
        name
        for name, value in (
            ("--reward-model", reward_model),
            ("--policy", policy or reference),
            ("--score-columns", columns),
        )
        if value is not None
    ]
    if len(asked) != 1:
        raise BadInputError(
            "nothing to score with" if not asked else f"{' and '.join(asked)} exclude each other",
            expected="--reward-model, --policy with --reference, or --score-columns",
        )
    if reward_model is not None:
        return RewardModel(reward_model, options)
    if columns is not None:
        return ColumnScores(*columns)
    if policy is None or reference is None:
        raise BadInputError("--policy and --reference go together", expected="both")
    return ImplicitReward(policy, reference, beta, options)


def describe_job(job: ScoreJob) -> str:
    """What would be done."""
    votes = "no votes" if job.pairs.sign is None else f"{int((job.pairs.sign != 0).sum()):,} votes but ties"
    return "\n".join(
        [
            f"{len(job.pairs):,} rows in {job.pairs.source} ({job.pairs.format or 'pairs'}), {votes}",
            f"Scores from {', '.join(f'{k} {v}' for k, v in job.source.settings().items())}",
            f"Would be written: {job.out}, {job.summary}",
        ]
    )


def print_result(job: ScoreJob, result: Scored) -> None:
    """What came of it, the fit to the votes, and where it is."""
    import numpy as np
    from rich.console import Console

    typer.echo(f"{len(job.pairs):,} rows in {job.pairs.source}, {result.answers:,} answers to score")
    missing = int(np.isnan(result.margin).sum())
    if missing:
        typer.echo(f"{missing:,} rows without a margin: {result.unscored:,} answers have no score, or are too long")
    if result.resumed:
        typer.echo(f"{result.resumed:,} scores were there from an interrupted run")
    if result.tokens:
        typer.echo(describe_speed(result.tokens, result.seconds))
    if result.fit is not None:
        typer.echo(describe_fit(result))
    judged = result.after or result.before
    if judged is not None:
        typer.echo(describe_calibration(result))
        Console().print(calibration_rows(judged.table))
    typer.echo(f"Written to {job.out} and {job.summary}")


def describe_fit(result: Scored) -> str:
    """Like ``temperature 0.41, standard error 0.02, from 1,234 votes``; or why margins are as they were."""
    fit = result.fit
    if fit is None:
        return ""
    if fit.problem is not None:
        return f"Margins are as they were: {fit.problem}"
    return f"temperature {fit.temperature:.4g}, standard error {fit.standard_error:.2g}, from {fit.votes:,} votes"


def describe_calibration(result: Scored) -> str:
    """How well probabilities fit votes, before the temperature and after."""
    names = [("before", result.before), ("after", result.after)]
    found = [(name, judged) for name, judged in names if judged is not None]
    lines = [] if not found else [f"{found[0][1].agreement:.1%} of the votes go with the scores"]
    for name, judged in found:
        when = f" {name} the temperature" if result.after is not None else ""
        lines.append(f"log-loss {judged.log_loss:.4f}, calibration error {judged.error:.4f}{when}")
    return "\n".join(lines)


def calibration_rows(table: pa.Table) -> Table:
    """The bins of a calibration table, as a table to print."""
    from rich import box
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD)
    for name in ("Predicted", "Observed", "Interval", "Votes"):
        shown.add_column(name, justify="right", no_wrap=True)
    for row in table.to_pylist():
        interval = f"{row['observed_low']:.3f} to {row['observed_high']:.3f}"
        shown.add_row(f"{row['predicted']:.3f}", f"{row['observed']:.3f}", interval, f"{row['votes']:,}")
    return shown
