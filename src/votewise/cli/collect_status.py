"""``votewise collect status``: what a collection holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import Defaults, Json
from votewise.workflows import collect_status as workflow

DEFAULTS = Defaults(workflow.collect_status)

Counted = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder that `votewise collect init` made.", show_default=False)
]
WinRate = Annotated[
    str | None,
    typer.Option(
        metavar="RATE",
        help="The share of prompts on which model a's answer is truly better than model b's: `0.7`, `160/200` of a gold "
        "sample, `beta:8,2` or `0.55..0.7`.",
        show_default="unknown; then nothing is said about attentiveness",
    ),
]


def status(folder: Counted, win_rate: WinRate = DEFAULTS.win_rate, as_json: Json = False) -> None:
    """Show what a collection holds and, where a win rate is known, how attentive its people are.

    **Examples:**

    `votewise collect status study`

    `votewise collect status study --win-rate 160/200 --json`
    """
    from votewise.cli.printing.collect import print_status

    print_status(workflow.collect_status(folder, win_rate=win_rate), as_json=as_json)
