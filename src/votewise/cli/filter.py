"""``votewise filter``: a log of clicks -> the clicks of attentive users."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import (
    AsJson,
    AtError,
    Columns,
    Criterion,
    Defaults,
    Label,
    Level,
    Quiet,
    Report,
    Split,
    default_folder,
    parse_columns,
    parse_label,
)
from votewise.defaults import THRESHOLD
from votewise.workflows import filter_clicks as workflow

DEFAULTS = Defaults(workflow.filter_clicks)

Source = Annotated[
    str,
    typer.Argument(
        metavar="COMPARISONS",
        help="A log of clicks: a file (.parquet, .csv, .jsonl, also .gz and .zst), a folder or pattern of files such as "
        "`'clicks/*.csv.gz'`, or a table's URL such as `postgres://host/database?table=clicks`.",
        show_default=False,
    ),
]
WinRates = Annotated[
    list[str],
    typer.Option(
        "--win-rate",
        metavar="RATE",
        help="The share of prompts on which model A's answer is truly better: a number, `160/200` (160 of 200 judged by "
        "somebody trusted), `beta:8,2`, or bounds `0.55..0.7`. With `--domain` once per domain: `--win-rate code=0.7`.",
        show_default=False,
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The folder to write to.", show_default="filtered/ and the name of COMPARISONS"),
]
Keep = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Keep this share of the users, the most attentive; users with equal counts are kept together.",
        show_default="--threshold decides",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER",
        help="Keep users whose estimated attentiveness is at least this.",
        show_default=f"{THRESHOLD:g}",
    ),
]
Probability = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER",
        help="Keep only users who reach the threshold with at least this probability.",
        show_default="the estimate decides",
    ),
]
KeepNew = Annotated[bool, typer.Option("--keep-new", help="Keep users who are too new to be judged, too.")]
Prior = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="How attentiveness is spread over users: `two-point`, `beta`, `beta-mixture:K`, `logistic-normal:K`, "
        "`nonparametric`, or `auto`, the one that describes these users best.",
    ),
]
User = Annotated[str, typer.Option(metavar="COLUMN", help="Column with the user.")]
ModelA = Annotated[str, typer.Option(metavar="COLUMN", help="Column with the model on the first side.")]
ModelB = Annotated[str, typer.Option(metavar="COLUMN", help="Column with the model on the second side.")]
Winner = Annotated[
    str, typer.Option(metavar="COLUMN", help="Column with `model_a`, `model_b`, a model's name, or `tie`.")
]
Domain = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Column with the domain, where win rates differ.", show_default="no domains"),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The model that --win-rate is about, A.", show_default="the first of the two by name"
    ),
]
Stretch = Annotated[
    str | None,
    typer.Option(
        "--window",
        metavar="LENGTH",
        help="Judge users again in stretches of this length (`30d`, `12h`, `4w`, or a number of comparisons) and flag those "
        "who changed: drift.parquet, stretches.parquet.",
        show_default="no stretches",
    ),
]
Time = Annotated[str, typer.Option(metavar="COLUMN", help="Column with the time of a comparison, for --window.")]
Judgement = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Column that names the judgement a click comes from: clicks of one rating of several answers err together.",
        show_default="every click is its own",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show how many users and rows each rule would keep; write nothing.")
]


def filter_clicks(
    comparisons: Source,
    win_rate: WinRates,
    out: Folder = None,
    keep: Keep = DEFAULTS.keep,
    threshold: Threshold = DEFAULTS.threshold,
    probability: Probability = DEFAULTS.probability,
    keep_new: KeepNew = DEFAULTS.keep_new,
    prior: Prior = DEFAULTS.prior,
    level: Level = DEFAULTS.level,
    user: User = DEFAULTS.user,
    model_a: ModelA = DEFAULTS.model_a,
    model_b: ModelB = DEFAULTS.model_b,
    winner: Winner = DEFAULTS.winner,
    domain: Domain = DEFAULTS.domain,
    model: Model = DEFAULTS.model,
    window: Stretch = DEFAULTS.window,
    time: Time = DEFAULTS.time,
    judgement: Judgement = DEFAULTS.judgement,
    columns: Columns = None,
    label: Label = None,
    criterion: Criterion = None,
    split: Split = None,
    on_error: AtError = DEFAULTS.on_error,
    dry_run: DryRun = DEFAULTS.dry_run,
    report: Report = DEFAULTS.report,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Find out which users click with care, and keep their comparisons.

    Needs only each user's clicks and the win rate of one model over the other. Writes comparisons.parquet (the kept rows,
    unchanged), users.parquet, summary.json and report.html.

    **Examples:**

    `votewise filter clicks.parquet --win-rate 0.8`

    `votewise filter clicks.parquet --model gpt-large --win-rate 160/200 --threshold 0.5 --probability 0.95`

    `votewise filter "postgres://host/chat?table=clicks" --win-rate 0.7 --keep 0.8 --dry-run`
    """
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.filter import print_filter, print_ladder
    from votewise.cli.printing.progress import ProgressBar

    with ProgressBar(quiet=quiet) as bar:
        result = workflow.filter_clicks(
            comparisons,
            win_rate=win_rate,
            out=out or default_folder("filtered", comparisons),
            keep=keep,
            threshold=threshold,
            probability=probability,
            keep_new=keep_new,
            prior=prior,
            level=level,
            user=user,
            model_a=model_a,
            model_b=model_b,
            winner=winner,
            domain=domain,
            model=model,
            window=window,
            time=time,
            judgement=judgement,
            columns=parse_columns(columns),
            label=parse_label(label),
            criterion=criterion,
            split=split,
            on_error=on_error,
            dry_run=dry_run,
            report=report,
            progress=bar,
        )
    if as_json:
        print_json(result.summary if result.ladder is None else result.ladder.to_pylist())
    elif result.ladder is not None:
        print_ladder(result.ladder, result)
    elif not quiet:
        print_filter(result)
