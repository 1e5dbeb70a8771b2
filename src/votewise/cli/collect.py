"""``votewise collect``: gather comparisons and votes. Each of its commands has a file of its own."""

from __future__ import annotations

import typer

from votewise.cli.collect_campaign import campaign
from votewise.cli.collect_erase import erase
from votewise.cli.collect_export import export
from votewise.cli.collect_import import import_
from votewise.cli.collect_init import init
from votewise.cli.collect_invite import invite
from votewise.cli.collect_key import key
from votewise.cli.collect_migrate import migrate
from votewise.cli.collect_serve import serve
from votewise.cli.collect_simulate import simulate
from votewise.cli.collect_status import status

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def collect() -> None:
    """Gather comparisons and votes in a database of your own.

    `votewise collect init` makes a folder with settings and a database, `votewise collect key` a key for your product, and
    `votewise collect serve` runs the service to which the product posts. `votewise collect status` shows what there is.
    """


app.command()(init)
app.command()(key)
app.command()(serve)
app.command()(status)
app.command()(export)
app.command()(erase)
app.command()(simulate)
app.command()(migrate)
app.command("import")(import_)
app.command()(invite)
app.command()(campaign)
