"""The report on a win rate: how often one model's answers beat another's, and contests to read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import expit

from votewise.data.win_rates import SubsetRate, WinRateResult
from votewise.errors import many
from votewise.report.contest_gallery import KINDS, build_contest_gallery
from votewise.report.score_bars import score_bars

MAX_DOMAINS = 100
FEW_PROMPTS = 50
MUCH_SWAPPING = 0.25
MANY_FAILURES = 0.05
CURVE_POINTS = 60


def write_win_rate_report(
    path: str | os.PathLike[str], result: WinRateResult, *, title: str, facts: Mapping[str, object] | None = None
) -> Path:
    """Write the report on a win rate as one HTML file that opens offline and loads nothing from the network.

    Args:
        path: where to write; an existing file is replaced only once the new one is complete.
        result: what ``evaluate_win_rate`` returned.
        title: heading of the page.
        facts: further entries of the section on how the report was made, name -> value; ``date`` and ``version`` are also
            shown under the title.

    Returns:
        The path.

    Raises:
        BadInputError: the file cannot be written.
    """
    from votewise.report import page

    return page.write(path, render_win_rate_report(result, title=title, facts=facts))


def render_win_rate_report(result: WinRateResult, *, title: str, facts: Mapping[str, object] | None = None) -> str:
    """The page that ``write_win_rate_report`` writes, as a string."""
    from votewise.report import page
    from votewise.report.win_rate_charts import rate_by_length

    verdicts = result.verdicts
    figures: dict[str, Any] = {}
    if len(result.by_length) > 1:
        figures["length"] = rate_by_length(
            _bins(result), _curve(result), description="Win rate of A by difference in length"
        )
    scores = {}
    if verdicts.score_a is not None and verdicts.score_b is not None:
        scores = {result.contests.model_a: verdicts.score_a, result.contests.model_b: verdicts.score_b}
    return page.render(
        "win_rate.html.j2",
        specs=page.specs_of(figures),
        title=title,
        facts=dict(facts or {}),
        result=result,
        contests=result.contests,
        rate=result.rate,
        controlled=result.length_controlled,
        swaps=result.swaps,
        notes=notes(result),
        shares=_shares(result),
        by_length=result.by_length,
        domains=[_row(part) for part in result.by_domain[:MAX_DOMAINS]],
        n_domains=len(result.by_domain),
        scores=score_bars(scores),
        gallery=build_contest_gallery([result]),
        kinds=KINDS,
    )


def notes(result: WinRateResult) -> list[tuple[str, str]]:
    """(severity, message) of what a reader should know, worst first."""
    found: list[tuple[str, str]] = []
    total = len(result.contests)
    if result.failed > MANY_FAILURES * total:
        found.append(
            (
                "warning",
                f"Without a verdict, and not counted: {result.failed:,} of {many(total, 'contest')}. If they differ from "
                "the others, the win rate is biased.",
            )
        )
    if result.swaps is not None and result.swaps.disagreement > MUCH_SWAPPING:
        found.append(
            (
                "warning",
                f"The judge changed its verdict in {result.swaps.disagreement:.0%} of the contests when the order of "
                "the answers was swapped. Such contests count as ties, or almost, and pull the win rate towards 50%.",
            )
        )
    controlled = result.length_controlled
    if controlled is not None and controlled.constant:
        found.append(("info", "All differences in length are equal, so there is nothing to control for."))
    elif controlled is not None and (result.rate.value - 0.5) * (controlled.rate.value - 0.5) < 0:
        found.append(
            ("warning", "At equal lengths the other model is ahead: the difference in length decides the result.")
        )
    if result.rate.prompts < FEW_PROMPTS:
        found.append(
            (
                "warning",
                f"There are only {result.rate.prompts} prompts: with other prompts the result could be the opposite.",
            )
        )
    return found


def _shares(result: WinRateResult) -> list[dict[str, Any]]:
    """Won, tied and lost as shares of the contests with a verdict."""
    total = result.wins + result.ties + result.losses
    each = (("won", result.wins), ("tie", result.ties), ("lost", result.losses))
    return [{"kind": kind, "number": number, "share": number / total} for kind, number in each]


def _row(part: SubsetRate) -> dict[str, Any]:
    return {"name": part.name, "rate": part.rate}


def _bins(result: WinRateResult) -> pa.Table:
    """The bins by length as rows of the chart."""
    difference = result.contests.length_difference
    rows = []
    for part in result.by_length:
        if difference is None or part.start is None or part.end is None:
            continue
        inside = result.verdicts.judged & (difference >= part.start) & (difference <= part.end)
        rows.append(
            {
                "difference": float(difference[inside].mean()),
                "start": part.start,
                "end": part.end,
                "rate": part.rate.value,
                "low": part.rate.low,
                "high": part.rate.high,
                "contests": part.rate.contests,
            }
        )
    return pa.Table.from_pylist(rows)


def _curve(result: WinRateResult) -> pa.Table:
    """The fitted win rate by difference in length, averaged over the prompts' difficulty; no rows without a fit."""
    controlled, difference = result.length_controlled, result.contests.length_difference
    if controlled is None or controlled.constant or difference is None:
        return pa.table({"difference": pa.array([], pa.float64()), "rate": pa.array([], pa.float64())})
    judged = result.verdicts.judged
    hard = result.contests.difficulty
    base = np.full(int(judged.sum()), controlled.bias)
    if controlled.difficulty is not None and hard is not None:
        base = base + controlled.difficulty * hard[judged]
    grid = np.linspace(difference[judged].min(), difference[judged].max(), CURVE_POINTS)
    rate = [float(expit(base + controlled.length * np.tanh(-d / controlled.deviation)).mean()) for d in grid]
    return pa.table({"difference": grid, "rate": rate})
