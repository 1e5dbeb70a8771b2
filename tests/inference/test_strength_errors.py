"""Errors of strengths: influences by refits with a vote more, copies of votes, certain annotators, coverage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import identity
from scipy.special import expit

from votewise.inference.bradley_terry import Games, fit_strengths, log_odds, most_likely
from votewise.inference.crowd_strengths import most_likely_crowd, scale_of_votes
from votewise.inference.priors import Beta
from votewise.inference.strength_errors import crowd_covariance, fit_crowd_strengths, fit_strengths_of_pairs

STRENGTH = np.array([0.9, 0.3, -0.2, -1.0])
NU = 0.8
CASES = [(False, False), (True, False), (False, True), (True, True)]


def cast(
    seed: int, reliability: np.ndarray, votes: int, davidson: bool = False, effect: float | None = None
) -> tuple[Games, np.ndarray]:
    """One row per vote by the model itself, between the models of ``STRENGTH``."""
    rng = np.random.default_rng(seed)
    annotator = np.repeat(np.arange(len(reliability)), votes)
    n, k = len(annotator), len(STRENGTH)
    first = rng.integers(0, k, n)
    second = (first + rng.integers(1, k, n)) % k
    x = None if effect is None else np.round(rng.uniform(-1, 1, n), 1)
    d = STRENGTH[first] - STRENGTH[second] + (0 if x is None else effect * x)
    tied = rng.random(n) < NU / (2 * np.cosh(d / 2) + NU) if davidson else rng.random(n) < 0.1
    honest = rng.random(n) < reliability[annotator]
    won = ((rng.random(n) < expit(d)) == honest) & ~tied
    return Games(first, second, won * 1.0, (~won & ~tied) * 1.0, tied * 1.0, k, x), annotator


def terms(games: Games, annotator: np.ndarray, at: np.ndarray, davidson: bool) -> tuple[np.ndarray, np.ndarray]:
    """(n,) log-likelihood of each vote by what annotators see, and of each as it was cast, straight from the models.

    ``at``: strengths, effect of length, log-odds of reliabilities, scale, and with ties log(nu) as seen and as cast.
    """
    k, a = games.models, annotator.max() + 1
    x = np.zeros(len(annotator)) if games.covariate is None else games.covariate
    d = at[games.first] - at[games.second] + at[k] * x
    eta, scale = expit(at[k + 1 : k + 1 + a])[annotator], at[k + 1 + a]
    seen, cast_at = np.exp(at[k + 2 + a :]) if davidson else (0.0, 0.0)
    both = []
    for odds, nu, trust in ((d, seen, eta), (scale * d, cast_at, np.ones(len(d)))):
        up, down = np.exp(odds / 2), np.exp(-odds / 2)
        won, lost = trust * up + (1 - trust) * down, trust * down + (1 - trust) * up
        tie = nu if davidson else np.ones_like(d)
        said = np.where(games.won > 0, won, np.where(games.lost > 0, lost, tie))
        both.append(np.log(said) - np.log(up + down + nu))
    return both[0], both[1]


def slopes(games: Games, annotator: np.ndarray, at: np.ndarray, davidson: bool) -> np.ndarray:
    """(n, Q) derivatives by finite differences: of the first log-likelihood, but of the second in what the scale needs."""
    of_cast = np.zeros(len(at), bool)
    of_cast[[games.models + 1 + annotator.max() + 1, *([len(at) - 1] if davidson else [])]] = True
    found = []
    for i, step in enumerate(np.eye(len(at)) * 1e-5):
        up, down = (terms(games, annotator, at + side * step, davidson)[int(of_cast[i])] for side in (1, -1))
        found.append((up - down) / 2e-5)
    return np.column_stack(found)


@pytest.mark.parametrize(("davidson", "length"), CASES)
def test_errors_are_those_of_the_joint_equations_by_finite_differences(davidson: bool, length: bool) -> None:
    """Strengths, reliabilities, scale and ties move together when a vote weighs more; 4 strengths, 5 annotators."""
    games, annotator = cast(0, np.array([0.95, 0.8, 0.6, 0.3, 0.9]), 40, davidson, 0.7 if length else None)
    found = most_likely_crowd(games, annotator, 5, davidson=davidson)
    seen, eta, prior, k = found.seen, found.reliability, found.prior, games.models
    ties = [seen.tie, found.strengths.tie] if davidson else []
    trust = np.log(eta / (1 - eta))
    at = np.array([*seen.strength, seen.effect[0] if seen.effect else 0.0, *trust, found.scale, *ties], float)
    matrix = np.column_stack(
        [
            (slopes(games, annotator, at + step, davidson) - slopes(games, annotator, at - step, davidson)).sum(0)
            / 2e-4
            for step in np.eye(len(at)) * 1e-4
        ]
    )
    people = np.arange(k + 1, k + 6)
    matrix[people, people] -= (prior.c + prior.d) * eta * (1 - eta)
    matrix[:k, :k] -= 1  # closes the direction in which all strengths move together
    used = np.arange(len(at)) if length else np.delete(np.arange(len(at)), k)
    influence = np.zeros((len(annotator), len(at)))
    influence[:, used] = -slopes(games, annotator, at, davidson)[:, used] @ np.linalg.inv(matrix[np.ix_(used, used)]).T
    shown = np.arange(k + length)
    moved = found.scale * influence[:, shown] + np.outer(influence[:, k + 6], at[shown])
    expected = moved.T @ moved
    size = np.abs(expected).max()
    assert crowd_covariance(games, annotator, found) == pytest.approx(expected, rel=1e-3, abs=1e-4 * size)


@pytest.mark.parametrize(("davidson", "length"), CASES)
def test_annotators_who_never_err_give_the_plain_fit(davidson: bool, length: bool) -> None:
    games, annotator = cast(2, np.ones(5), 200, davidson, 0.7 if length else None)
    plain = fit_strengths(games, davidson=davidson)
    start = replace(most_likely_crowd(games, annotator, 5, davidson=davidson), prior=Beta(1e9, 1e-3))
    sure = most_likely_crowd(games, annotator, 5, davidson=davidson, start=start, tolerance=1e-9)
    assert sure.reliability == pytest.approx(np.ones(5), abs=1e-6)
    assert sure.scale == pytest.approx(1, abs=1e-5)
    assert sure.strengths.strength == pytest.approx(plain.strength, abs=1e-5)
    assert crowd_covariance(games, annotator, sure)[:4, :4] == pytest.approx(plain.covariance, abs=1e-6)
    if davidson:
        assert sure.strengths.tie == pytest.approx(plain.tie, abs=1e-5)


@pytest.mark.parametrize(("davidson", "length"), CASES)
def test_votes_cast_four_times_tell_no_more_than_once(davidson: bool, length: bool) -> None:
    """Four copies on one pair have the covariance of one vote; as four pairs they would halve every error."""
    games, annotator = cast(3, np.array([0.9, 0.9, 0.6]), 100, davidson, 0.7 if length else None)
    four = replace(games, won=4 * games.won, lost=4 * games.lost, tied=4 * games.tied)
    copies = 4 * identity(3 * len(annotator), format="csr")
    copies = copies[np.flatnonzero(np.concatenate([games.won, games.lost, games.tied]))]
    once, paired = fit_strengths(games, davidson=davidson), fit_strengths_of_pairs(four, copies, davidson=davidson)
    assert paired.covariance == pytest.approx(once.covariance, abs=1e-9)
    assert fit_strengths(four, davidson=davidson).covariance == pytest.approx(once.covariance / 4, abs=1e-9)
    if length:
        assert paired.effect == pytest.approx(once.effect)


def test_without_pairs_both_ways_to_the_sandwich_agree() -> None:
    games, _ = cast(4, np.ones(3), 100, True, 0.5)
    alone = identity(3 * len(games.first), format="csr")
    alone = alone[np.flatnonzero(np.concatenate([games.won, games.lost, games.tied]))]
    one, other = fit_strengths(games, davidson=True), fit_strengths_of_pairs(games, alone, davidson=True)
    assert one.covariance == pytest.approx(other.covariance, abs=1e-10)
    assert one.effect == pytest.approx(other.effect)


@pytest.mark.slow
@pytest.mark.parametrize("davidson", [False, True])
def test_intervals_of_a_crowd_hold_the_truth(davidson: bool) -> None:
    """60 data sets, 4 strengths: fewer than 213 of 240 (0.8875) has a probability of about 0.0003 at a coverage of 0.95.

    The truth is what endless votes of such annotators give: the true log-odds on the scale that fits them as they are cast.
    """
    reliability = np.tile([0.95, 0.6], 10)
    many, annotator = cast(999, reliability, 5_000, davidson)
    model = most_likely(many, davidson=davidson)
    truth = replace(model, strength=STRENGTH - STRENGTH.mean())
    d = log_odds(many, truth)
    expected = scale_of_votes(many, d, model.tie)[0] * truth.strength
    inside = []
    for seed in range(60):
        games, annotator = cast(seed, reliability, 60, davidson)
        found = fit_crowd_strengths(games, annotator, len(reliability), davidson=davidson).strengths
        inside.append(np.abs(found.strength - expected) < 1.96 * np.sqrt(np.diag(found.covariance)))
    assert np.sum(inside) >= 213
