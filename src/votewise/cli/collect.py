"""``votewise collect``: gather comparisons and votes. Each of its commands has a file of its own."""

from __future__ import annotations

import typer

from votewise.cli.collect_init import init
from votewise.cli.collect_migrate import migrate

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def collect() -> None:
    """Gather comparisons and votes in a database of your own.

    `votewise collect init` makes a folder with settings and a database.
    """


app.command()(init)
app.command()(migrate)
