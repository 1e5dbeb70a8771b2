"""What the commands about a collection's campaign print."""

from __future__ import annotations

from votewise.cli.printing.common import say
from votewise.errors import many
from votewise.workflows.collect_import import CollectImport


def print_import(result: CollectImport) -> None:
    """Print what became of the pairs."""
    say(f"{many(result.new, 'new pair')}; {many(result.total, 'pair')} to judge in all")
    for number, what in (
        (result.known, "there already"),
        (result.other_texts, "left out: their names are there with other texts"),
    ):
        if number:
            say(f"{many(number, 'pair')} {what}")
    if result.identical:
        say(f"{many(result.identical, 'row')} left out, with two equal answers")
    if result.rejected:
        where = "" if result.rejected_file is None else f"; see {result.rejected_file}"
        say(f"{many(result.rejected, 'row')} left out, because they cannot be used{where}")
