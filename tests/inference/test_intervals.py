"""Histograms, likelihoods, second derivatives and intervals, each against a direct computation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.evidence import evidence_of
from votewise.data.votes import Votes
from votewise.inference import intervals as iv
from votewise.inference.observation import Evidence
from votewise.inference.priors import Beta, Grid
from votewise.simulate import simulate_annotators


def an_evidence(weighted: bool = False) -> tuple[Evidence, np.ndarray, np.ndarray]:
    votes = simulate_annotators(annotators=12, votes_per_annotator=(5, 60), seed=4).votes
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.3, 2, len(votes)) if weighted else None
    evidence = evidence_of(Votes.from_arrays(votes.pair, votes.annotator, votes.sign, weight=weight))
    log_odds = logit(rng.uniform(0.3, 0.95, len(evidence.counts)))
    return evidence, log_odds, evidence.posterior_log_odds(log_odds)


@pytest.mark.parametrize("weighted", [False, True])
def test_likelihood_from_histograms_is_that_of_the_single_votes(weighted: bool) -> None:
    evidence, log_odds, posterior = an_evidence(weighted)
    grid = Grid.of_size(64)
    found = iv.log_likelihood_on(grid, iv.vote_histograms(evidence, posterior, log_odds))
    q = expit(evidence.log_odds_without_own_vote(posterior, log_odds))[:, None]
    weight = np.ones(len(q)) if evidence.weight is None else evidence.weight
    each = weight[:, None] * np.log(q * grid.x + (1 - q) * (1 - grid.x))
    exact = np.stack([each[evidence.annotator == k].sum(axis=0) for k in range(len(log_odds))])
    # Linear interpolation between nodes costs at most h^2 / 32 nats a vote, h = 0.25 the distance of two nodes.
    assert (np.abs(found - exact) <= 0.002 * evidence.counts[:, None] + 1e-9).all()


def test_histograms_count_every_vote() -> None:
    evidence, log_odds, posterior = an_evidence()
    histograms = iv.vote_histograms(evidence, posterior, log_odds)
    np.testing.assert_allclose(histograms.sum(axis=1), evidence.counts)
    assert (histograms >= 0).all()


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, log_odds, posterior = an_evidence()
    own = iv.precision(evidence, posterior, log_odds, 7.0)
    whole = iv.vote_histograms(evidence, posterior, log_odds), iv.inflation(evidence, posterior, own)
    monkeypatch.setattr(iv, "CACHED_VOTES", 10)
    monkeypatch.setattr(iv, "MOST_ENTRIES", 10)
    parts = iv.vote_histograms(evidence, posterior, log_odds), iv.inflation(evidence, posterior, own)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a, b)


def joint_hessian(evidence: Evidence, log_odds: np.ndarray, prior: Beta) -> np.ndarray:
    """Minus the second derivatives of the log-posterior in the log-odds, by finite differences of its gradient."""

    def gradient(x: np.ndarray) -> np.ndarray:
        right = evidence.expected_right(evidence.posterior_log_odds(x))
        eta = expit(x)
        return right + prior.c - (evidence.counts + prior.c + prior.d) * eta

    h = 1e-5
    return -np.stack(
        [(gradient(log_odds + h * e) - gradient(log_odds - h * e)) / (2 * h) for e in np.eye(len(log_odds))]
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_precision_is_the_second_derivative(weighted: bool) -> None:
    evidence, log_odds, posterior = an_evidence(weighted)
    prior = Beta(4, 2)
    exact = np.diag(joint_hessian(evidence, log_odds, prior))
    found = iv.precision(evidence, posterior, log_odds, prior.c + prior.d)
    held = exact > 0.05 * (evidence.counts + 6) * expit(log_odds) * expit(-log_odds)
    assert held.sum() > 6
    np.testing.assert_allclose(found[held], exact[held], rtol=1e-5)


def test_inflation_approximates_the_inverse_of_the_joint_hessian() -> None:
    votes = simulate_annotators(annotators=60, votes_per_pair=3, votes_per_annotator=(5, 200), seed=2).votes
    result = estimate_reliability(votes, prior=Beta(5, 2), tolerance=1e-9)
    evidence = evidence_of(votes)
    log_odds = logit(result.annotators["reliability"].to_numpy())
    hessian = joint_hessian(evidence, log_odds, Beta(5, 2))
    exact = np.sqrt(np.diag(np.linalg.inv(hessian)) * np.diag(hessian))
    posterior = evidence.posterior_log_odds(log_odds)
    found = iv.inflation(evidence, posterior, iv.precision(evidence, posterior, log_odds, 7.0))
    np.testing.assert_allclose(found, exact, rtol=0.04)
    assert found.max() > 1.02


def test_inflation_is_exact_for_two_annotators() -> None:
    rng = np.random.default_rng(0)
    votes = Votes.from_arrays(
        np.repeat(np.arange(50), 2),
        np.tile([0, 1], 50),
        rng.choice([-1, 1], 100, p=[0.3, 0.7]),
        margin=np.full(50, 1.5),
    )
    evidence, log_odds, prior = evidence_of(votes), logit(np.array([0.8, 0.7])), Beta(5, 2)
    posterior = evidence.posterior_log_odds(log_odds)
    hessian = joint_hessian(evidence, log_odds, prior)
    exact = np.sqrt(np.diag(np.linalg.inv(hessian)) * np.diag(hessian))
    found = iv.inflation(evidence, posterior, iv.precision(evidence, posterior, log_odds, 7.0))
    np.testing.assert_allclose(found, exact, rtol=1e-4)


@pytest.mark.parametrize("right", [0, 3, 18, 20])
@pytest.mark.parametrize("prior", [Beta(5, 2), None])
def test_known_truths_give_the_beta_posterior(right: int, prior: Beta | None) -> None:
    """With truths known, the interval is that of Beta(c + right, d + wrong)."""
    n = 20
    margin = np.full(n, 40.0)
    sign = np.where(np.arange(n) < right, 1, -1)
    votes = Votes.from_arrays(np.arange(n), np.zeros(n, int), sign, margin=margin)
    result = estimate_reliability(votes, prior=prior)
    c, d = (prior.c, prior.d) if prior else (1, 1)
    exact = stats.beta(c + right, d + n - right).ppf([0.025, 0.975])
    found = [result.annotators["low"][0].as_py(), result.annotators["high"][0].as_py()]
    np.testing.assert_allclose(found, exact, atol=0.004)


def test_many_votes_take_the_normal_form_without_a_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    n = 3000
    sign = np.where(np.arange(n) < 2400, 1, -1)
    votes = Votes.from_arrays(np.arange(n), np.zeros(n, int), sign, margin=np.full(n, 40.0))
    exact = stats.beta(5 + 2400, 2 + 600).ppf([0.025, 0.975])
    for threshold in (2000, 10**6):
        monkeypatch.setattr(iv, "GAUSSIAN_FROM", threshold)
        row = estimate_reliability(votes, prior=Beta(5, 2)).annotators.to_pylist()[0]
        assert (row["low"], row["high"]) == pytest.approx(exact, abs=0.002)


def test_a_wider_level_gives_a_wider_interval() -> None:
    votes = simulate_annotators(annotators=20, seed=1).votes
    narrow, wide = (estimate_reliability(votes, level=level).annotators for level in (0.5, 0.99))
    assert (narrow["low"].to_numpy() > wide["low"].to_numpy()).all()
    assert (narrow["high"].to_numpy() < wide["high"].to_numpy()).all()
