"""The page on a jury: what its judges are worth, alone and together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from votewise.annotators.jury_figures import Figure, JudgeFigures, JuryWorth

MOST_JUDGES = 100


def write_jury_report(
    path: str | os.PathLike[str], worth: JuryWorth, *, title: str, facts: Mapping[str, object] | None = None
) -> Path:
    """Write the page as one HTML file that opens offline, completely or not at all. Returns the path.

    Args:
        path: where to write.
        worth: what ``votewise.annotators.jury_worth.jury_worth`` returned.
        title: heading of the page.
        facts: how the report was made, name -> value.

    Raises:
        BadInputError: the file cannot be written.
    """
    from votewise.report import page

    return page.write(path, render_jury_report(worth, title=title, facts=facts))


def render_jury_report(worth: JuryWorth, *, title: str, facts: Mapping[str, object] | None = None) -> str:
    """The page that ``write_jury_report`` writes, as a string."""
    from votewise.report import page

    together = worth.together
    order = sorted(worth.judges, key=lambda judge: -np.nan_to_num(judge.reliability.value, nan=-1.0))
    return page.render(
        "jury.html.j2",
        specs={},
        title=title,
        facts=dict(facts or {}),
        worth=worth,
        together=together,
        groups=len({judge.group for judge in worth.judges}),
        judges=[_row(judge, together.cheapest if together else ()) for judge in order[:MOST_JUDGES]],
        known=np.isfinite,
        ahead=_ahead(together.ahead) if together else None,
    )


def _ahead(figure: Figure) -> str:
    """Whether the jury is better than its best judge, as far as the interval tells."""
    return "better" if figure.low > 0 else "worse" if figure.high < 0 else "open"


def _row(judge: JudgeFigures, cheapest: tuple[str, ...]) -> dict[str, Any]:
    return {"judge": judge, "kept": judge.name in cheapest}
