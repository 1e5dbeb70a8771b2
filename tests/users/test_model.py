"""The three steps of EM on users: what the bound is, and that an M-step never lowers it."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.data.clicks import Counts
from votewise.inference.priors import Beta
from votewise.users.families import family_of
from votewise.users.known_win_rates import WinRates
from votewise.users.model import UsersModel, bound, e_step, em_step, m_step
from votewise.users.start import rough_moments

NAMES = ["two-point", "beta", "beta-mixture:2", "logistic-normal:2", "nonparametric"]
COUNTS = Counts(np.array([[4], [10], [10], [40]]), np.array([[3], [5], [9], [30]]), np.array([5, 20, 10, 5]))


def model_of(name: str, rate: float | Beta = 0.8) -> tuple[UsersModel, np.ndarray]:
    """A model of ``COUNTS`` and a vector to start from."""
    model = UsersModel.of(COUNTS, family_of(name), WinRates.of(rate, [""]))
    x = model.family.starts(*rough_moments(model), model.grid)[0]
    return model, np.append(x, model.start_rates())


@pytest.mark.parametrize("name", NAMES)
def test_the_bound_is_the_log_posterior(name: str) -> None:
    """By direct summation: users times the log of their clicks' probability, and the anchor's users."""
    model, z = model_of(name)
    rho, mass = model.nodes(z), np.exp(model.log_mass(z))
    n, w = COUNTS.comparisons, COUNTS.wins
    clicks = (0.5 + 0.3 * rho) ** w * (0.5 - 0.3 * rho) ** (n - w)
    direct = COUNTS.users @ np.log(clicks @ mass) + model.anchor @ np.log(mass)
    assert bound(model, z, e_step(model, z)) == pytest.approx(direct, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_e_step_places_every_user(name: str) -> None:
    model, z = model_of(name)
    found = e_step(model, z)
    assert found.at_nodes(found.per_user).sum() == pytest.approx(COUNTS.n_users)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rate", [0.8, Beta(8, 2)], ids=["given", "fitted"])
def test_an_m_step_never_lowers_the_bound(name: str, rate: float | Beta) -> None:
    model, z = model_of(name, rate)
    heights = []
    for _ in range(20):
        new, height = em_step(model, z)
        np.testing.assert_array_equal(new, m_step(model, z, e_step(model, z)))
        heights.append(height)
        z = new
    assert (np.diff(heights) >= -1e-9 * np.abs(heights[:-1])).all()


def test_a_given_win_rate_stays() -> None:
    model, z = model_of("beta")
    assert model.win_rates(em_step(model, z)[0]).tolist() == [0.8]
