"""Intervals under several explanations at once: the closed form for two of them, and the limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm

from votewise.arrays import Floats
from votewise.inference.partial_intervals import intervals_under_all
from votewise.inference.priors import Grid

SIZE, SPREAD = 384, 0.02
MIDDLE = 0.45
"""Distributions are normal in u, the even axis of a ``Grid``, with a standard deviation of ``SPREAD``."""


def normal(*means: float, spread: float = SPREAD) -> Floats:
    """(K, G) masses of normal distributions in u."""
    edges = Grid.of_size(SIZE).edges
    return np.diff(norm.cdf((edges - np.array(means)[:, None]) / spread), axis=1)


def in_u(x: Floats) -> Floats:
    return np.asarray(2 / np.pi * np.arcsin(np.sqrt(x)))


def ends(masses: Floats, *outside: float) -> tuple[Floats, Floats]:
    low, high = intervals_under_all(masses, np.array(outside), np.ones(masses.shape[:2]))
    return in_u(low), in_u(high)


def test_one_explanation_has_equal_tails_and_is_stretched_about_its_median() -> None:
    mass, widening = normal(0.3, 0.5, 0.9), np.array([1.0, 1.3, 2.0])
    found = intervals_under_all(mass[None], np.array([0.1]), widening[None])
    low, middle, high = logit(Grid.of_size(SIZE).quantiles(mass, (0.05, 0.5, 0.95)))
    expected = expit([middle - widening * (middle - low), middle + widening * (high - middle)])
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_two_equal_explanations_are_one() -> None:
    one, two = normal(MIDDLE)[None], np.repeat(normal(MIDDLE)[None], 2, axis=0)
    np.testing.assert_allclose(ends(two, 0.05, 0.05), ends(one, 0.05), atol=1e-9)


@pytest.mark.parametrize("distance", [0.5, 1.0, 2.0, 3.0, 8.0])
def test_two_explanations_have_the_ends_of_imbens_and_manski(distance: float) -> None:
    """Their C for an identified interval of ``distance`` standard errors: Phi(C + distance) - Phi(-C) = 0.95."""
    half = distance * SPREAD / 2
    masses = np.stack([normal(MIDDLE - half), normal(MIDDLE + half)])
    reach = SPREAD * brentq(lambda c: norm.cdf(c + distance) - norm.cdf(-c) - 0.95, 0, 3)
    assert norm.ppf(0.95) * SPREAD - 1e-9 <= reach < norm.ppf(0.975) * SPREAD
    low, high = ends(masses, 0.05, 0.05)
    assert low[0] == pytest.approx(MIDDLE - half - reach, abs=0.01 * SPREAD)
    assert high[0] == pytest.approx(MIDDLE + half + reach, abs=0.01 * SPREAD)


def test_how_much_may_be_outside_at_one_end_can_be_limited() -> None:
    """Two distant explanations end where all of it, three quarters or half of 5% are outside at one end."""
    masses = np.stack([normal(MIDDLE), normal(MIDDLE + 0.2)])
    for at_one_end in (1.0, 0.75, 0.5):
        none = np.ones(masses.shape[:2])
        low, high = intervals_under_all(masses, np.array([0.05, 0.05]), none, at_one_end=at_one_end)
        reach = norm.isf(0.05 * at_one_end) * SPREAD
        assert in_u(low)[0] == pytest.approx(MIDDLE - reach, abs=0.01 * SPREAD)
        assert in_u(high)[0] == pytest.approx(MIDDLE + 0.2 + reach, abs=0.01 * SPREAD)


def test_what_is_less_plausible_may_be_outside_more() -> None:
    """Far from the first explanation, half of the second may be outside: the interval ends at its median."""
    low, high = ends(np.stack([normal(MIDDLE), normal(MIDDLE + 0.3)]), 0.05, 0.5)
    assert low[0] == pytest.approx(MIDDLE - norm.ppf(0.95) * SPREAD, abs=0.01 * SPREAD)
    assert high[0] == pytest.approx(MIDDLE + 0.3, abs=0.01 * SPREAD)


def test_no_explanation_has_more_outside_than_it_may_and_one_has_all_of_it() -> None:
    """Random explanations of 200 values, some wide, some stretched; ends are found to a hundred thousandth of the mass."""
    rng, grid = np.random.default_rng(0), Grid.of_size(SIZE)
    masses = np.stack([normal(*rng.uniform(0.4, 0.6, 200), spread=s) for s in (0.02, 0.03, 0.05)])
    outside = np.array([0.05, 0.05, 0.2])
    low, high = ends(masses, *outside)
    total = np.pad(np.cumsum(masses, axis=2), ((0, 0), (0, 0), (1, 0)))

    def below(u: Floats) -> Floats:
        return np.array([[np.interp(x, grid.edges, t) for x, t in zip(u, kind, strict=True)] for kind in total])

    lost = (below(low) + 1 - below(high)) / outside[:, None]
    assert lost.max() < 1 + 1e-6
    # Two explanations may each have all of it at another end, and a third that is wider than both has it at both.
    assert np.quantile(lost.max(axis=0), 0.05) > 0.999
    wide = intervals_under_all(masses, outside, np.full(masses.shape[:2], 1.5))
    assert (in_u(wide[0]) < low).all()
    assert (in_u(wide[1]) > high).all()


def test_values_do_not_depend_on_one_another() -> None:
    """More values than are looked at at a time give what each gives alone."""
    rng = np.random.default_rng(1)
    masses = np.tile(np.stack([normal(*rng.uniform(0.3, 0.7, 3)) for _ in range(2)]), (1, 2800, 1))
    low, high = ends(masses, 0.05, 0.05)
    alone = ends(masses[:, :3], 0.05, 0.05)
    np.testing.assert_allclose(low, np.tile(alone[0], 2800), atol=1e-7)
    np.testing.assert_allclose(high, np.tile(alone[1], 2800), atol=1e-7)
