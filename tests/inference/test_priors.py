"""Beta priors and the grid."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from votewise.annotators.prior import START
from votewise.errors import BadInputError
from votewise.inference.priors import Beta, Grid


@pytest.mark.parametrize(("c", "d"), [(0.0, 1.0), (1.0, -2.0), (np.nan, 1.0), (1.0, np.inf)])
def test_impossible_parameters_are_refused(c: float, d: float) -> None:
    with pytest.raises(BadInputError, match="prior Beta"):
        Beta(c, d)


@pytest.mark.parametrize("prior", [Beta(5, 2), Beta(1, 1), Beta(0.7, 3)])
def test_log_density_is_the_beta_density(prior: Beta) -> None:
    x = np.linspace(0.01, 0.99, 25)
    np.testing.assert_allclose(prior.log_density(x), stats.beta(prior.c, prior.d).logpdf(x), atol=1e-10)


@pytest.mark.parametrize("prior", [Beta(5, 2), Beta(1, 1), Beta(25, 5)])
def test_grid_quantiles_are_the_betas(prior: Beta) -> None:
    grid = Grid.of_size(256)
    levels = (0.025, 0.5, 0.975)
    found = grid.quantiles(np.exp(grid.log_mass(prior))[None], levels)[:, 0]
    np.testing.assert_allclose(found, stats.beta(prior.c, prior.d).ppf(levels), atol=1e-4)


def test_grid_is_uniform_without_a_prior() -> None:
    grid = Grid.of_size(64)
    mass = np.exp(grid.log_mass(None))
    assert mass.sum() == pytest.approx(1)
    assert mass @ grid.x == pytest.approx(0.5)
    assert mass @ grid.x**2 == pytest.approx(1 / 3, abs=1e-3)


@pytest.mark.parametrize("truth", [Beta(5, 2), Beta(2, 2), Beta(30, 6)])
def test_mean_logs_lead_back_to_the_beta(truth: Beta) -> None:
    grid = Grid.of_size(128)
    mean_logs = np.stack([np.log(grid.x), np.log1p(-grid.x)]) @ np.exp(grid.log_mass(truth))
    found = grid.beta_from_mean_logs(mean_logs, START)
    assert (found.c, found.d) == pytest.approx((truth.c, truth.d), rel=1e-6)


def test_outliers_give_the_density_tails() -> None:
    x = np.linspace(0.01, 0.99, 25)
    prior = Beta(30, 5, outliers=0.1)
    inside = 0.9 * stats.beta(30, 5).pdf(x)
    np.testing.assert_allclose(np.exp(prior.log_density(x)), inside + 0.1, atol=1e-12)
    np.testing.assert_allclose(prior.weigh(np.log(x), np.log1p(-x))[1], inside / (inside + 0.1), atol=1e-12)
    with pytest.raises(BadInputError, match="outliers"):
        Beta(2, 2, outliers=1.0)
