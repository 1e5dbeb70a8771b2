"""``votewise simulate``: a group of two commands. The truth comes along with the data, in columns of its own."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from votewise.cli.options import Columns, FormatName, Quiet, parse_columns
from votewise.errors import BadInputError

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def simulate() -> None:
    """Make votes or clicks whose truth is known, to try things out on.

    `votewise simulate annotators` makes votes by annotators, for `votewise audit`; `votewise simulate users` makes clicks
    of users on two models' answers, for `votewise filter`.
    """


class Follow(StrEnum):
    """What `--follow` takes."""

    sign = "sign"
    sampled = "sampled"


Out = Annotated[Path, typer.Option(metavar="FILE", help="Where to write: a .parquet, .jsonl or .csv file.")]
Seed = Annotated[int, typer.Option(metavar="NUMBER", min=0, help="The seed; the same command gives the same file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was made as JSON, and nothing else, on stdout.")]
Texts = Annotated[
    bool | None,
    typer.Option(
        "--texts/--without-texts",
        help="Whether rows carry prompts and answers, or only the names of what they are about.",
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
    typer.Option(metavar="FILE", help="A YAML or JSON file with these settings; flags go before what it says."),
]
Reliability = Annotated[
    str | None,
    typer.Option(
        metavar="PRIOR",
        help="Probability that a vote is right: a number, `beta:5,2`, `two-point:0.3,0.6,0.95`, a mixture such as "
        "`0.8*beta:8,2 + 0.2*0.5`, or one number per annotator, `0.95,0.7,0.2`.",
        show_default="beta:5,2",
    ),
]
Spammers = Annotated[float | None, typer.Option(metavar="SHARE", help="Annotators who toss a coin.", show_default="0")]
Adversaries = Annotated[
    float | None, typer.Option(metavar="SHARE", help="Annotators who turn their answers round.", show_default="0")
]
PositionBiased = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Annotators who mostly choose what is shown first.", show_default="0"),
]
PositionBias = Annotated[float | None, typer.Option(metavar="SHARE", help="How often those do so.", show_default="0.9")]
Tired = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Annotators who get tired, and end up tossing a coin.", show_default="0"),
]
TiredFrom = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="The share of their votes after which that begins.", show_default="0.5"),
]
Noise = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Votes turned round on top of all that, 0 to 0.5.", show_default="0"),
]
Annotators = Annotated[
    int | None,
    typer.Option("--annotators", metavar="NUMBER", help="How many annotators.", show_default="as many as it takes"),
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
        show_default="all of PREFERENCES, else 1,000",
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
Following = Annotated[
    Follow,
    typer.Option(
        metavar="sign|sampled",
        help="What an attentive user clicks: the answer that is likelier better, or either with its probability.",
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
Temperature = Annotated[float, typer.Option(metavar="NUMBER", help="Factor on margins, for --follow sampled.")]
MadeUp = Annotated[
    int | None,
    typer.Option("--comparisons", metavar="NUMBER", help="How many comparisons to make up.", show_default="20,000"),
]
WinRate = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Share of the made-up comparisons on which model A's answer is truly better.",
        show_default="0.8",
    ),
]


@app.command()
def annotators(
    out: Out,
    preferences: Preferences = None,
    profile: Profile = None,
    reliability: Reliability = None,
    spammers: Spammers = None,
    adversaries: Adversaries = None,
    position_biased: PositionBiased = None,
    position_bias: PositionBias = None,
    tired: Tired = None,
    tired_from: TiredFrom = None,
    noise: Noise = None,
    number: Annotators = None,
    votes_per_annotator: VotesPerAnnotator = None,
    votes_per_pair: VotesPerPair = None,
    pairs: Pairs = None,
    format_name: FormatName = "auto",
    column: Columns = None,
    texts: Texts = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Make votes by annotators of known reliability.

    The file reads as plain votes; `gold`, `annotator_kind`, `true_reliability` and `correct` tell the truth.

    **Examples:**

    `votewise simulate annotators --pairs 2000 --spammers 0.1 --adversaries 0.05 --out votes.parquet`

    `votewise simulate annotators preferences.jsonl --profile crowd.yaml --noise 0.2 --out votes.parquet`

    `votewise simulate annotators votes.parquet --reliability 0.95,0.7,0.2 --votes-per-pair 1 --out three.jsonl`
    """
    from votewise.cli.printing.progress import ProgressBar
    from votewise.cli.printing.simulate import print_votes
    from votewise.simulate.profiles import read_profile
    from votewise.simulate.streams import check_suffix
    from votewise.simulate.vote_files import write_votes
    from votewise.simulate.votes import TruePairs, plan_votes
    from votewise.sources import read_votes
    from votewise.sources.naming import short_name

    check_suffix(out)
    crowd = read_profile(
        profile,
        reliability=None if reliability is None else parse_reliability(reliability),
        spammers=spammers,
        adversaries=adversaries,
        position_biased=position_biased,
        position_bias=position_bias,
        tired=tired,
        tired_from=tired_from,
        noise=noise,
        annotators=number,
        votes_per_annotator=None
        if votes_per_annotator is None
        else parse_range(votes_per_annotator, "--votes-per-annotator"),
        votes_per_pair=votes_per_pair,
    )
    with ProgressBar(quiet=quiet) as bar:
        source: TruePairs | int | None = pairs
        if preferences is not None:
            bar.stage(f"Reading {short_name(preferences)}")
            votes = read_votes(preferences, format=format_name, columns=parse_columns(column or []))
            source = TruePairs.of(votes).sample(pairs, seed)
        elif pairs is None and crowd.annotators is None:
            source = 1000
        plan = plan_votes(crowd, pairs=source, texts=texts, seed=seed)
        bar.stage(f"Writing {out}")
        summary = write_votes(out, plan, progress=lambda done: bar.rows(done, plan.design.places))
    if as_json:
        typer.echo(json.dumps({**asdict(summary), "seed": seed, "file": str(out)}, indent=2))
    elif not quiet:
        print_votes(plan, summary, out)


