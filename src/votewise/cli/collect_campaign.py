"""``votewise collect campaign``: pause, resume, close."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import Quiet
from votewise.cli.printing.common import say
from votewise.workflows import collect_campaign as workflow

OfCampaign = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder that `votewise collect init` made.", show_default=False)
]
Act = Annotated[
    workflow.CampaignAct,
    typer.Argument(metavar="pause|resume|close", help="What to do with the campaign.", show_default=False),
]


def campaign(folder: OfCampaign, act: Act, quiet: Quiet = False) -> None:
    """Pause, resume or close the campaign of a collection.

    While it is paused, no pairs are given out, and whoever has one may vote on it. Closing it takes those back, too; a
    closed campaign can be resumed.

    **Example:** `votewise collect campaign study pause`
    """
    state = workflow.collect_campaign(folder, act)
    if not quiet:
        say(f"The campaign is {state}.")
