"""``votewise collect erase``: a person without a name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import Quiet
from votewise.cli.printing.common import say
from votewise.workflows import collect_erase as workflow

Erased = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder that `votewise collect init` made.", show_default=False)
]
Person = Annotated[
    str, typer.Argument(metavar="PERSON", help="What a product calls the person, or the pseudonym.", show_default=False)
]
OfProduct = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The product that calls the person so.", show_default="the only one that does"),
]


def erase(folder: Erased, person: Person, product: OfProduct = None, quiet: Quiet = False) -> None:
    """Remove a person's name for good.

    The votes stay under the pseudonym, and so do prompts and answers. If the name comes again, it is another person.

    **Example:** `votewise collect erase study user-42`
    """
    pseudonym = workflow.collect_erase(folder, person, product=product)
    if not quiet:
        say(f"The name is erased; the votes stay under {pseudonym}.")
