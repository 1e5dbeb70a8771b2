"""What ``votewise export`` prints."""

from __future__ import annotations

from typing import Literal

from votewise.cli.printing.common import say
from votewise.workflows.export import ExportResult


def print_export(
    result: ExportResult, *, min_confidence: float, flip_below: float | None, what: Literal["votes", "pairs"]
) -> None:
    """Print how many votes (or pairs) were kept, flipped and dropped, a line each, and where the file is."""
    rows = [(result.kept, f"{what} kept, with confidence {min_confidence:g} or more")]
    if flip_below is not None:
        rows.append((result.flipped, f"{what} flipped, with confidence below {flip_below:g}"))
    rows.append((result.dropped, f"{what} dropped, with less confidence"))
    rows.append(
        (result.ties, "ties dropped" if what == "votes" else "pairs dropped, with both responses equally likely")
    )
    width = max(len(f"{number:,}") for number, _ in rows)
    for number, text in rows:
        say(f"{number:>{width},} {text}")
    for note in result.notes:
        say(note)
    for file in result.files:
        say(f"Written to {file}")
