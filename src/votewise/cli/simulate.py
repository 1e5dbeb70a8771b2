"""``votewise simulate``: a group of two commands. The truth is written with the data, in columns of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from votewise.cli.options import Columns, Defaults, FormatName, Quiet, parse_columns
from votewise.workflows import simulate_clicks as clicks_workflow
from votewise.workflows import simulate_votes as votes_workflow

OF_VOTES = Defaults(votes_workflow.simulate_votes)
OF_CLICKS = Defaults(clicks_workflow.simulate_clicks)

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def simulate() -> None:
    """Make votes or clicks whose truth is known, to try things out.

    `votewise simulate annotators` makes votes by annotators, for `votewise audit`; `votewise simulate users` makes clicks
    of users on two models' answers, for `votewise filter`.
    """


Out = Annotated[Path, typer.Option(metavar="FILE", help="The file to write: .parquet, .jsonl or .csv.")]
Seed = Annotated[int, typer.Option(metavar="NUMBER", min=0, help="The seed; the same command gives the same file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was made as JSON, and nothing else, on stdout.")]
Texts = Annotated[
    bool | None,
    typer.Option(
        "--texts/--without-texts",
        help="Whether rows hold prompts and answers, or only the names of pairs or comparisons.",
        show_default="with texts up to a million rows",
    ),
]
Preferences = Annotated[
    str | None,
    typer.Argument(
        metavar="[PREFERENCES]",
        help="Pairs with a better answer, in any format of `votewise formats`. What is chosen there (gold labels first, "
        "then most votes) is the truth here.",
        show_default="pairs without texts are made up",
    ),
]
Profile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A YAML or JSON file with these settings; options override it."),
]
Reliability = Annotated[
    str | None,
    typer.Option(
        metavar="PRIOR",
        help="Probability that a vote is right: a number, `beta:5,2`, `two-point:0.3,0.6,0.95`, a mixture such as "
        "`0.8*beta:8,2 + 0.2*0.5`, or one number for each annotator, `0.95,0.7,0.2`.",
        show_default="beta:5,2",
    ),
]
Spammers = Annotated[float | None, typer.Option(metavar="SHARE", help="Annotators who toss a coin.", show_default="0")]
Adversaries = Annotated[
    float | None, typer.Option(metavar="SHARE", help="Annotators who flip their answers.", show_default="0")
]
PositionBiased = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Annotators who mostly choose what is shown first.", show_default="0"),
]
PositionBias = Annotated[float | None, typer.Option(metavar="SHARE", help="How often those do so.", show_default="0.9")]
Tired = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Annotators who get tired, and toss a coin in the end.", show_default="0"),
]
TiredFrom = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="The share of their votes after which that begins.", show_default="0.5"),
]
Noise = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Votes that are flipped in the end, 0 to 0.5.", show_default="0"),
]
Annotators = Annotated[
    int | None,
    typer.Option(
        "--annotators", metavar="NUMBER", help="How many annotators.", show_default="as many as the pairs need"
    ),
]
VotesPerAnnotator = Annotated[
    str | None,
    typer.Option(
        metavar="LOW..HIGH",
        help="Fewest and most votes of an annotator, or one number.",
        show_default="20..200, or equal numbers with --annotators",
    ),
]
VotesPerPair = Annotated[int | None, typer.Option(metavar="NUMBER", help="Votes on each pair.", show_default="3")]
Pairs = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER",
        help="How many pairs to make up, or to take of PREFERENCES.",
        show_default=f"all of PREFERENCES, else {votes_workflow.PAIRS:,}",
    ),
]
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
        show_default=f"{clicks_workflow.MADE_UP:,}",
    ),
]
WinRate = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Share of the made-up comparisons on which model A's answer is truly better.",
        show_default=f"{clicks_workflow.WIN_RATE:g}",
    ),
]


@app.command()
def annotators(
    out: Out,
    preferences: Preferences = None,
    profile: Profile = None,
    reliability: Reliability = OF_VOTES.reliability,
    spammers: Spammers = OF_VOTES.spammers,
    adversaries: Adversaries = OF_VOTES.adversaries,
    position_biased: PositionBiased = OF_VOTES.position_biased,
    position_bias: PositionBias = OF_VOTES.position_bias,
    tired: Tired = OF_VOTES.tired,
    tired_from: TiredFrom = OF_VOTES.tired_from,
    noise: Noise = OF_VOTES.noise,
    number: Annotators = OF_VOTES.annotators,
    votes_per_annotator: VotesPerAnnotator = OF_VOTES.votes_per_annotator,
    votes_per_pair: VotesPerPair = OF_VOTES.votes_per_pair,
    pairs: Pairs = OF_VOTES.pairs,
    format: FormatName = OF_VOTES.format,
    columns: Columns = None,
    texts: Texts = OF_VOTES.texts,
    seed: Seed = OF_VOTES.seed,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Make votes by annotators of known reliability.

    The file reads as plain votes; `gold`, `annotator_kind`, `true_reliability` and `correct` hold the truth.

    **Examples:**

    `votewise simulate annotators --pairs 2000 --spammers 0.1 --adversaries 0.05 --out votes.parquet`

    `votewise simulate annotators preferences.jsonl --profile annotators.yaml --noise 0.2 --out votes.parquet`

    `votewise simulate annotators votes.parquet --reliability 0.95,0.7,0.2 --votes-per-pair 1 --out three.jsonl`
    """
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.progress import ProgressBar
    from votewise.cli.printing.simulate import print_votes

    with ProgressBar(quiet=quiet) as bar:
        result = votes_workflow.simulate_votes(
            preferences,
            out=out,
            profile=profile,
            reliability=reliability,
            spammers=spammers,
            adversaries=adversaries,
            position_biased=position_biased,
            position_bias=position_bias,
            tired=tired,
            tired_from=tired_from,
            noise=noise,
            annotators=number,
            votes_per_annotator=votes_per_annotator,
            votes_per_pair=votes_per_pair,
            pairs=pairs,
            format=format,
            columns=parse_columns(columns),
            texts=texts,
            seed=seed,
            progress=bar,
        )
    if as_json:
        print_json(result.summary)
    elif not quiet:
        print_votes(result)


