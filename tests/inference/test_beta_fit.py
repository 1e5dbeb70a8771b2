"""The fit of a Beta prior to many annotators."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.annotators.prior import START
from votewise.inference.beta_fit import fit_beta
from votewise.inference.priors import Beta, Grid


def test_fit_recovers_the_population_from_binomial_counts() -> None:
    """2,000 annotators of 40 votes each; over seeds c/(c+d) varies by 0.004 and log(c+d) by 0.05, so bounds of five
    standard deviations raise a false alarm in fewer than one of 10^5 seeds."""
    rng = np.random.default_rng(3)
    truth, grid = Beta(6, 3), Grid.of_size(64)
    right = rng.binomial(40, rng.beta(truth.c, truth.d, 2000))
    log_likelihood = right[:, None] * np.log(grid.x) + (40 - right)[:, None] * np.log1p(-grid.x)
    found = fit_beta(log_likelihood, grid, START)
    assert found.mean == pytest.approx(truth.mean, abs=0.02)
    assert np.log(found.c + found.d) == pytest.approx(np.log(truth.c + truth.d), abs=0.25)


def test_fit_is_the_maximum_of_the_marginal_likelihood() -> None:
    rng = np.random.default_rng(4)
    grid = Grid.of_size(64)
    right = rng.binomial(10, rng.beta(4, 2, 300))
    log_likelihood = right[:, None] * np.log(grid.x) + (10 - right)[:, None] * np.log1p(-grid.x)

    def marginal(prior: Beta) -> float:
        return float(np.log(np.exp(log_likelihood) @ np.exp(grid.log_mass(prior))).sum())

    best = fit_beta(log_likelihood, grid, START)
    for factor in (0.95, 1.05):
        assert marginal(best) > marginal(Beta(best.c * factor, best.d))
        assert marginal(best) > marginal(Beta(best.c, best.d * factor))


def test_the_anchor_decides_where_there_are_no_data() -> None:
    grid = Grid.of_size(64)
    found = fit_beta(np.zeros((3, 64)), grid, Beta(2, 2), anchor=START)
    assert (found.c, found.d) == pytest.approx((START.c, START.d), rel=0.05)
