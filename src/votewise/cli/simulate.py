"""``votewise simulate``: data whose truth is known. Each of its commands has a file of its own."""

from __future__ import annotations

import typer

from votewise.cli.simulate_annotators import annotators
from votewise.cli.simulate_users import users

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def simulate() -> None:
    """Make votes or clicks whose truth is known, to try things out.

    `votewise simulate annotators` makes votes by annotators, for `votewise audit`; `votewise simulate users` makes clicks
    of users on two models' answers, for `votewise filter`.
    """


app.command()(annotators)
app.command()(users)
