"""Where an estimate should be read with care, a diagnostic says so."""

from __future__ import annotations

import numpy as np

from votewise.annotators.estimate import estimate_reliability
from votewise.data.votes import Votes
from votewise.inference.priors import Beta
from votewise.simulate import simulate_annotators


def codes(result: object, level: str | None = None) -> list[str]:
    return [d.code for d in result.diagnostics if level in (None, d.severity)]  # type: ignore[attr-defined]


def test_annotators_worse_than_chance_are_reported() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice([-1, 1], 400)
    pair, annotator = np.arange(400), rng.integers(0, 8, 400)
    votes = Votes.from_arrays(pair, annotator, -truth, margin=4.0 * truth)
    assert "worse-than-chance" in codes(estimate_reliability(votes), "warning")


def test_findings_without_data_are_not_printed_as_findings() -> None:
    """One vote each, five to a pair: hardly any interval is narrower than the prior's."""
    data = simulate_annotators(annotators=500, votes_per_annotator=(1, 1), seed=1)
    assert "prior-dominated" in codes(estimate_reliability(data.votes, prior=Beta(5, 2)), "warning")


def test_worst_comes_first() -> None:
    votes = Votes.from_arrays([0, 0, 1], [0, 1, 2], [1, -1, 1], swapped=[False, True, False])
    levels = [d.severity for d in estimate_reliability(votes).diagnostics]
    assert len(set(levels)) > 1
    assert levels == sorted(levels, key=("error", "warning", "info").index)
