"""``votewise filter``: a log of comparisons -> the rows of attentive users."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from votewise.cli.options import AsJson, AtError, Level, Quiet, Reportless, default_folder
from votewise.errors import BadInputError

if TYPE_CHECKING:
    from votewise.users.known_win_rates import WinRate

Source = Annotated[
    str,
    typer.Argument(
        metavar="COMPARISONS",
        help="A log of clicks: a file (.parquet, .csv, .jsonl), a folder or glob of Parquet files, or a table's URL such "
        "as `postgres://host/database?table=clicks`.",
        show_default=False,
    ),
]
WinRates = Annotated[
    list[str],
    typer.Option(
        "--win-rate",
        metavar="RATE",
        help="The share of prompts on which model A's answer is truly better: a number, `160/200` judged by somebody "
        "trusted, `beta:8,2`, or bounds `0.55..0.7`. With `--domain` once per domain: `--win-rate code=0.7`.",
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
        help="Keep this share of the users, the most attentive; equal users together.",
        show_default="--threshold decides",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER", help="Keep users of at least this attentiveness, by their estimate.", show_default="0.5"
    ),
]
Confidence = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER",
        help="Keep only users who reach the threshold with at least this probability.",
        show_default="the estimate decides",
    ),
]
KeepNew = Annotated[bool, typer.Option("--keep-new", help="Keep users too new to be judged as well.")]
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
        help="Judge users again in stretches of this length (`30d`, `12h`, `4w`, or a number of comparisons) and flag who "
        "changed: drift.parquet, stretches.parquet.",
        show_default="no stretches",
    ),
]
Time = Annotated[str, typer.Option(metavar="COLUMN", help="Column with the time of a comparison, for --window.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show how many users and rows each rule would keep; write nothing.")
]


def filter_comparisons(
    comparisons: Source,
    win_rate: WinRates,
    out: Folder = None,
    keep: Keep = None,
    threshold: Threshold = None,
    confidence: Confidence = None,
    keep_new: KeepNew = False,
    prior: Prior = "auto",
    level: Level = 0.95,
    user: User = "user",
    model_a: ModelA = "model_a",
    model_b: ModelB = "model_b",
    winner: Winner = "winner",
    domain: Domain = None,
    model: Model = None,
    window: Stretch = None,
    time: Time = "time",
    on_error: AtError = "stop",
    dry_run: DryRun = False,
    no_report: Reportless = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Find out which users click with care, and keep their comparisons.

    Needs nothing but each user's clicks and the win rate of one model over the other. Writes comparisons.parquet (the
    kept rows as they came), users.parquet, summary.json and report.html.

    **Examples:**

    `votewise filter clicks.parquet --win-rate 0.8`

    `votewise filter clicks.parquet --model gpt-large --win-rate 160/200 --threshold 0.5 --confidence 0.95`

    `votewise filter "postgres://host/chat?table=clicks" --win-rate 0.7 --keep 0.8 --dry-run`
    """
    if keep is not None and threshold is not None:
        raise BadInputError("excludes --threshold", source="--keep", expected="one rule or the other")
    folder = out or default_folder("filtered", comparisons)
    if folder.exists() and not folder.is_dir():
        raise BadInputError("is a file", source=str(folder), expected="a folder to write to")

    from votewise.cli.printing.filter import print_filter, print_ladder
    from votewise.cli.printing.progress import ProgressBar
    from votewise.sources.naming import short_name
    from votewise.users.click_log import open_comparisons
    from votewise.users.drift import Window, find_drift
    from votewise.users.estimate import estimate_attentiveness
    from votewise.users.select import Rule, ladder, select_users, user_levels
    from votewise.workflows.filter_clicks import summarise_filter, write_filter

    rates = parse_win_rates(win_rate)
    rule = Rule(keep, 0.5 if threshold is None else threshold, confidence, keep_new)
    stretch = Window.parse(window) if window else None
    columns = {"user": user, "a": model_a, "b": model_b, "winner": winner} | ({"domain": domain} if domain else {})
    with ProgressBar(quiet=quiet) as bar:
        bar.stage(f"Counting {short_name(comparisons)}")
        with open_comparisons(comparisons, columns, model=model, on_error=on_error) as log:
            bar.stage("Judging users")
            result = estimate_attentiveness(
                log.counts,
                win_rate=rates,
                prior=prior,
                threshold=rule.threshold,
                level=level,
                progress=bar.step,
            )
            if dry_run:
                table = ladder(log.counts, result, log.count_rows(), confidence=confidence or 0.95)
            else:
                kept, levels = select_users(log.counts, result, rule), user_levels(log.counts, result)
                bar.stage(f"Writing {folder}")
                summary = summarise_filter(log, result, rule, kept, levels, created=datetime.now(UTC))
                title = None if no_report else short_name(comparisons)
                with find_drift(log, result, stretch, time) if stretch else nullcontext() as drift:
                    files = write_filter(folder, log, result, kept, levels, summary=summary, title=title, drift=drift)
    if as_json:
        typer.echo(json.dumps(table.to_pylist() if dry_run else summary, indent=2, ensure_ascii=False, default=str))
    elif dry_run:
        print_ladder(table, log, result, confidence=confidence or 0.95)
    elif not quiet:
        print_filter(summary, files)


def parse_win_rates(texts: list[str]) -> WinRate | dict[str, WinRate]:
    """``["0.8"]`` -> 0.8; ``["code=0.7", "prose=160/200"]`` -> one per domain."""
    named = [text.rpartition("=") for text in texts]
    if len(texts) == 1 and not named[0][1]:
        return parse_win_rate(texts[0])
    rates: dict[str, WinRate] = {}
    for (name, equals, value), text in zip(named, texts, strict=True):
        if not equals:
            raise BadInputError("given twice", source="--win-rate", value=text, expected="one, or DOMAIN=RATE for each")
        if name in rates:
            raise BadInputError("a domain given twice", source="--win-rate", value=name, expected="each domain once")
        rates[name] = parse_win_rate(value)
    return rates


def parse_win_rate(text: str) -> WinRate:
    """``0.8``, ``160/200`` (gold sample: wins of n), ``beta:8,2`` or ``0.55..0.7`` (bounds)."""
    from votewise.users.estimate import Beta, Bounds, GoldSample

    try:
        if text.startswith("beta:"):
            c, d = (float(number) for number in text.removeprefix("beta:").split(","))
            return Beta(c, d)
        if ".." in text:
            low, high = (float(number) for number in text.split(".."))
            return Bounds(low, high)
        if "/" in text:
            wins, n = (int(number) for number in text.split("/"))
            return GoldSample(wins, n)
        return float(text)
    except BadInputError:
        raise
    except ValueError:
        raise BadInputError(
            "no win rate", source="--win-rate", value=text, expected="say, 0.8, 160/200, beta:8,2 or 0.55..0.7"
        ) from None
