"""Pairs that differ in difficulty, and answers that recur: slopes, recovery, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from differing_pairs import simulate_difficulty, simulate_items
from votewise.inference import answer_strengths, pair_strengths
from votewise.inference.answer_strengths import fit_answers
from votewise.inference.observation import Evidence
from votewise.inference.pair_strengths import difficulty, fit_difficulty, search_spread
from votewise.inference.priors import Beta, Grid
from votewise.inference.vote_messages import NODES, VoteMessages

PRIOR = Beta(8, 2.5, 0.05)


def test_the_slope_of_the_spread_is_that_of_the_likelihood() -> None:
    """On pairs whose annotators vote only once, the likelihood is a sum that can be written down."""
    random = np.random.default_rng(2)
    pair = np.repeat(np.arange(30, dtype=np.int32), 4)
    annotator = np.arange(120, dtype=np.int32)
    sign = random.choice([-1, 1], 120, p=[0.3, 0.7]).astype(np.int8)
    evidence = Evidence.of(pair, annotator, sign, margin=np.zeros(30), annotators=120)
    grid = Grid.of_size(NODES)
    mass, skill = np.exp(grid.log_mass(PRIOR)), logit(grid.x)

    def log_likelihood(log_tau: float) -> float:
        strengths = difficulty(evidence, float(np.exp(log_tau)))
        right = mass @ expit(np.outer(skill, strengths.size))
        for_a = np.bincount(pair, sign > 0, minlength=30)[:, None]
        above = np.exp(strengths.above) * right**for_a * (1 - right) ** (4 - for_a)
        below = np.exp(strengths.below) * right ** (4 - for_a) * (1 - right) ** for_a
        return float(np.log((above + below).sum(axis=1)).sum())

    for log_tau in (-0.5, 0.3):
        messages = VoteMessages(evidence, difficulty(evidence, float(np.exp(log_tau))), PRIOR, np.full(120, 1.0))
        for _ in range(5):
            messages.sweep()
        numeric = (log_likelihood(log_tau + 1e-4) - log_likelihood(log_tau - 1e-4)) / 2e-4
        assert 30 * pair_strengths._slope(messages) == pytest.approx(numeric, abs=6e-3)


def test_the_search_ends_where_the_slope_is_zero_or_at_the_end_of_the_range() -> None:
    found, settled = search_spread(lambda s, _: (np.log(0.7 / s), True), 1.0, 0.05, 3.0)
    assert settled
    assert found == pytest.approx(0.7, rel=0.02)
    assert search_spread(lambda s, _: (-(s**2), True), 1.0, 0.05, 3.0)[0] == pytest.approx(0.05)
    assert search_spread(lambda s, _: (1.0, True), 1.0, 0.05, 3.0)[0] == pytest.approx(3.0)


def test_a_search_with_rough_beliefs_ends_with_beliefs_at_rest() -> None:
    """The rough slope is 0 at 0.9, that of beliefs at rest at 0.7."""
    asked: list[float] = []

    def slope_at(s: float, rest: float) -> tuple[float, bool]:
        asked.append(rest)
        return np.log((0.7 if rest == pair_strengths.SETTLED else 0.9) / s), rest == pair_strengths.SETTLED

    found, settled = search_spread(slope_at, 1.0, 0.05, 3.0, pair_strengths.ROUGHLY)
    assert settled
    assert found == pytest.approx(0.7, rel=0.02)
    assert asked == sorted(asked, reverse=True)


def test_a_rough_search_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, answers, _, _ = simulate_items(80, 1500, 60, 3, seed=7)
    rough = fit_answers(evidence, answers, np.full(60, 1.5), Beta(4, 1.5, 0.05))
    monkeypatch.setattr(answer_strengths, "ROUGHLY", pair_strengths.SETTLED)
    fine = fit_answers(evidence, answers, np.full(60, 1.5), Beta(4, 1.5, 0.05))
    assert rough.sweeps < fine.sweeps
    assert rough.spread == pytest.approx(fine.spread, rel=0.02)
    assert rough.messages.p_a == pytest.approx(fine.messages.p_a, abs=5e-3)


@pytest.mark.parametrize("spread", [0.0, 0.8])
def test_difficulty_is_recovered_and_intervals_cover(spread: float) -> None:
    """2,000 pairs, 5 votes each. Seeded; coverage of 100 intervals is below 88 in 1 of 500 data sets."""
    evidence, eta, z = simulate_difficulty(2000, 100, 5, seed=3, spread=spread)
    fit = fit_difficulty(evidence, np.full(100, 1.2), Beta(4, 1.5, 0.05))
    assert fit.converged
    assert fit.spread < 0.35 if spread == 0 else abs(fit.spread - spread) < 0.2
    low, high = fit.messages.quantiles((0.025, 0.975))
    assert ((low < eta) & (eta < high)).sum() >= 88
    p_a = fit.messages.p_a
    said, right = np.maximum(p_a, 1 - p_a).mean(), ((p_a > 0.5) == (z > 0)).mean()
    assert said == pytest.approx(right, abs=0.025)  # three standard errors


def test_a_sample_of_the_pairs_gives_the_spread_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, _, _ = simulate_difficulty(9000, 30, 5, seed=4, spread=0.9)
    whole = fit_difficulty(evidence, np.full(30, 1.2), PRIOR)
    monkeypatch.setattr(pair_strengths, "SAMPLE", 4500)
    some = fit_difficulty(evidence, np.full(30, 1.2), PRIOR)
    assert some.spread == pytest.approx(whole.spread, abs=0.25)
    assert np.abs(some.messages.p_a - whole.messages.p_a).max() < 0.06


def test_a_known_spread_and_prior_are_kept() -> None:
    evidence, _, _ = simulate_difficulty(200, 10, 3, seed=5)
    fit = fit_difficulty(evidence, np.full(10, 1.2), Beta(5, 2), refit_prior=False, spread=0.5)
    assert fit.spread == 0.5
    assert fit.prior == Beta(5, 2)


def test_reliability_over_all_pairs() -> None:
    """Between 1/2 and the one on a usual pair, and equal to it where pairs do not differ."""
    evidence, _, _ = simulate_difficulty(100, 5, 3, seed=6)
    fit = fit_difficulty(evidence, np.full(5, 1.2), Beta(5, 2), spread=0.05)
    assert fit.over_pairs(np.array([0.5, 0.8])) == pytest.approx([0.5, 0.8], abs=1e-3)
    wide = fit_difficulty(evidence, np.full(5, 1.2), Beta(5, 2), spread=1.5)
    assert 0.6 < wide.over_pairs(np.array([0.8]))[0] < 0.8


def test_strengths_of_answers_are_recovered() -> None:
    """Seeded; coverage of 60 intervals is below 51 in 1 of 1,000 data sets."""
    evidence, answers, eta, z = simulate_items(80, 1500, 60, 3, seed=7)
    fit = fit_answers(evidence, answers, np.full(60, 1.5), Beta(4, 1.5, 0.05))
    assert fit.converged
    assert fit.spread == pytest.approx(0.5, abs=0.15)
    low, high = fit.messages.quantiles((0.025, 0.975))
    assert ((low < eta) & (eta < high)).sum() >= 51
    p_a = fit.messages.p_a
    said, right = np.maximum(p_a, 1 - p_a).mean(), ((p_a > 0.5) == (z > 0)).mean()
    assert said == pytest.approx(right, abs=0.03)


def test_an_unseen_pair_is_judged_by_its_answers() -> None:
    evidence, answers, _, z = simulate_items(40, 800, 30, 4, seed=8)
    seen = np.ones(800, bool)
    seen[::4] = False
    kept = seen[evidence.pair]
    rest = Evidence.of(
        evidence.pair[kept], evidence.annotator[kept], evidence.sign[kept], margin=np.zeros(800), annotators=30
    )
    p_a = fit_answers(rest, answers, np.full(30, 1.5), PRIOR).messages.p_a
    assert ((p_a > 0.5) == (z > 0))[~seen].mean() > 0.7
    assert fit_difficulty(rest, np.full(30, 1.5), PRIOR).messages.p_a[~seen] == pytest.approx(0.5, abs=1e-6)


def test_messages_between_answers_end_at_the_ridge_solution() -> None:
    """The mean strengths solve the normal equations, cycles or not."""
    random = np.random.default_rng(9)
    answers = np.stack([random.permutation(6)[:2] for _ in range(20)]).astype(np.int32)
    graph = answer_strengths._Answers(answers[:, 0], answers[:, 1], 6)
    precision, site = random.uniform(0.5, 3, 20), random.normal(size=20)
    for _ in range(40):
        graph.exchange(precision, site)
    total, weighted = graph.total()
    design = np.zeros((20, 6))
    design[np.arange(20), answers[:, 0]] += 1
    design[np.arange(20), answers[:, 1]] -= 1
    weight = 1 / (1 / precision + graph.variance)
    exact = np.linalg.solve(design.T * weight @ design + graph.prior_precision * np.eye(6), design.T @ (weight * site))
    np.testing.assert_allclose(weighted / total, exact, atol=1e-8)


def test_groups_of_answers_that_are_compared_with_each_other() -> None:
    answers = np.array([[0, 1], [2, 3], [1, 4], [5, 6]], np.int32)
    assert answer_strengths._connected(answers).tolist() == [0, 1, 0, 2]
