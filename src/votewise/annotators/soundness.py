"""Where an estimate is possible and should be read with care."""

from __future__ import annotations

from collections.abc import Iterator

from votewise.annotators.beliefs import Beliefs
from votewise.arrays import Floats
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.observation import Evidence

UNMOVED = 0.95
"""An interval wider than this share of the prior's is about as wide as before any vote was seen."""


def soundness(
    evidence: Evidence,
    beliefs: Beliefs,
    low_high: tuple[Floats, Floats],
    prior_width: float,
) -> Iterator[Diagnostic]:
    """What a reader should know about the numbers.

    Args:
        evidence: the votes.
        beliefs: what was estimated from them.
        low_high: (K,) ends of the annotators' intervals.
        prior_width: width of the interval that the prior alone gives.
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
