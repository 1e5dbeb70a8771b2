"""``votewise collect init``: a folder with settings and a database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import Defaults, Quiet
from votewise.workflows import collect_init as workflow

DEFAULTS = Defaults(workflow.collect_init)

NewFolder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to make.", show_default=False)]
ModelA = Annotated[str, typer.Option(metavar="NAME", help="The model whose answers are compared, in new settings.")]
ModelB = Annotated[str, typer.Option(metavar="NAME", help="The model that it is compared with, in new settings.")]


def init(
    folder: NewFolder,
    model_a: ModelA = DEFAULTS.model_a,
    model_b: ModelB = DEFAULTS.model_b,
    quiet: Quiet = False,
) -> None:
    """Make a folder with settings and a database for a collection.

    `collect.toml` in the folder has the settings, each with its meaning. The database is SQLite, or PostgreSQL where the
    settings name the environment variable with its URL; run the command again after such a change.

    **Example:** `votewise collect init study --model-a tuned-7b --model-b base-7b`
    """
    from votewise.cli.printing.collect import print_folder

    result = workflow.collect_init(folder, model_a=model_a, model_b=model_b)
    if not quiet:
        print_folder(result)
