"""Histograms of scores, one per model on one scale, drawn as plain bars in HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from votewise.arrays import Floats

BINS = 40


@dataclass(frozen=True)
class ScoreBars:
    """One model's scores: ``heights`` (BINS,) of the bars, 1 for the tallest of all, and ``place`` of the mean, 0 to 1."""

    model: str
    heights: tuple[float, ...]
    mean: float
    deviation: float
    answers: int
    place: float


@dataclass(frozen=True)
class ScoreScale:
    """Histograms on one scale from ``low`` to ``high``; scores outside are in the outermost bars."""

    low: float
    high: float
    models: tuple[ScoreBars, ...]


def score_bars(scores: Mapping[str, Floats]) -> ScoreScale | None:
    """Histograms of finite scores by model; None without finite scores.

    The scale runs from the 0.5% to the 99.5% quantile of all scores, so that one extreme score does not flatten the rest.
    """
    known = {model: values[np.isfinite(values)] for model, values in scores.items()}
    known = {model: values for model, values in known.items() if len(values)}
    if not known:
        return None
    everything = np.concatenate(list(known.values()))
    low, high = (float(end) for end in np.quantile(everything, [0.005, 0.995]))
    if not high > low:
        low, high = low - 0.5, high + 0.5
    shares = {}
    for model, values in known.items():
        inside = np.clip(values, low, high)
        shares[model] = np.histogram(inside, bins=BINS, range=(low, high))[0] / len(values)
    tallest = max(float(share.max()) for share in shares.values())
    return ScoreScale(
        low,
        high,
        tuple(
            ScoreBars(
                model=model,
                heights=tuple((shares[model] / tallest).tolist()),
                mean=float(values.mean()),
                deviation=float(values.std()),
                answers=len(values),
                place=float(np.clip((values.mean() - low) / (high - low), 0, 1)),
            )
            for model, values in known.items()
        ),
    )
