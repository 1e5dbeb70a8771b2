"""``votewise collect serve``: the web service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import Defaults, Quiet
from votewise.workflows import collect_serve as workflow

DEFAULTS = Defaults(workflow.collect_serve)

Served = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder that `votewise collect init` made.", show_default=False)
]
Host = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 for all addresses of this machine.")
]
Port = Annotated[int, typer.Option(metavar="NUMBER", help="The port; 0 for any that is free.")]


def serve(folder: Served, host: Host = DEFAULTS.host, port: Port = DEFAULTS.port, quiet: Quiet = False) -> None:
    """Serve the API to which products post comparisons and votes, until Ctrl-C.

    Its OpenAPI document is at `/api/v1/openapi.json`. The service speaks HTTP: let a server that speaks HTTPS stand in
    front of it, wherever it is reached over a network.

    **Example:** `votewise collect serve study --port 8620`
    """
    from votewise.cli.printing.collect import print_address

    workflow.collect_serve(folder, host=host, port=port, started=None if quiet else print_address)
