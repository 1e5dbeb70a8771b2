"""Intervals of annotators: how often they hold, under each kind of prior, and the warning about a wrong one."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.fit_settings import PriorChoice
from votewise.annotators.results import ReliabilityResult
from votewise.data.votes import Votes
from votewise.inference.priors import Beta
from votewise.simulate import simulate_annotators

DATA_SETS = 16
USUAL = Beta(5, 2)


def estimated(prior: PriorChoice, seed: int, drawn: Beta = USUAL) -> tuple[ReliabilityResult, float]:
    """One data set of 100 annotators with 1 to 500 votes, three on a pair; and the share of intervals that hold."""
    data = simulate_annotators(annotators=100, votes_per_pair=3, reliability=drawn, seed=[7, seed])
    result = estimate_reliability(data.votes, prior=prior)
    low, high = (result.annotators[name].to_numpy() for name in ("low", "high"))
    return result, float(((low <= data.reliability) & (data.reliability <= high)).mean())


def said(result: ReliabilityResult) -> str | None:
    return {one.code: one.message for one in result.diagnostics}.get("prior-contradicted")


@pytest.mark.parametrize("prior", ["fit", None, Beta(5, 2)])
def test_intervals_hold_the_truth_as_often_as_they_say(prior: PriorChoice) -> None:
    """Sixteen data sets, whose coverage has a standard deviation of 0.025: their mean has 0.006, and is 0.95. Four of
    these are allowed, so a right program fails with 1 seed in 10,000."""
    assert np.mean([estimated(prior, seed)[1] for seed in range(DATA_SETS)]) == pytest.approx(0.95, abs=0.025)


def test_a_prior_that_the_votes_contradict_is_named() -> None:
    """Intervals hold 0.8 of the truths there. The statistic is 60 or more in each of 16 data sets; 9.2 is enough."""
    held, named = [], []
    for seed in range(4):
        result, share = estimated(Beta(12, 2), seed)
        held.append(share)
        named.append(said(result))
    assert np.mean(held) < 0.88
    assert all(text is not None and "Beta(12, 2)" in text and "fit the prior" in text for text in named)


def test_there_is_no_warning_about_a_prior_that_suits_or_that_is_fitted() -> None:
    """A right prior is named in 1 of 100 data sets: more than two of sixteen in 1 of 2,000 runs."""
    assert sum(said(estimated(Beta(5, 2), seed)[0]) is not None for seed in range(DATA_SETS)) <= 2
    for prior in ("fit", None):
        assert said(estimated(prior, 0, Beta(12, 2))[0]) is None  # type: ignore[arg-type]


def test_nothing_is_said_without_votes_that_count() -> None:
    votes = Votes.from_arrays([0, 0], [0, 1], [0, 0])
    assert said(estimate_reliability(votes, prior=Beta(5, 2))) is None
