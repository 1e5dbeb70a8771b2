"""Flags follow the intervals."""

from __future__ import annotations

import numpy as np

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.flags import annotator_flags
from votewise.simulate import simulate_annotators


def test_flags_follow_the_interval() -> None:
    low = np.array([0.75, 0.6, 0.45, 0.1, 0.72])
    high = np.array([0.9, 0.8, 0.65, 0.4, 0.98])
    found = annotator_flags((low, high), None, reliable_from=0.7, prior_width=0.3)
    assert found == ["reliable", "unsure", "casual", "adversarial", "unsure"]


def test_an_adversary_is_called_one() -> None:
    eta = np.full(40, 0.85)
    eta[7] = 0.15
    data = simulate_annotators(annotators=40, votes_per_annotator=(60, 200), reliability=eta, seed=2)
    assert estimate_reliability(data.votes).annotators["flag"][7].as_py() == "adversarial"