@app.command()
def users(
    out: Out,
    comparisons: Comparisons = None,
    number: Users = OF_CLICKS.users,
    prior: Prior = OF_CLICKS.prior,
    comparisons_per_user: ComparisonsPerUser = f"{OF_CLICKS.comparisons_per_user}",
    follow: Follow = OF_CLICKS.follow,
    probability: Probability = OF_CLICKS.probability,
    margin: Margin = OF_CLICKS.margin,
    temperature: Temperature = OF_CLICKS.temperature,
    made_up: MadeUp = OF_CLICKS.made_up,
    win_rate: WinRate = OF_CLICKS.win_rate,
    texts: Texts = OF_CLICKS.texts,
    seed: Seed = OF_CLICKS.seed,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Make clicks of users who follow a scorer when they pay attention, and toss a coin when they do not.

    The file reads as a log of clicks; `true_attentiveness`, `attentive`, `preferred` and `correct` hold the truth.

    **Examples:**

    `votewise simulate users scored.parquet --prior beta:6,2 --comparisons-per-user 30..50 --out clicks.parquet`

    `votewise simulate users --users 2000 --prior two-point:0.2,0.2,0.98 --win-rate 0.74 --out clicks.parquet`
    """
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.progress import ProgressBar
    from votewise.cli.printing.simulate import print_clicks

    with ProgressBar(quiet=quiet) as bar:
        result = clicks_workflow.simulate_clicks(
            comparisons,
            out=out,
            users=number,
            prior=prior,
            comparisons_per_user=comparisons_per_user,
            follow=follow,
            probability=probability,
            margin=margin,
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
