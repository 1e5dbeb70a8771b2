"""``votewise collect invite``: who judges pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import Defaults
from votewise.cli.printing.common import say
from votewise.workflows import collect_invite as workflow

DEFAULTS = Defaults(workflow.collect_invite)

InvitedTo = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder that `votewise collect init` made.", show_default=False)
]
Names = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="What you call the annotators.", show_default=False)
]
Group = Annotated[
    str | None, typer.Option(metavar="NAME", help="A group for all of them.", show_default="groups stay as they are")
]
Url = Annotated[str, typer.Option(metavar="URL", help="Where annotators reach the service.")]
Days = Annotated[int, typer.Option(metavar="NUMBER", help="How long the links work, in days.")]


def invite(
    folder: InvitedTo, names: Names, group: Group = None, url: Url = DEFAULTS.url, days: Days = DEFAULTS.days
) -> None:
    """Make a link for each annotator, and print them.

    A link works once and is shown this once: the database has its SHA-256 only. Who signs in with it stays signed in for 30
    days. Invite somebody again for a new link: it is the same person.

    **Example:** `votewise collect invite study ann bob --url https://compare.example.org`
    """
    for name, link in workflow.collect_invite(folder, names, group=group, url=url, days=days).items():
        say(f"{name}: {link}")
