"""``votewise simulate annotators``: annotators of known reliability -> their votes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import (
    AtErrorBeside,
    Columns,
    Criterion,
    Defaults,
    FormatName,
    Label,
    OneAnnotator,
    Quiet,
    Split,
    parse_columns,
    parse_label,
)
from votewise.cli.simulate_options import AsJson, Out, Seed, Texts
from votewise.workflows import simulate_votes as workflow

DEFAULTS = Defaults(workflow.simulate_votes)

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
        show_default=f"all of PREFERENCES, else {workflow.PAIRS:,}",
    ),
]


def annotators(
    out: Out,
    preferences: Preferences = None,
    profile: Profile = None,
    reliability: Reliability = DEFAULTS.reliability,
    spammers: Spammers = DEFAULTS.spammers,
    adversaries: Adversaries = DEFAULTS.adversaries,
    position_biased: PositionBiased = DEFAULTS.position_biased,
    position_bias: PositionBias = DEFAULTS.position_bias,
    tired: Tired = DEFAULTS.tired,
    tired_from: TiredFrom = DEFAULTS.tired_from,
    noise: Noise = DEFAULTS.noise,
    number: Annotators = DEFAULTS.annotators,
    votes_per_annotator: VotesPerAnnotator = DEFAULTS.votes_per_annotator,
    votes_per_pair: VotesPerPair = DEFAULTS.votes_per_pair,
    pairs: Pairs = DEFAULTS.pairs,
    format: FormatName = DEFAULTS.format,
    columns: Columns = None,
    label: Label = None,
    criterion: Criterion = None,
    split: Split = None,
    one_annotator: OneAnnotator = None,
    on_error: AtErrorBeside = DEFAULTS.on_error,
    texts: Texts = DEFAULTS.texts,
    seed: Seed = DEFAULTS.seed,
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
        result = workflow.simulate_votes(
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
            label=parse_label(label),
            criterion=criterion,
            split=split,
            one_annotator=one_annotator,
            on_error=on_error,
            texts=texts,
            seed=seed,
            progress=bar,
        )
    if as_json:
        print_json(result.summary)
    elif not quiet:
        print_votes(result)
