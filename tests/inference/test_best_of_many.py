"""Choices of the best answer against the orders of all answers, and as closed forms where there are too many orders."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.inference.best_of_many import choice_noise
from votewise.inference.orders import KINDS, OrderKind, Orders, nodes, order_noise


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [3, 5])
def test_a_choice_is_as_likely_as_all_orders_that_begin_with_it(n: int, kind: OrderKind) -> None:
    orders, noise, found = Orders.of(n), order_noise(n, kind), choice_noise(n, kind)
    for place in range(n):
        first = noise.probability[orders.place[:, place] == 0].sum(axis=0)
        np.testing.assert_allclose(found.probability[place], first, atol=1e-9)
    np.testing.assert_allclose(found.log_weight, noise.log_weight)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [7, 10, 20])
def test_one_answer_is_chosen_and_better_ones_more_often(n: int, kind: OrderKind) -> None:
    found = choice_noise(n, kind).probability
    np.testing.assert_allclose(found.sum(axis=0), 1)
    good = nodes() > 0.51
    assert (np.diff(found[:, :, good], axis=0) <= 1e-12).all()
    assert (np.diff(found[:, :, ~good & (nodes() < 0.49)], axis=0) >= -1e-12).all()


@pytest.mark.parametrize("n", [7, 10])
def test_comparisons_of_orders_drawn_by_repeated_choice_are_right_with_the_reliability(n: int) -> None:
    """An order of n answers is the choice of the best, then of the best of the rest, with one theta throughout."""
    noise, eta = choice_noise(n, "alike"), nodes()
    theta = np.log(noise.probability[0, 0] / noise.probability[1, 0])
    wrong = np.zeros(len(eta))
    for left in range(2, n + 1):
        chosen = np.exp(-theta * np.arange(left)[:, None])
        wrong += np.arange(left) @ (chosen / chosen.sum(axis=0))
    np.testing.assert_allclose(1 - wrong / (n * (n - 1) / 2), eta, atol=4e-3)


def test_an_attentive_annotator_chooses_the_best_of_seven_and_a_random_one_any() -> None:
    found, rho = choice_noise(7, "whole").probability[:, 0], 2 * nodes() - 1
    good = rho >= 0
    np.testing.assert_allclose(found[0, good], (rho + (1 - rho) / 7)[good])
    np.testing.assert_allclose(found[-1, ~good], (-rho + (1 + rho) / 7)[~good])
