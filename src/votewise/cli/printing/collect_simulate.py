"""What ``votewise collect simulate`` prints."""

from __future__ import annotations

from votewise.cli.printing.common import say
from votewise.errors import many
from votewise.workflows.collect_simulate import CollectSimulation, SimulatedFigure


def print_simulation(result: CollectSimulation) -> None:
    """Print a row for each rule, with intervals for one more campaign."""
    say(
        f"{many(result.pairs, 'pair')}, {many(result.annotators, 'annotator')} ({result.crowd}); "
        f"means of {result.campaigns} campaigns and where 95% fall"
    )
    priced = any(one.cost is not None for one in result.rules)
    rows = [["rule", "votes a pair", "right", "claimed", "contested", *(["cost"] if priced else [])]]
    for one in result.rules:
        row = [one.rule, _shown(one.votes, "{:.2f}")]
        row += [_shown(figure, "{:.1%}") for figure in (one.right, one.claimed, one.contested)]
        rows.append(row + ([] if one.cost is None else [_shown(one.cost, "{:,.0f}")]))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if result.saved is not None:
        saved = _shown(result.saved, "{:.0%}")
        say(f"The adaptive rule saves {saved} of the votes of a fixed redundancy that is right equally often.")


def _shown(figure: SimulatedFigure, form: str) -> str:
    mean, low, high = (form.format(value) for value in (figure.mean, figure.low, figure.high))
    return f"{mean} ({low} to {high})"
