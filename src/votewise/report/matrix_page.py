"""The report on several models: the win rate of each against each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from votewise.data.win_rates import MatrixResult, Rate, WinRateResult
from votewise.errors import many
from votewise.report.contest_gallery import KINDS, build_contest_gallery
from votewise.report.score_bars import score_bars

MAX_MODELS = 40
"""Rows and columns of the matrix."""
MAX_MATCHUPS = 400


def write_matrix_report(
    path: str | os.PathLike[str], result: MatrixResult, *, title: str, facts: Mapping[str, object] | None = None
) -> Path:
    """Write the report on several models as one HTML file that opens offline and loads nothing from the network.

    Args:
        path: where to write; an existing file is replaced only once the new one is complete.
        result: what ``evaluate_matrix`` returned.
        title: heading of the page.
        facts: further entries of the section on how the report was made, name -> value.

    Returns:
        The path.

    Raises:
        BadInputError: the file cannot be written.
    """
    from votewise.report import page

    return page.write(path, render_matrix_report(result, title=title, facts=facts))


def render_matrix_report(result: MatrixResult, *, title: str, facts: Mapping[str, object] | None = None) -> str:
    """The page that ``write_matrix_report`` writes, as a string."""
    from votewise.report import page

    rows = pair_rows(result)
    return page.render(
        "matrix.html.j2",
        specs={},
        title=title,
        facts=dict(facts or {}),
        result=result,
        best=result.models[0],
        total=sum(found.rate.contests for found in result.matchups.values()),
        decided=sum(_sure(row["rate"]) for row in rows),
        notes=_notes(result),
        ranking=ranking(result),
        cells=heat(result, result.models[:MAX_MODELS]),
        shown=min(len(result.models), MAX_MODELS),
        matchups=rows,
        matchups_listed=rows[:MAX_MATCHUPS],
        controlled=any(row["controlled"] is not None for row in rows),
        swapped=any(row["swapped"] is not None for row in rows),
        scores=score_bars(dict(list(result.scores.items())[:MAX_MODELS])),
        gallery=build_contest_gallery(list(result.matchups.values())),
        kinds=KINDS,
        expected_misses=f"{len(rows) * (1 - result.level):.1f}",
    )


def ranking(result: MatrixResult) -> list[dict[str, Any]]:
    """Each model with its mean win rate, how many others it was compared with, and how many it is clearly better than."""
    found = []
    for model in result.models:
        rates = [rate for other in result.models if (rate := result.rate(model, other)) is not None]
        beaten = sum(rate.low > 0.5 for rate in rates)
        found.append({"model": model, "mean": result.mean[model], "met": len(rates), "beaten": beaten})
    return found


def heat(result: MatrixResult, models: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows of the matrix; ``sure`` cells have intervals that do not contain 50%."""
    rows = []
    for model in models:
        cells = []
        for other in models:
            rate = result.rate(model, other)
            cells.append({"rate": rate, "self": model == other, "sure": rate is not None and _sure(rate)})
        rows.append({"model": model, "cells": cells})
    return rows


def pair_rows(result: MatrixResult) -> list[dict[str, Any]]:
    """One row per matchup with the better model first; the clearest come first."""
    rows = []
    for (a, b), found in result.matchups.items():
        better, worse = (a, b) if found.rate.value >= 0.5 else (b, a)
        rate = result.rate(better, worse)
        assert rate is not None  # noqa: S101 - the pair is one of the result's
        rows.append(
            {
                "better": better,
                "worse": worse,
                "rate": rate,
                "controlled": _controlled(found, better == a),
                "swapped": None if found.swaps is None else found.swaps.disagreement,
            }
        )
    return sorted(rows, key=lambda row: -row["rate"].value)


def _controlled(found: WinRateResult, forwards: bool) -> float | None:
    if found.length_controlled is None:
        return None
    value = found.length_controlled.rate.value
    return value if forwards else 1 - value


def _notes(result: MatrixResult) -> list[tuple[str, str]]:
    failed = sum(found.failed for found in result.matchups.values())
    if not failed:
        return []
    total = sum(len(found.contests) for found in result.matchups.values())
    severity = "warning" if failed > 0.05 * total else "info"
    return [(severity, f"Without a verdict, and not counted: {failed:,} of {many(total, 'contest')}.")]


def _sure(rate: Rate) -> bool:
    """Whether the interval is entirely on one side of 1/2."""
    return rate.low > 0.5 or rate.high < 0.5
