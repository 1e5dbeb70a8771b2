"""``votewise collect simulate``: what a campaign will cost and reach."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import Defaults, Json, Quiet
from votewise.workflows import collect_simulate as workflow

DEFAULTS = Defaults(workflow.collect_simulate)

Audit = Annotated[
    Path | None,
    typer.Argument(
        metavar="DIR", help="A folder that `votewise audit` wrote, for a crowd like that one.", show_default=False
    ),
]
Pairs = Annotated[int, typer.Option(metavar="NUMBER", help="Number of pairs.")]
Annotators = Annotated[int, typer.Option(metavar="NUMBER", help="Number of annotators, without DIR.")]
Mean = Annotated[float, typer.Option(metavar="NUMBER", help="Mean of their reliabilities, without DIR.")]
Spread = Annotated[float, typer.Option(metavar="NUMBER", help="Standard deviation of the reliabilities, without DIR.")]
Difficulty = Annotated[
    float, typer.Option(metavar="TAU", help="How much pairs differ in difficulty: 0 not at all, 1 very much.")
]
MarginsRight = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Begin with the margins of a reward model that is right on this share of the pairs.",
        show_default="no margins",
    ),
]
Want = Annotated[int, typer.Option(metavar="NUMBER", help="The most votes of each pair, audit votes apart.")]
Sure = Annotated[float, typer.Option(metavar="NUMBER", help="The posterior from which a pair needs no further vote.")]
Fixed = Annotated[
    list[int], typer.Option(metavar="NUMBER", help="Votes a pair of a fixed redundancy to compare with. Repeatable.")
]
Price = Annotated[float | None, typer.Option(metavar="NUMBER", help="Price of one vote.", show_default="no costs")]
Campaigns = Annotated[int, typer.Option(metavar="NUMBER", help="Simulated campaigns under each rule.")]
Seed = Annotated[int, typer.Option(metavar="NUMBER", help="Seed of the simulation.")]


def simulate(
    audit: Audit = None,
    pairs: Pairs = DEFAULTS.pairs,
    annotators: Annotators = DEFAULTS.annotators,
    mean_reliability: Mean = DEFAULTS.mean_reliability,
    spread: Spread = DEFAULTS.spread,
    difficulty: Difficulty = DEFAULTS.difficulty,
    margins_right: MarginsRight = DEFAULTS.margins_right,
    want: Want = DEFAULTS.want,
    sure: Sure = DEFAULTS.sure,
    fixed: Fixed = DEFAULTS.fixed,
    price: Price = DEFAULTS.price,
    campaigns: Campaigns = DEFAULTS.campaigns,
    seed: Seed = DEFAULTS.seed,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Simulate a campaign before it starts: votes a pair, how many labels are right, and what it costs.

    The rule of the service stands beside fixed redundancies, with intervals in which one more campaign would fall.

    **Examples:**

    `votewise collect simulate --annotators 30 --mean-reliability 0.8 --price 0.05`

    `votewise collect simulate audit/votes --pairs 1000 --difficulty 1`
    """
    from votewise.cli.printing.collect_simulate import print_simulation
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.progress import ProgressBar

    with ProgressBar(quiet=quiet) as bar:
        result = workflow.collect_simulate(
            audit,
            pairs=pairs,
            annotators=annotators,
            mean_reliability=mean_reliability,
            spread=spread,
            difficulty=difficulty,
            margins_right=margins_right,
            want=want,
            sure=sure,
            fixed=fixed,
            price=price,
            campaigns=campaigns,
            seed=seed,
            progress=bar,
        )
    if as_json:
        print_json(result.summary())
    elif not quiet:
        print_simulation(result)
