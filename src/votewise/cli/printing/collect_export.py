"""What ``votewise collect export`` prints."""

from __future__ import annotations

from votewise.cli.printing.common import say
from votewise.errors import many
from votewise.workflows.collect_export import CollectExport, CollectExportCheck

LEFT_OUT = {
    "inattentive": "of people below the threshold",
    "unlikely": "with less confidence",
    "ties": "that prefer neither answer",
    "erased": "on texts that were erased",
}


def print_collect_export(result: CollectExport) -> None:
    """Print how many rows there are, how many votes were left out and why, and where the files are."""
    say(f"{many(len(result.table), 'row')}; beliefs as of votewise {result.manifest['beliefs']['from']}")
    for name, number in result.left_out.items():
        if number:
            say(f"{many(number, 'vote')} left out, {LEFT_OUT[name]}")
    for file in result.files:
        say(f"Written to {file}")


def print_check(result: CollectExportCheck) -> None:
    """Print what differs, or that nothing does."""
    for problem in result.problems:
        say(problem)
    if result.problems:
        return
    say(f"{result.file} is the file that was exported, and the votes of then are in the database.")
    if result.made_again:
        say("Made again, it is the same byte for byte.")
    else:
        say("It was made by another version of votewise, so it was not made again.")
