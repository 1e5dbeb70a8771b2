"""Strengths and reliabilities together: the truth is recovered, careless annotators do not shrink it, EM is at a maximum."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from votewise.inference.bradley_terry import Games, fit_strengths
from votewise.inference.crowd_strengths import as_seen, scale_of_votes
from votewise.inference.strength_errors import fit_crowd_strengths

STRENGTH = np.array([1.2, 0.7, 0.3, 0.0, -0.4, -0.7, -1.1])


def crowd(seed: int, reliability: np.ndarray, votes: int = 200) -> tuple[Games, np.ndarray]:
    rng = np.random.default_rng(seed)
    annotator = np.repeat(np.arange(len(reliability)), votes)
    first = rng.integers(0, 7, len(annotator))
    second = (first + rng.integers(1, 7, len(annotator))) % 7
    seen = rng.random(len(annotator)) < expit(STRENGTH[first] - STRENGTH[second])
    won = (seen == (rng.random(len(annotator)) < reliability[annotator])).astype(float)
    return Games(first, second, won, 1 - won, np.zeros(len(won)), 7), annotator


def test_what_was_seen_is_bayes_rule() -> None:
    eta, d = np.array([0.8]), np.array([0.5])
    p = expit(0.5)
    won, lost = as_seen(d, eta)
    assert won == pytest.approx([0.8 * p / (0.8 * p + 0.2 * (1 - p))])
    assert lost == pytest.approx([0.8 * (1 - p) / (0.8 * (1 - p) + 0.2 * p)])


def off(strength: np.ndarray) -> float:
    """Largest distance from the true strengths on the scale that suits best."""
    return float(np.abs(strength * (strength @ STRENGTH) / (strength @ strength) - STRENGTH).max())


def test_careless_and_hostile_annotators_are_told_apart_and_cost_less() -> None:
    """Mean error over 10 data sets of 60 annotators, a third of whom toss coins and some vote backwards."""
    reliability = np.repeat([0.97, 0.5, 0.05], [35, 20, 5])
    errors = []
    for seed in range(10):
        games, annotator = crowd(seed, reliability, votes=60)
        found = fit_crowd_strengths(games, annotator, 60)
        assert found.converged
        errors.append((off(found.strengths.strength), off(fit_strengths(games.merged()).strength)))
        assert found.reliability[:35].min() > found.reliability[-5:].max()
    ours, plain = np.mean(errors, axis=0)
    assert ours < 0.85 * plain


def test_the_scale_is_that_of_the_votes() -> None:
    games, annotator = crowd(0, np.full(20, 0.8), votes=100)
    found, plain = fit_crowd_strengths(games, annotator, 20).strengths, fit_strengths(games.merged())
    d = plain.strength[games.first] - plain.strength[games.second]
    assert scale_of_votes(games, d)[0] == pytest.approx(1, abs=1e-6)
    assert scale_of_votes(games, 3 * d)[0] == pytest.approx(1 / 3, abs=1e-6)
    assert np.linalg.norm(found.strength) == pytest.approx(np.linalg.norm(plain.strength), rel=0.03)


def test_intervals_hold_the_strengths_up_to_scale() -> None:
    """30 data sets of 7 strengths: fewer than 187 of 210 (0.89) has a probability below 0.001 at a coverage of 0.95."""
    inside = []
    for seed in range(30):
        games, annotator = crowd(seed, np.repeat([0.97, 0.6], [20, 20]), votes=100)
        found = fit_crowd_strengths(games, annotator, 40).strengths
        truth = STRENGTH * (found.strength @ STRENGTH) / (STRENGTH @ STRENGTH)
        inside.append(np.abs(found.strength - truth) < 1.96 * np.sqrt(np.diag(found.covariance)))
    assert np.mean(inside) >= 0.89


def test_a_tie_says_nothing_about_its_annotator() -> None:
    games, annotator = crowd(1, np.array([0.9, 0.9, 0.6]))
    tied = Games(games.first, games.second, games.won, games.lost, np.where(annotator == 2, 1.0, 0.0), 7)
    found = fit_crowd_strengths(tied, annotator, 3)
    assert np.isfinite(found.reliability).all()
    alone = Games(games.first[:600], games.second[:600], games.won * 0, games.lost * 0, games.won * 0 + 1, 7)
    both = [np.concatenate([getattr(games, n), getattr(alone, n)]) for n in ("first", "second", "won", "lost", "tied")]
    with_a_fourth = fit_crowd_strengths(Games(*both, 7), np.concatenate([annotator, np.full(600, 3)]), 4)
    assert with_a_fourth.reliability[3] == pytest.approx(with_a_fourth.prior.mean)
