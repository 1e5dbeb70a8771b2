"""``votewise collect migrate``: tables of an earlier version -> those of this one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import Quiet
from votewise.workflows import collect_migrate as workflow

Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder that `votewise collect init` made.", show_default=False)
]


def migrate(folder: Folder, quiet: Quiet = False) -> None:
    """Bring a collection's tables to the version that this votewise works with.

    Make a copy of the database before. Either all steps are made or, where one fails, none.

    **Example:** `votewise collect migrate study`
    """
    from votewise.cli.printing.collect import print_migration

    result = workflow.collect_migrate(folder)
    if not quiet:
        print_migration(result)
