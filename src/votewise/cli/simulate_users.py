"""``votewise simulate users``: users of known attentiveness -> their clicks."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from votewise.cli.options import AtErrorBeside, Columns, Defaults, Quiet, Split, parse_columns
from votewise.cli.simulate_options import AsJson, Out, Seed, Texts
from votewise.workflows import simulate_clicks as workflow

DEFAULTS = Defaults(workflow.simulate_clicks)

Comparisons = Annotated[
    str | None,
    typer.Argument(
        metavar="[COMPARISONS]",
        help="Two models' answers to the same prompts and what a scorer thinks of them, as `votewise score` writes "
        "it: a column `probability`, `margin`, or `score_a` and `score_b`.",
        show_default="comparisons without texts are made up",
    ),
]
Users = Annotated[int, typer.Option("--users", metavar="NUMBER", min=1, help="How many users.")]
Prior = Annotated[
    str,
    typer.Option(
        metavar="PRIOR",
        help="What users' attentiveness is drawn from: a number, `beta:6,2`, `two-point:0.2,0.2,0.98` (a share 0.2 at "
        "0.2, the others at 0.98), `logistic-normal:-0.6,0.8`, or a mixture `0.6*beta:4,16 + 0.4*beta:16,4`.",
    ),
]
ComparisonsPerUser = Annotated[
    str, typer.Option(metavar="LOW..HIGH", help="Fewest and most comparisons of a user, or one number.")
]
Follow = Annotated[
    Literal["sign", "sampled"],
    typer.Option(
        metavar="sign|sampled",
        help="What an attentive user clicks: the answer that is probably better, or either with its probability.",
    ),
]
Probability = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Column with P(response_a is better).", show_default="probability"),
]
Margin = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Column with its log-odds.", show_default="margin, else score_a - score_b"),
]
Temperature = Annotated[
    float,
    typer.Option(
        metavar="NUMBER", help="The factor that margins are multiplied by; matters for `--follow sampled` only."
    ),
]
MadeUp = Annotated[
    int | None,
    typer.Option(
        "--made-up",
        "--comparisons",
        metavar="NUMBER",
        help="How many comparisons to make up.",
        show_default=f"{workflow.MADE_UP:,}",
    ),
]
WinRate = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Share of the made-up comparisons on which model A's answer is truly better.",
        show_default=f"{workflow.WIN_RATE:g}",
    ),
]


def users(
    out: Out,
    comparisons: Comparisons = None,
    number: Users = DEFAULTS.users,
    prior: Prior = DEFAULTS.prior,
    comparisons_per_user: ComparisonsPerUser = f"{DEFAULTS.comparisons_per_user}",
    follow: Follow = DEFAULTS.follow,
    probability: Probability = DEFAULTS.probability,
    margin: Margin = DEFAULTS.margin,
    columns: Columns = None,
    split: Split = None,
    on_error: AtErrorBeside = DEFAULTS.on_error,
    temperature: Temperature = DEFAULTS.temperature,
    made_up: MadeUp = DEFAULTS.made_up,
    win_rate: WinRate = DEFAULTS.win_rate,
    texts: Texts = DEFAULTS.texts,
    seed: Seed = DEFAULTS.seed,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Make clicks of users who follow a scorer when they pay attention, and toss a coin when they do not.

    The file reads as a log of clicks; `true_attentiveness`, `attentive`, `attentive_winner` and `correct` hold the truth.

    **Examples:**

    `votewise simulate users scored.parquet --prior beta:6,2 --comparisons-per-user 30..50 --out clicks.parquet`

    `votewise simulate users --users 2000 --prior two-point:0.2,0.2,0.98 --win-rate 0.74 --out clicks.parquet`
    """
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.progress import ProgressBar
    from votewise.cli.printing.simulate import print_clicks

    with ProgressBar(quiet=quiet) as bar:
        result = workflow.simulate_clicks(
            comparisons,
            out=out,
            users=number,
            prior=prior,
            comparisons_per_user=comparisons_per_user,
            follow=follow,
            probability=probability,
            margin=margin,
            columns=parse_columns(columns),
            split=split,
            on_error=on_error,
            temperature=temperature,
            made_up=made_up,
            win_rate=win_rate,
            texts=texts,
            seed=seed,
            progress=bar,
        )
    if as_json:
        print_json(result.summary)
    elif not quiet:
        print_clicks(result)
