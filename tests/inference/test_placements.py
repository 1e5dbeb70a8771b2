"""Sums over the places of a few named answers, against sums over all orders."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.special import logsumexp

from votewise.inference.placements import Paths, placed


def by_enumeration(
    log_value: np.ndarray, log_weight: np.ndarray, score: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What ``placed`` finds, order by order."""
    d, n, p, q = log_value.shape
    place = np.array(list(permutations(range(n))))
    before = np.full((len(place), p), -np.log(len(place)))
    if score is not None:
        listed = score[np.argsort(place, axis=1)]  # (N, n, P)
        before = (listed - np.logaddexp.accumulate(listed[:, ::-1], axis=1)[:, ::-1]).sum(axis=1)
    joint = before[:, :, None] + log_weight + sum(log_value[i, place[:, i]] for i in range(d))
    log_sum = logsumexp(joint, axis=(0, 2))
    posterior = np.exp(joint - log_sum[:, None])
    at, above = np.zeros((d, n, p, q)), np.zeros((d, d + 1, n, p, q))
    for i in range(d):
        for c in range(n):
            here = place[:, i] == c
            at[i, c] = posterior[here].sum(axis=0)
            for j in range(d):
                above[i, j, c] = posterior[here & (place[:, j] > c)].sum(axis=0)
            others = (place[:, d:] > c).mean(axis=1) if n > d else np.zeros(len(place))
            above[i, d, c] = np.tensordot(others[here], posterior[here], 1)
    return log_sum, at, above


@pytest.mark.parametrize("scale", [1.0, 150.0])
@pytest.mark.parametrize(("n", "d"), [(4, 1), (5, 2), (5, 5), (7, 3), (7, 7)])
def test_sums_are_those_over_all_orders(n: int, d: int, scale: float) -> None:
    """Also where the values of one order are e to the hundreds times those of another."""
    rng = np.random.default_rng([n, d])
    log_value, log_weight = scale * rng.normal(size=(d, n, 3, 2)), np.log([0.3, 0.7])
    found = placed(Paths.of(n, d), log_value, log_weight, above=True)
    for got, expected in zip(
        (found.log_sum, found.at, found.above), by_enumeration(log_value, log_weight, None), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 150.0])
def test_scores_before_any_choice_are_those_of_orders(scale: float) -> None:
    rng = np.random.default_rng(3)
    log_value, log_weight, score = scale * rng.normal(size=(5, 5, 3, 2)), np.log([0.3, 0.7]), rng.normal(size=(5, 3))
    found = placed(Paths.of(5, 5), log_value, log_weight, score, above=True)
    for got, expected in zip(
        (found.log_sum, found.at, found.above), by_enumeration(log_value, log_weight, score), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_what_contradicts_itself_a_thousandfold_is_summed_in_logs() -> None:
    """Every answer wants the first place so much that each order is next to impossible, and all are equally likely."""
    log_value = np.repeat(-600.0 * np.arange(4)[None, :, None, None], 4, axis=0)
    found = placed(Paths.of(4, 4), log_value, np.zeros(1), above=False)
    assert found.log_sum == pytest.approx([-600.0 * 6])
    np.testing.assert_allclose(found.at, 0.25)


def test_equal_scores_are_no_scores() -> None:
    log_value = np.random.default_rng(4).normal(size=(6, 6, 2, 1))
    with_scores = placed(Paths.of(6, 6), log_value, np.zeros(1), np.full((6, 2), 3.0), above=True)
    without = placed(Paths.of(6, 6), log_value, np.zeros(1), above=True)
    for name in ("log_sum", "at", "above"):
        np.testing.assert_allclose(getattr(with_scores, name), getattr(without, name), atol=1e-12)


@pytest.mark.parametrize(("n", "d"), [(7, 3), (10, 10), (36, 5)])
def test_paths_are_few(n: int, d: int) -> None:
    """Every path places all named answers; there are at most d + 1 steps from each of 2^d (n - d + 1) states."""
    paths = Paths.of(n, d)
    assert len(paths.layers) == n
    assert paths.layers[-1].sets.all()
    assert paths.steps <= (d + 1) * 2**d * (n - d + 1)
