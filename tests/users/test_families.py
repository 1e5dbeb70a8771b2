"""Families of priors: masses that sum to one, M-steps that are maxima, names and numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import logit

from votewise.errors import BadInputError
from votewise.inference.priors import Grid
from votewise.users.families import BetaMixture, LogisticNormalMixture, Nonparametric, TwoPoint, family_of
from votewise.users.families.family import Expected, root

GRID = Grid.of_size(160)
NAMES = [
    "two-point",
    "beta",
    "beta-mixture:2",
    "beta-mixture:3",
    "logistic-normal:1",
    "logistic-normal:2",
    "nonparametric",
]


def histogram(users: np.ndarray) -> Expected:
    """Expected users at the nodes; two-point priors are not fitted from it."""
    return Expected(users, lambda s, rho: 0.0)


@pytest.mark.parametrize("name", NAMES)
def test_every_start_is_a_distribution(name: str) -> None:
    family = family_of(name)
    assert family.name == name
    for x in family.starts(0.4, 0.03, GRID):
        mass = np.exp(family.log_mass(x, GRID))
        assert mass.sum() == pytest.approx(1)
        assert ((family.nodes(x, GRID) >= 0) & (family.nodes(x, GRID) <= 1)).all()
        assert len(mass) == len(family.nodes(x, GRID))


@pytest.mark.parametrize("name", NAMES[1:])
def test_m_step_never_lowers_the_expected_likelihood(name: str) -> None:
    rng = np.random.default_rng(0)
    family = family_of(name)
    users = rng.gamma(2.0, size=160) * np.exp(-0.5 * ((GRID.x - 0.35) / 0.15) ** 2) + 1e-6
    for x in family.starts(0.5, 0.05, GRID):
        values = []
        for _ in range(20):
            values.append(users @ family.log_mass(x, GRID))
            x = family.fit(x, histogram(users), GRID)
        assert (np.diff(values) >= -1e-9 * np.abs(values[:-1])).all()


def test_a_single_components_m_step_is_the_maximum() -> None:
    users = np.exp(GRID.log_width) * stats.beta(4, 2).pdf(GRID.x)
    for family in (BetaMixture(1), LogisticNormalMixture(1)):
        best = family.fit(family.starts(0.5, 0.05, GRID)[0], histogram(users), GRID)
        value = users @ family.log_mass(best, GRID)
        for i in (1, 2):
            for move in (-0.02, 0.02):
                other = best + move * np.eye(3)[i]
                assert users @ family.log_mass(other, GRID) < value


def test_a_beta_comes_back() -> None:
    users = np.exp(GRID.log_width) * stats.beta(3, 5).pdf(GRID.x)
    family = BetaMixture(1)
    x = family.fit(family.starts(0.5, 0.05, GRID)[0], histogram(users), GRID)
    assert family.parameters(x) == pytest.approx({"c": 3, "d": 5}, rel=1e-3)


def test_a_logistic_normal_comes_back() -> None:
    t = logit(GRID.x)
    users = np.exp(GRID.log_width) * stats.norm(-0.4, 0.8).pdf(t) / (GRID.x * (1 - GRID.x))
    family = LogisticNormalMixture(1)
    x = family.fit(family.starts(0.5, 0.05, GRID)[0], histogram(users), GRID)
    assert family.parameters(x) == pytest.approx({"mean": -0.4, "deviation": 0.8}, rel=1e-3)


def test_the_free_prior_is_the_histogram() -> None:
    users = np.arange(160.0)
    x = Nonparametric().fit(np.zeros(160), histogram(users), GRID)
    np.testing.assert_allclose(np.exp(Nonparametric().log_mass(x, GRID)), users / users.sum(), atol=1e-10)


def test_two_points_move_to_the_closed_form() -> None:
    """[UAA app. C.1]: low = sum gamma (2 w - n) / ((2 mu - 1) sum gamma n)."""
    n, w, gamma, edge = np.array([20, 30, 10]), np.array([12, 16, 8]), np.array([0.2, 0.7, 0.4]), 0.3

    def score(s: int, rho: float) -> float:
        weight = gamma if s == 0 else 1 - gamma
        return float((weight * edge * (w / (0.5 + rho * edge) - (n - w) / (0.5 - rho * edge))).sum())

    users = np.array([gamma.sum(), (1 - gamma).sum()])
    family = TwoPoint()
    found = family.parameters(family.fit(family.starts(0.5, 0.05, GRID)[0], Expected(users, score), GRID))
    atoms = sorted((g * (2 * w - n)).sum() / (2 * edge * (g * n).sum()) for g in (gamma, 1 - gamma))
    assert [found["low"], found["high"]] == pytest.approx(atoms, abs=1e-9)


def test_atoms_have_names_by_their_order() -> None:
    family = TwoPoint()
    assert family.parameters(np.array([logit(0.3), 0.9, 0.2])) == pytest.approx({"q": 0.7, "low": 0.2, "high": 0.9})


def test_parameters_are_counted() -> None:
    counts = {
        family_of(name).name: family_of(name).n_parameters(family_of(name).starts(0.5, 0.05, GRID)[0])
        for name in NAMES[:6]
    }
    assert list(counts.values()) == [3, 2, 5, 8, 2, 5]
    two_humps = np.full(160, -40.0)
    two_humps[[30, 31, 100]] = 0.0
    assert Nonparametric().n_parameters(two_humps) == 5


@pytest.mark.parametrize("name", ["normal", "beta:2", "beta-mixture:0", "beta-mixture:x", "logistic-normal:12", ""])
def test_unknown_families_are_refused(name: str) -> None:
    with pytest.raises(BadInputError):
        family_of(name)


@pytest.mark.parametrize(("low", "high", "expected"), [(0.0, 1.0, 0.25), (0.5, 1.0, 0.5), (0.0, 0.1, 0.1)])
def test_root_of_a_falling_function(low: float, high: float, expected: float) -> None:
    assert root(lambda x: 0.25 - x, low, high) == pytest.approx(expected)
