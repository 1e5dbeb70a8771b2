"""``votewise collect key``: who may post."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.printing.common import say
from votewise.workflows import collect_key as workflow

Keyed = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder that `votewise collect init` made.", show_default=False)
]
Product = Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's name.", show_default=False)]
Revoke = Annotated[bool, typer.Option("--revoke", help="Make the product's key worthless; what it posted stays.")]


def key(folder: Keyed, product: Product, revoke: Revoke = False) -> None:
    """Make the key with which a product posts, and print it.

    It is shown this once: the database has its SHA-256 only. A product has one key, and a new one takes its place.

    **Examples:**

    `votewise collect key study website`

    `votewise collect key study website --revoke`
    """
    made = workflow.collect_key(folder, product, revoke=revoke)
    say(f"The key of {product} is revoked." if made is None else made)
