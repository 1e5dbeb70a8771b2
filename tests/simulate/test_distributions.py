"""Priors to draw from: what is written is what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.errors import BadInputError
from votewise.inference.priors import Beta
from votewise.simulate import LogisticNormal, Mixture, Points, read_prior, simulate_users
from votewise.users.estimate import estimate_attentiveness

SIZE = 40_000


def draws(given: object) -> np.ndarray:
    return read_prior(given).draw(SIZE, np.random.default_rng(5))


@pytest.mark.parametrize(
    ("given", "mean", "variance"),
    [
        (0.8, 0.8, 0.0),
        ("0.8", 0.8, 0.0),
        ("beta:6,2", 6 / 8, 6 * 2 / (64 * 9)),
        (Beta(6, 2), 6 / 8, 6 * 2 / (64 * 9)),
        (Beta(6, 2, outliers=0.5), (6 / 8 + 1 / 2) / 2, (6 * 2 / (64 * 9) + 1 / 12) / 2 + (1 / 8) ** 2),
        ("two-point:0.2,0.2,0.98", 0.2 * 0.2 + 0.8 * 0.98, 0.16 * 0.78**2),
        ("0.2*0.2 + 0.8*0.98", 0.2 * 0.2 + 0.8 * 0.98, 0.16 * 0.78**2),
        ("0.6*beta:4,16 + 0.4*beta:16,4", 0.44, 0.16 / 21 + 0.24 * 0.6**2),
        (Points((0.0, 1.0), (0.5, 0.5)), 0.5, 0.25),
    ],
)
def test_moments_are_those_written(given: object, mean: float, variance: float) -> None:
    """Means and variances of 40,000 draws within six standard errors: false alarm below 1e-6 over all of them."""
    found = draws(given)
    assert abs(found.mean() - mean) <= 6 * np.sqrt(variance / SIZE) + 1e-12
    assert abs(found.var() - variance) <= 6 * 0.5 * np.sqrt(variance / SIZE) + 1e-12


def test_logistic_normal_has_its_median_and_quartiles() -> None:
    """Quantiles at mean -0.6 and deviation 0.8 [UAA app. D.2]; six standard errors of a share, false alarm below 1e-8."""
    found = draws(LogisticNormal(-0.6, 0.8))
    for z, share in ((-0.6745, 0.25), (0.0, 0.5), (0.6745, 0.75)):
        border = 1 / (1 + np.exp(0.6 - 0.8 * z))
        assert abs((found < border).mean() - share) < 6 * np.sqrt(share * (1 - share) / SIZE)


@pytest.mark.parametrize("family", ["two-point", "beta", "beta-mixture:2", "logistic-normal:2", "logistic-normal:1"])
def test_what_was_fitted_can_be_drawn_from(family: str) -> None:
    """Users drawn from a fitted prior have the fitted prior's mean: six standard errors, false alarm below 1e-8."""
    counts, _ = simulate_users(np.ones(100), users=300, prior="beta:3,5", comparisons_per_user=60, seed=1).counts()
    result = estimate_attentiveness(counts, win_rate=0.999, prior=family, standard_errors=False)
    mean = float(np.dot(result.density["attentiveness"], result.density["mass"]))
    assert abs(draws(result.prior).mean() - mean) < 6 * 0.5 / np.sqrt(SIZE)


@pytest.mark.parametrize(
    "given",
    [
        "gamma:1,2",
        "beta:6",
        "beta:6,x",
        "beta:-1,2",
        "1.2",
        "nan",
        "",
        "two-point:0.2,0.2,1.98",
        "two-point:1.2,0.2,0.9",
        "0.5*beta:4,16 + 0.4*beta:16,4",
        "0.5*beta:4,16 + beta:16,4",
        "logistic-normal:0,-1",
        True,
        None,
        {"family": "nonparametric"},
        {"family": "beta", "c": 2.0},
    ],
)
def test_nonsense_is_refused_with_one_line(given: object) -> None:
    with pytest.raises(BadInputError, match="prior") as error:
        read_prior(given)
    assert "\n" not in str(error.value)


def test_a_mixture_needs_a_share_for_each_part() -> None:
    with pytest.raises(BadInputError, match="sum to 1"):
        Mixture((Points((0.5,)),), (0.4, 0.6))
