"""``votewise demo``: the main job in a simulated world, where the truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from votewise.cli.options import Defaults
from votewise.workflows import demo as workflow

DEFAULTS = Defaults(workflow.demo)

Out = Annotated[Path | None, typer.Option(metavar="DIR", help="The folder to write to.", show_default="demo")]
Seed = Annotated[int, typer.Option(metavar="NUMBER", help="The random seed of everything.")]
Loss = Annotated[
    Literal["dpo", "ipo", "simpo", "cpo"], typer.Option(metavar="NAME", help="The preference loss to train with.")
]
Worlds = Annotated[
    int, typer.Option(metavar="NUMBER", help="The number of worlds to train in; each takes one to two minutes.")
]
Quick = Annotated[
    bool,
    typer.Option("--quick", help="Only audit the votes of 40 annotators on 600 questions, and train nothing."),
]


def demo(
    out: Out = None,
    seed: Seed = DEFAULTS.seed,
    loss: Loss = DEFAULTS.loss,
    worlds: Worlds = DEFAULTS.worlds,
    quick: Quick = DEFAULTS.quick,
) -> None:
    """Run an end-to-end demo on simulated data: what wrong votes do to a language model, and what helps.

    Thirty annotators, some of them careless or hostile, vote on answers about a made-up world. A tiny language model is made
    and pre-trained, then trained on their votes in seven ways, each at three betas, and answers other questions. This takes
    one to two minutes and needs `pip install 'votewise[train]'`. Without that, or with `--quick`, votes are only audited.

    **Example:** `votewise demo --out demo`
    """
    from votewise.cli.printing.demo import print_demo
    from votewise.cli.printing.progress import ProgressBar

    with ProgressBar() as bar:
        result = workflow.demo(out=out or Path("demo"), seed=seed, loss=loss, worlds=worlds, quick=quick, progress=bar)
    print_demo(result, quick=quick)
