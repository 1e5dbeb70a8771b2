"""The fitted prior: moments, effective votes, and that annotators with few votes do not confirm one another."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.evidence import evidence_of
from votewise.annotators.prior import START, effective_votes, prior_from_agreement
from votewise.data.votes import Votes
from votewise.inference.priors import Beta
from votewise.simulate import simulate_annotators


@pytest.mark.parametrize("votes_per_pair", [2, 3, 5])
@pytest.mark.parametrize("truth", [Beta(5, 2), Beta(12, 2), Beta(3, 1.5)])
def test_moments_recover_the_population(truth: Beta, votes_per_pair: int) -> None:
    """2,000 annotators: over seeds the mean varies by 0.004, the standard deviation of reliabilities by 0.005, so
    bounds of five standard deviations raise a false alarm in fewer than 1 in 10^5 seeds."""
    data = simulate_annotators(
        annotators=2000, votes_per_pair=votes_per_pair, votes_per_annotator=(5, 100), reliability=truth, seed=3
    )
    found = prior_from_agreement(evidence_of(data.votes))
    assert found.mean == pytest.approx(truth.mean, abs=0.02)
    assert np.sqrt(found.variance) == pytest.approx(np.sqrt(truth.variance), abs=0.025)


def test_moments_do_not_depend_on_weights_of_one() -> None:
    votes = simulate_annotators(annotators=50, seed=1).votes
    weighted = Votes.from_arrays(votes.pair, votes.annotator, votes.sign, weight=np.ones(len(votes)))
    one, other = (prior_from_agreement(evidence_of(v)) for v in (votes, weighted))
    assert (one.c, one.d) == pytest.approx((other.c, other.d))


def test_effective_votes_have_the_slope_and_curvature_of_the_likelihood() -> None:
    votes = simulate_annotators(annotators=10, votes_per_annotator=(20, 60), seed=2).votes
    evidence = evidence_of(votes)
    x = logit(np.linspace(0.6, 0.95, len(evidence.counts)))
    right, wrong = effective_votes(evidence, evidence.posterior_log_odds(x), x)
    h = 1e-4

    def value(at: np.ndarray) -> float:
        return evidence.log_likelihood(evidence.posterior_log_odds(at), at)

    for k in range(len(x)):
        e = h * np.eye(len(x))[k]
        slope = (value(x + e) - value(x - e)) / (2 * h)
        curvature = (value(x + e) - 2 * value(x) + value(x - e)) / h**2
        eta, number = expit(x[k]), right[k] + wrong[k]
        assert right[k] - number * eta == pytest.approx(slope, abs=1e-5)
        if number > 0:
            assert -number * eta * (1 - eta) == pytest.approx(curvature, abs=1e-4)


def test_known_truths_make_every_vote_effective() -> None:
    sign = np.array([1, 1, 1, -1, 1])
    evidence = evidence_of(Votes.from_arrays(np.arange(5), np.zeros(5, int), sign, margin=np.full(5, 40.0)))
    x = logit(np.array([0.7]))
    right, wrong = effective_votes(evidence, evidence.posterior_log_odds(x), x)
    assert (right[0], wrong[0]) == pytest.approx((4.0, 1.0))


def test_three_annotators_are_enough() -> None:
    found = prior_from_agreement(evidence_of(Votes.from_arrays([0, 0, 1, 1], [0, 1, 1, 2], [1, 1, 1, 1])))
    assert START.mean < found.mean < 0.9


def test_annotators_who_never_agree_get_an_answer() -> None:
    pair, annotator = np.repeat(np.arange(30), 2), np.tile([0, 1], 30)
    found = prior_from_agreement(evidence_of(Votes.from_arrays(pair, annotator, np.tile([1, -1], 30))))
    assert 0.5 < found.mean < START.mean


def test_margins_alone_fit_a_prior_too() -> None:
    """No shared pairs: 300 annotators with 40 votes each against known probabilities; see the moments for the bounds."""
    rng = np.random.default_rng(0)
    truth, annotator = Beta(6, 2), np.repeat(np.arange(300), 40)
    eta, margin = rng.beta(truth.c, truth.d, 300), rng.normal(scale=3, size=12000)
    better = np.where(rng.random(12000) < expit(margin), 1, -1)
    sign = np.where(rng.random(12000) < eta[annotator], better, -better)
    prior = estimate_reliability(Votes.from_arrays(np.arange(12000), annotator, sign, margin=margin)).prior
    assert prior["c"] / (prior["c"] + prior["d"]) == pytest.approx(truth.mean, abs=0.04)


@pytest.mark.parametrize("truth", [Beta(5, 2), Beta(3, 1.5)])
def test_annotators_with_few_votes_each_do_not_confirm_one_another(truth: Beta) -> None:
    """Two votes per pair, 1 to 10 per annotator: a prior iterated to self-consistency ends with its mass at 0 and 1 and a
    log-loss above 1.0 per vote; ours stays near that of the true prior (0.52 and 0.60). 12,000 votes, error 0.006."""
    data = simulate_annotators(
        annotators=3000, votes_per_pair=2, votes_per_annotator=(1, 10), reliability=truth, seed=5
    )

    def log_loss(**settings: object) -> float:
        confidence = estimate_reliability(data.votes, intervals=False, **settings).votes["confidence"].to_numpy()
        return float(-np.log(np.where(data.correct, confidence, 1 - confidence)).mean())

    assert log_loss() < log_loss(prior=truth) + 0.05
