"""The command line: one file per command. A command declares its options, calls its workflow and prints the result.

Modules that are slow to import are imported inside the commands, so that ``votewise --help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from votewise._version import __version__
from votewise.cli import (
    audit,
    collect,
    demo,
    evaluate,
    export,
    filter,
    formats,
    generate,
    judge,
    jury,
    rank,
    read,
    score,
    simulate,
    train,
)
from votewise.errors import BadInputError, VotewiseError, visible

app = typer.Typer(
    name="votewise",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"votewise {__version__}")
        raise typer.Exit


@app.callback()
def votewise(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Find out which preference votes to trust, and train a model on them.

    Start with `votewise demo`, which shows everything on votes whose truth is known, or with `votewise read`, which shows
    what would be read from your file.

    **People or models voted on pairs of answers:** `votewise audit` finds out which annotators, votes and pairs to trust,
    and `votewise export` writes a training file without the votes that are probably wrong.

    **Users clicked the better of two answers:** `votewise filter` finds out which users click with care, and keeps their
    comparisons. `votewise rank` ranks several models by such votes.

    **Train and evaluate:** `votewise train` trains a model on votes and learns which annotators to trust at the same time.
    `votewise generate` generates answers, `votewise score` scores pairs of answers, `votewise judge` asks language models
    for votes on them, `votewise jury` measures what such votes are worth, and `votewise evaluate` measures how often one
    model's answers beat another's.

    **Gather votes of your own:** `votewise collect` keeps comparisons and votes in a database.

    **Try things out:** `votewise simulate` makes votes and clicks whose truth is known.
    """


app.command()(read.read)
app.command()(audit.audit)
app.command()(export.export)
app.command("filter")(filter.filter_clicks)
app.command(context_settings=train.CONTEXT)(train.train)
app.command()(rank.rank)
app.command()(generate.generate)
app.command()(score.score)
app.command()(judge.judge)
app.command()(jury.jury)
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(collect.app, name="collect")
app.add_typer(simulate.app, name="simulate")
app.command()(formats.formats)
app.command()(demo.demo)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error that the user can fix is one line on stderr, and the exit code tells its kind."""
    try:
        app(arguments)
    except VotewiseError as error:
        line = error.in_shell() if isinstance(error, BadInputError) else str(error)
        print(f"votewise: {visible(line, lines=True)}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
