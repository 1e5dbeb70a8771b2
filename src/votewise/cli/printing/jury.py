"""What ``votewise jury`` prints, and ``votewise judge`` after its votes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from votewise.annotators.jury_figures import Figure, JuryTogether, JuryWorth
from votewise.cli.printing.common import TABLE_STYLE, Screen, say, written
from votewise.errors import many


def print_jury(worth: JuryWorth, files: Sequence[Path] = ()) -> None:
    """Print what each judge and the jury are worth, and where the files are."""
    screen = Screen()
    table = Table(box=TABLE_STYLE["box"], pad_edge=False)
    for name in ("Judge", "Group", "Right", "First", "Orders", "Again", "Longer"):
        table.add_column(name, justify="left" if name in ("Judge", "Group") else "right", overflow="fold")
    for judge in worth.judges:
        figures = (judge.reliability, judge.first, judge.orders, judge.repeats, judge.longer)
        table.add_row(escape(judge.name), escape(judge.group), *map(_share, figures))
    screen.print(table)
    say(
        f"±: half-width of the {worth.level:.0%} interval. First: share for the answer shown first. Orders, Again: the same"
    )
    say("verdict in both orders, and when asked again. Longer: preference for the longer answer.\n")
    if worth.together is not None:
        _print_together(worth, worth.together)
    for note in worth.notes:
        say(note)
    if files:
        screen.print(written(files))


def _print_together(worth: JuryWorth, together: JuryTogether) -> None:
    reference = "gold" if worth.reference == "gold" else "people"
    say(f"Worth      {_number(together.worth)} independent judges; Kish's number {_number(together.kish)}")
    say(f"Jury       right on {_shares(together.jury)} of {many(together.compared, 'pair')} with {reference}")
    say(f"           it says so itself with {_shares(together.said)}")
    say(f"Best judge right on {_shares(together.best)}; jury less best {_points(together.ahead)}")
    say(
        f"Cheapest   {', '.join(together.cheapest)}: {together.cheapest_share:.0%} of what all tell, for "
        f"{together.cheapest_cost:.0%} of the cost"
    )
    how = "estimated" if worth.person_known else "assumed"
    say(
        f"Open       {many(together.open_pairs, 'pair')}; about {many(round(together.human_votes), 'vote')} of people "
        f"would settle them (each right with {worth.person:.0%}, {how})"
    )


def _share(figure: Figure) -> str:
    if math.isnan(figure.value):
        return ""
    return f"{figure.value:.0%}" + ("" if math.isnan(figure.low) else f" ±{50 * (figure.high - figure.low):.0f}")


def _shares(figure: Figure) -> str:
    return f"{figure.value:.1%}" + ("" if math.isnan(figure.low) else f" ({figure.low:.1%} to {figure.high:.1%})")


def _number(figure: Figure) -> str:
    if math.isnan(figure.value):
        return "unknown"
    return f"{figure.value:.1f}" + ("" if math.isnan(figure.low) else f" ({figure.low:.1f} to {figure.high:.1f})")


def _points(figure: Figure) -> str:
    return f"{100 * figure.value:+.1f} points" + (
        "" if math.isnan(figure.low) else f" ({100 * figure.low:+.1f} to {100 * figure.high:+.1f})"
    )
