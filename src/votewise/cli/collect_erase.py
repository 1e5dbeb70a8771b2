"""``votewise collect erase``: a person without name and texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import Json, Quiet
from votewise.workflows import collect_erase as workflow

Erased = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder that `votewise collect init` made.", show_default=False)
]
Person = Annotated[
    str | None,
    typer.Argument(metavar="PERSON", help="What a product calls the person, or the pseudonym.", show_default=False),
]
OfProduct = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The product that calls the person so.", show_default="the only one that does"),
]
List = Annotated[bool, typer.Option("--list", help="Say who was erased, and change nothing.")]


def erase(
    folder: Erased,
    person: Person = None,
    product: OfProduct = None,
    list: List = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Remove a person's name, prompts, the answers to them, and reasons for good.

    The votes stay under the pseudonym. A prompt stays as long as somebody else has posted the same texts. If the name comes
    again, it is another person.

    **Examples:**

    `votewise collect erase study user-42`

    `votewise collect erase study --list`
    """
    from votewise.cli.printing.collect import print_erasure
    from votewise.cli.printing.common import print_json

    result = workflow.collect_erase(folder, person, product=product, list=list)
    if as_json:
        print_json(result.summary())
    elif not quiet:
        print_erasure(result, listed=list)
