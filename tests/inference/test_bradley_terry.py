"""Strengths: closed forms, logistic regression on single votes, derivatives by finite differences, what is determined."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from votewise.errors import BadInputError
from votewise.inference.bradley_terry import Games, ModelStrengths, fit_strengths, largest_comparable
from votewise.inference.bradley_terry import _Likelihood as Likelihood


def games_of(rows: list[tuple[int, int, float, float, float]], covariate: list[float] | None = None) -> Games:
    first, second, won, lost, tied = (np.array(column) for column in zip(*rows, strict=True))
    models = int(max(first.max(), second.max())) + 1
    x = None if covariate is None else np.array(covariate)
    return Games(first, second, won.astype(float), lost.astype(float), tied.astype(float), models, x)


def drawn(seed: int, models: int = 6, kinds: int = 40, covariate: bool = False) -> Games:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, models, kinds)
    second = (first + rng.integers(1, models, kinds)) % models
    x = np.round(rng.normal(size=kinds), 1) if covariate else None
    won, lost, tied = rng.integers(1, 30, (3, kinds)).astype(float)
    return Games(first, second, won, lost, tied, models, x)


def test_two_models_have_the_log_odds_of_their_wins() -> None:
    found = fit_strengths(games_of([(0, 1, 30, 10, 0)]))
    assert found.strength == pytest.approx([np.log(3) / 2, -np.log(3) / 2])
    # The variance of a log-odds: 1 / 30 + 1 / 10; each strength has a quarter of it.
    assert np.diag(found.covariance) == pytest.approx([(1 / 30 + 1 / 10) / 4] * 2)
    assert found.covariance.sum() == pytest.approx(0, abs=1e-12)


def test_davidson_of_two_models_in_closed_form() -> None:
    """P(tie)^2 = nu^2 P(win) P(loss), and the odds of wins are e^d."""
    found = fit_strengths(games_of([(0, 1, 20, 5, 10)]), davidson=True)
    assert found.strength[0] - found.strength[1] == pytest.approx(np.log(4))
    assert found.tie == pytest.approx(np.log(10 / np.sqrt(20 * 5)))


def test_without_ties_davidson_is_bradley_terry() -> None:
    rows = [(0, 1, 5, 3, 0), (1, 2, 4, 4, 0), (2, 0, 1, 7, 0)]
    one, other = fit_strengths(games_of(rows)), fit_strengths(games_of(rows), davidson=True)
    assert one.strength == pytest.approx(other.strength)
    assert other.tie is None


def test_strengths_are_those_of_a_logistic_regression_on_single_votes() -> None:
    """Fitted by another method to one row per vote: equal to 1e-6."""
    games = drawn(0, covariate=True)
    number = np.column_stack([games.won + games.tied / 2, games.lost + games.tied / 2])
    design = np.zeros((len(games.first), games.models + 1))
    rows = np.arange(len(design))
    design[rows, games.first], design[rows, games.second] = 1, -1
    design[:, -1] = games.covariate

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        d = design @ at
        value = number[:, 0] @ np.logaddexp(0, -d) + number[:, 1] @ np.logaddexp(0, d)
        return value, design.T @ (number.sum(axis=1) * expit(d) - number[:, 0])

    reference = minimize(loss, np.zeros(games.models + 1), jac=True, method="BFGS", options={"gtol": 1e-9}).x
    found = fit_strengths(games)
    strengths = reference[:-1] - reference[:-1].mean()
    assert found.strength == pytest.approx(strengths, abs=1e-6)
    assert found.effect is not None
    assert found.effect[0] == pytest.approx(reference[-1], abs=1e-6)


@pytest.mark.parametrize("davidson", [False, True])
@pytest.mark.parametrize("covariate", [False, True])
def test_derivatives_agree_with_finite_differences(davidson: bool, covariate: bool) -> None:
    games = drawn(1, models=4, kinds=12, covariate=covariate)
    likelihood = Likelihood(games, davidson)
    at = np.random.default_rng(2).normal(size=likelihood.size) / 2
    step = 1e-5 * np.eye(likelihood.size)
    gradient, curvature = likelihood.slopes(at)
    numeric = [(likelihood.value(at + h) - likelihood.value(at - h)) / 2e-5 for h in step]
    assert gradient == pytest.approx(np.array(numeric), abs=1e-4)
    second = np.array([(likelihood.slopes(at - h)[0] - likelihood.slopes(at + h)[0]) / 2e-5 for h in step])
    closing = np.zeros_like(curvature)
    closing[:4, :4] = (curvature - second)[:4, :4].mean()
    assert curvature == pytest.approx(second + closing, abs=1e-3)


@pytest.mark.parametrize("davidson", [False, True])
def test_the_sandwich_sums_squared_slopes_of_single_votes(davidson: bool) -> None:
    games = drawn(3, models=4, kinds=9)
    likelihood = Likelihood(games, davidson)
    at = np.random.default_rng(4).normal(size=likelihood.size) / 2
    total = np.zeros((likelihood.size, likelihood.size))
    for r in range(9):
        for outcome in ("won", "lost", "tied"):
            alone = {name: np.array([float(name == outcome)]) for name in ("won", "lost", "tied")}
            one = Games(games.first[r : r + 1], games.second[r : r + 1], models=4, **alone)
            slope = Likelihood(one, davidson).slopes(at)[0]
            total += getattr(games, outcome)[r] * np.outer(slope, slope)
    assert likelihood.spread(at) == pytest.approx(total)


def test_merging_changes_nothing() -> None:
    for covariate in (False, True):
        games = drawn(5, covariate=covariate)
        one, other = fit_strengths(games), fit_strengths(games.merged())
        assert one.strength == pytest.approx(other.strength, abs=1e-9)
        assert one.covariance == pytest.approx(other.covariance, abs=1e-9)
    assert len(drawn(5).merged().first) <= 15


def test_a_model_that_never_lost_is_not_comparable() -> None:
    games = games_of([(0, 1, 5, 0, 0), (1, 2, 3, 2, 0), (2, 3, 1, 4, 0), (3, 1, 0, 2, 1)])
    assert largest_comparable(games).tolist() == [False, True, True, True]


def test_nothing_but_ties_is_refused() -> None:
    with pytest.raises(BadInputError, match="every vote is a tie"):
        fit_strengths(games_of([(0, 1, 0, 0, 5)]), davidson=True)


def test_intervals_hold_the_strength() -> None:
    """500 data sets, 5 models, 95%: a coverage outside 0.93 to 0.965 has a probability below 0.001 (2,500 intervals)."""
    rng = np.random.default_rng(6)
    strength = np.array([1.0, 0.4, 0.0, -0.5, -0.9])
    first, second = np.triu_indices(5, 1)
    inside = []
    for _ in range(500):
        won = rng.binomial(60, expit(strength[first] - strength[second])).astype(float)
        found: ModelStrengths = fit_strengths(Games(first, second, won, 60 - won, np.zeros(10), 5))
        inside.append(np.abs(found.strength - strength) < 1.96 * np.sqrt(np.diag(found.covariance)))
    assert 0.93 < np.mean(inside) < 0.965
