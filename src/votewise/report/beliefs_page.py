"""The page on a training run: what it believes about annotators and rows now, and how that came about."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.arrays import Floats

LISTED = 20
"""Annotators in the table from each end."""
MAX_STEPS = 400
"""Most points of a line; an even sample of the others, with the last one."""

MEASURES = {
    "noise_rate": "Estimated share of wrong votes",
    "effective": "Share of rows that the votes are worth",
    "lowest": "Lowest reliability of an annotator",
    "temperature": "Temperature of the margins",
}
"""What is drawn over steps -> its heading."""


@dataclass(frozen=True, eq=False)
class TrainingView:
    """What a training run believes at one step.

    Attributes:
        step: optimiser steps done, and how many the run has in all.
        names: the K annotators.
        votes: (K,) decided votes of each one, by their weights.
        reliability: (K,) probability that a vote of each agrees with the truth.
        confidence: (n,) of the rows seen so far, the probability that the chosen answer is better; NaN is left out.
        temperature: factor on first-seen margins.
        rows: rows that there are; None for a stream.
        history: one entry per log step with ``step`` and the names of ``MEASURES``.
        facts: how the run was set up, name -> value.
    """

    step: tuple[int, int]
    names: Sequence[str]
    votes: Floats
    reliability: Floats
    confidence: Floats
    temperature: float
    rows: int | None
    history: Sequence[Mapping[str, float]]
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def noise_rate(self) -> float | None:
        """Estimated share of wrong votes; None without votes."""
        total = float(self.votes.sum())
        return float(self.votes @ (1 - self.reliability)) / total if total else None


def write_beliefs_report(path: str | os.PathLike[str], view: TrainingView, *, title: str) -> Path:
    """Write the page as one HTML file that opens offline, completely or not at all. Returns the path.

    Raises:
        BadInputError: the file cannot be written.
    """
    from votewise.report import page

    return page.write(path, render_beliefs_report(view, title=title))


def render_beliefs_report(view: TrainingView, *, title: str) -> str:
    """The page that ``write_beliefs_report`` writes, as a string."""
    from votewise.report import belief_charts, page

    confidence = view.confidence[np.isfinite(view.confidence)]
    reliability = _bins(view.reliability, "annotators", votes=view.votes)
    rows = _bins(confidence, "rows")
    figures = {}
    if len(view.names):
        figures["annotators"] = belief_charts.share_histogram(reliability, "annotators", title="Reliability")
        figures["votes"] = belief_charts.share_histogram(reliability, "votes", title="Reliability")
    if len(confidence):
        figures["confidence"] = belief_charts.share_histogram(rows, "rows", title="Confidence in the chosen answer")
    history = _thinned(view.history)
    lines = {name: table for name in MEASURES if len(table := _line(history, name)) > 1}
    for name, table in lines.items():
        figures[name] = belief_charts.over_steps(table, MEASURES[name], share=name != "temperature")
    order = np.argsort(view.reliability, kind="stable")
    shown = order if len(order) <= 2 * LISTED else np.concatenate([order[:LISTED], order[-LISTED:]])
    return page.render(
        "beliefs.html.j2",
        specs=page.specs_of(figures),
        title=title,
        view=view,
        seen=len(confidence),
        flipped=int((confidence < 0.5).sum()),
        effective=float(((2 * confidence - 1) ** 2).sum()),
        lines={name: MEASURES[name] for name in lines},
        history=_last(history),
        tables={"reliability": reliability.to_pylist(), "confidence": rows.to_pylist()},
        listed=[
            {"name": str(view.names[k]), "votes": float(view.votes[k]), "reliability": float(view.reliability[k])}
            for k in shown
        ],
    )


def _bins(values: Floats, what: str, *, votes: Floats | None = None) -> pa.Table:
    """Bins that hold something: ``low``, ``high``, the count under the name ``what``, and ``votes`` if given."""
    edges = np.linspace(0, 1, 41)
    counts = np.histogram(values, edges)[0]
    columns: dict[str, Any] = {"low": edges[:-1], "high": edges[1:], what: counts}
    if votes is not None:
        columns["votes"] = np.histogram(values, edges, weights=votes)[0]
    return pa.table(columns).filter(pa.array(counts > 0))


def _thinned(history: Sequence[Mapping[str, float]]) -> list[Mapping[str, float]]:
    if len(history) <= MAX_STEPS:
        return list(history)
    return [history[i] for i in np.unique(np.linspace(0, len(history) - 1, MAX_STEPS).astype(int))]


def _line(history: Sequence[Mapping[str, float]], name: str) -> pa.Table:
    """Columns ``step`` and ``value``, where the value is a number."""
    found = [(entry["step"], entry[name]) for entry in history if np.isfinite(entry.get(name, np.nan))]
    return pa.table({"step": [step for step, _ in found], "value": [float(value) for _, value in found]})


def _last(history: Sequence[Mapping[str, float]]) -> list[Mapping[str, float]]:
    """The newest entries for the table behind the lines, newest first."""
    return list(history[::-1][:LISTED])
