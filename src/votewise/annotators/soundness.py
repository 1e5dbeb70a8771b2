"""Where an estimate is possible and should be read with care."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from votewise.annotators.beliefs import Beliefs
from votewise.arrays import Floats
from votewise.inference.calibration import expected_calibration_error
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.observation import Evidence

POOR_FIT, ENOUGH_VOTES = 0.03, 500
"""Calibration error that is worth a warning, and votes from which it is more than noise."""

UNMOVED = 0.95
"""An interval wider than this share of the prior's is about as wide as before any vote was seen."""


def soundness(
    evidence: Evidence,
    beliefs: Beliefs,
    low_high: tuple[Floats, Floats],
    prior_width: float,
    calibration: pa.Table,
    worth: Floats | None = None,
) -> Iterator[Diagnostic]:
    """What a reader should know about the numbers.

    Args:
        evidence: the votes.
        beliefs: what was estimated from them.
        low_high: (K,) ends of the annotators' intervals.
        prior_width: width of the interval that the prior alone gives.
        calibration: how well each vote is predicted by all others, see ``predictive_calibration``.
        worth: (K,) how many independent votes one vote of each annotator counts for; None for one each.
    """
    total = evidence.counts.sum()
    if total == 0:
        return
    overall = float(evidence.counts @ beliefs.reliability / total)
    if overall < 0.5:
        yield Diagnostic(
            "worse-than-chance",
            "warning",
            f"The annotators as a whole are estimated to be wrong more often than right (reliability {overall:.2f}). Check "
            "that the label column says which response was preferred, not which was rejected.",
        )
    unmoved = evidence.counts[low_high[1] - low_high[0] > UNMOVED * prior_width].sum() / total
    if unmoved > 0.5:
        yield Diagnostic(
            "prior-dominated",
            "warning",
            f"{unmoved:.0%} of the votes come from annotators whose intervals are about as wide as before any vote was "
            "seen: their reliabilities are the prior's, not findings.",
        )
    error = expected_calibration_error(calibration)
    each = 1.0 if worth is None else float(evidence.counts @ worth / total)
    if error > POOR_FIT and each * sum(calibration["votes"].to_pylist()) >= ENOUGH_VOTES:
        yield Diagnostic(
            "poor-fit",
            "warning",
            f"Votes predicted from all other votes are off by {100 * error:.0f} points on average: the model does not "
            "describe these votes well (pairs may differ in difficulty, or annotators may copy one another).",
        )
