"""The length-controlled win rate: limits, its fit, coverage by simulation, and the published rates of AlpacaEval."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import binom, spearmanr

from votewise.arrays import Floats
from votewise.errors import BadInputError
from votewise.evaluate.difficulty import with_difficulty
from votewise.evaluate.estimate import estimate_win_rate
from votewise.evaluate.length_control import _log_posterior, fit_logistic, length_controlled_rate
from votewise.evaluate.read_comparisons import read_comparisons

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def world(rng: np.random.Generator, n: int, bias: float, length: float) -> tuple[Floats, Floats, Floats]:
    """Wins and both models' lengths, A's answers longer; the true rate at equal lengths is logistic(bias)."""
    length_a, length_b = 1000 + 300 * rng.normal(size=n), 800 + 300 * rng.normal(size=n)
    z = (length_b - length_a) / (300 * np.sqrt(2))
    return (rng.random(n) < expit(bias + length * np.tanh(z))).astype(float), length_a, length_b


def test_the_fit_is_where_the_derivative_vanishes_and_an_optimiser_agrees() -> None:
    rng = np.random.default_rng(0)
    design = np.column_stack([rng.normal(size=(60, 2)), np.ones(60)])
    soft, penalty = rng.random(60), np.array([0.16, 0.16, 0.01])
    beta, information = fit_logistic(design, soft, penalty)
    step = 1e-5 * np.eye(3)
    slopes = [
        (_log_posterior(design, soft, penalty, beta + d) - _log_posterior(design, soft, penalty, beta - d)) / 2e-5
        for d in step
    ]
    assert np.abs(slopes).max() < 1e-6
    found = minimize(lambda b: -_log_posterior(design, soft, penalty, b), np.zeros(3), method="BFGS", tol=1e-10)
    assert beta == pytest.approx(found.x, abs=1e-4)

    def gradient(b: Floats) -> Floats:
        return design.T @ (soft - expit(design @ b)) - penalty * b

    numeric = np.array([(gradient(beta + d) - gradient(beta - d)) / 2e-5 for d in step])
    assert -numeric == pytest.approx(information, abs=1e-4)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_fit_stays_finite_if_one_side_always_wins(value: float) -> None:
    rng = np.random.default_rng(1)
    found = length_controlled_rate(np.full(50, value), np.arange(50), rng.random(50) * 100, rng.random(50) * 100)
    assert abs(found.bias) < 20
    assert found.rate.value == pytest.approx(value, abs=0.02)
    assert found.rate.low <= found.rate.value <= found.rate.high
    assert found.rate.high - found.rate.low > 0.03


def test_lengths_that_separate_wins_from_losses_leave_the_fit_finite() -> None:
    length = np.arange(100.0)
    found = length_controlled_rate((length > 49.5).astype(float), np.arange(100), length, np.full(100, 49.5))
    assert -60 < found.length < -3
    assert found.rate.value == pytest.approx(0.5, abs=0.01)


def test_without_differences_in_length_the_rate_is_the_plain_one() -> None:
    rng = np.random.default_rng(2)
    wins, same = (rng.random(400) < 0.3).astype(float), np.full(400, 512.0)
    found = length_controlled_rate(wins, np.arange(400), same, same)
    assert found.constant
    assert found.rate.value == pytest.approx(wins.mean(), abs=1e-3)


def test_lengths_that_do_not_matter_change_little() -> None:
    rng = np.random.default_rng(3)
    wins, a, b = world(rng, 4000, 0.4, 0.0)
    found = length_controlled_rate(wins, np.arange(4000), a, b)
    assert found.rate.value == pytest.approx(wins.mean(), abs=0.02)


def test_the_other_models_rate_is_the_mirror_image() -> None:
    rng = np.random.default_rng(4)
    wins, a, b = world(rng, 300, 0.2, -1.5)
    hard = rng.normal(size=300)
    one = length_controlled_rate(wins, np.arange(300), a, b, difficulty=hard)
    other = length_controlled_rate(1 - wins, np.arange(300), b, a, difficulty=-hard)
    assert other.rate.value == pytest.approx(1 - one.rate.value)
    assert (other.rate.low, other.rate.high) == pytest.approx((1 - one.rate.high, 1 - one.rate.low))


def test_a_preference_counts_as_parts_of_a_win_and_a_loss() -> None:
    rng = np.random.default_rng(5)
    soft, a, b = rng.random(80), rng.random(80) * 100, rng.random(80) * 100
    penalty = np.array([1.0, 1.0])
    design = np.column_stack([np.tanh((b - a) / (b - a).std(ddof=1)), np.ones(80)])
    beta, _ = fit_logistic(design, soft, penalty)
    # Every contest a hundred times, won in a share of them that equals its preference.
    rows = np.repeat(np.arange(80), 100)
    share = np.tile(np.arange(100) / 100, 80) < soft[rows]
    many, _ = fit_logistic(design[rows], share.astype(float), 100 * penalty)
    assert many == pytest.approx(beta, abs=0.03)


@pytest.mark.parametrize(("bias", "length"), [(0.0, -1.0), (-2.0, -1.5), (-3.5, 0.0)])
@pytest.mark.parametrize("repeats", [1, 3])
def test_intervals_cover_the_truth(bias: float, length: float, repeats: int) -> None:
    """If coverage is 93% or more, a case fails with probability 1e-6 at most, and any of the six with 6e-6."""
    rng, draws = np.random.default_rng([11, round(10 * bias + 100), repeats]), 400
    hits = 0
    for _ in range(draws):
        wins, a, b = world(rng, 300, bias, length)
        prompt = np.arange(300)
        if repeats > 1:
            wins, a, b, prompt = (np.repeat(values, repeats) for values in (wins, a, b, prompt))
        rate = length_controlled_rate(wins, prompt, a, b).rate
        hits += rate.low <= expit(bias) <= rate.high
    assert hits >= binom.ppf(1e-6, draws, 0.93)


def test_what_cannot_be_estimated_is_an_error() -> None:
    with pytest.raises(BadInputError, match="cannot control for length with so few contests, got 1 "):
        length_controlled_rate(np.ones(1), np.arange(1), np.ones(1), np.ones(1))
    with pytest.raises(BadInputError, match="row 2: a length is not a finite number"):
        length_controlled_rate(np.ones(3), np.arange(3), np.array([1.0, np.nan, 2.0]), np.ones(3))


@pytest.mark.skipif(not (DATA / "alpacaeval_preferences.parquet").exists(), reason="the AlpacaEval data are not here")
def test_published_rates_of_alpacaeval() -> None:
    """Raw rates to 1e-6; length-controlled ones within 1.7 points on average, rank correlation at least 0.98."""
    with (DATA / "alpacaeval_leaderboard.csv").open() as file:
        published = {row["model"]: row for row in csv.DictReader(file)}
    rows = read_comparisons(DATA / "alpacaeval_preferences.parquet")
    ours, theirs, raw = [], [], []
    for model, row in published.items():
        contests, verdicts = rows.between(*rows.choose(model))
        assert verdicts is not None
        contests = with_difficulty(contests, str(DATA / "alpacaeval_difficulty.parquet"))
        found = estimate_win_rate(contests, verdicts, length_controlled=True)
        assert found.length_controlled is not None
        ours.append(100 * found.length_controlled.rate.value)
        theirs.append(float(row["length_controlled_winrate"]))
        raw.append(100 * found.rate.value - float(row["win_rate"]))
    assert len(ours) == 19
    assert np.abs(raw).max() < 1e-6
    assert np.abs(np.array(ours) - theirs).mean() < 1.7
    assert spearmanr(ours, theirs).statistic >= 0.98