@app.command()
def users(
    out: Out,
    comparisons: Comparisons = None,
    number: Users = 400,
    prior: Prior = "beta:6,2",
    comparisons_per_user: ComparisonsPerUser = "50",
    follow: Following = Follow.sign,
    probability: Probability = None,
    margin: Margin = None,
    temperature: Temperature = 1.0,
    made_up: MadeUp = None,
    win_rate: WinRate = None,
    texts: Texts = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Make clicks of users who follow a scorer when they pay attention, and toss a coin when they do not.

    The file reads as a log of clicks; `true_attentiveness`, `attentive`, `preferred` and `correct` tell the truth.

    **Examples:**

    `votewise simulate users scored.parquet --prior beta:6,2 --comparisons-per-user 30..50 --out clicks.parquet`

    `votewise simulate users --users 2000 --prior two-point:0.2,0.2,0.98 --win-rate 0.74 --out clicks.parquet`
    """
    from votewise.cli.printing.progress import ProgressBar
    from votewise.cli.printing.simulate import print_clicks
    from votewise.simulate.click_files import made_up_comparisons, read_comparisons, write_clicks
    from votewise.simulate.streams import check_suffix
    from votewise.sources.naming import short_name

    check_suffix(out)
    if comparisons is not None and (made_up is not None or win_rate is not None):
        raise BadInputError(
            "belong to comparisons that are made up", source="--comparisons and --win-rate", expected="no COMPARISONS"
        )
    per_user = parse_range(comparisons_per_user, "--comparisons-per-user")
    with ProgressBar(quiet=quiet) as bar:
        if comparisons is None:
            scored = made_up_comparisons(20_000 if made_up is None else made_up, 0.8 if win_rate is None else win_rate)
        else:
            bar.stage(f"Reading {short_name(comparisons)}")
            scored = read_comparisons(comparisons, probability=probability, margin=margin, temperature=temperature)
        bar.stage(f"Writing {out}")
        summary = write_clicks(
            out,
            scored,
            users=number,
            prior=prior,
            comparisons_per_user=per_user,
            follow=follow.value,
            texts=texts,
            seed=seed,
            progress=lambda done: bar.rows(done, None),
        )
    if as_json:
        typer.echo(json.dumps({**asdict(summary), "seed": seed, "file": str(out)}, indent=2))
    elif not quiet:
        print_clicks(scored, summary, out)


def parse_range(text: str, source: str) -> tuple[int, int]:
    """``50`` -> (50, 50); ``30..50`` -> (30, 50)."""
    low, dots, high = text.partition("..")
    try:
        return int(low), int(high if dots else low)
    except ValueError:
        raise BadInputError("no range", source=source, value=text, expected="say, 50 or 30..50") from None


def parse_reliability(text: str) -> Any:
    """``0.95,0.7,0.2`` -> one number per annotator; anything else is a prior and stays as it is."""
    if "," not in text or ":" in text:
        return text
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise BadInputError("no numbers", source="--reliability", value=text, expected="say, 0.95,0.7,0.2") from None
