"""Orders of a few answers: what they are called, and how likely each is to be said."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from votewise.inference.orders import KINDS, OrderKind, Orders, nodes, order_noise


@pytest.mark.parametrize("n", [3, 4, 5])
def test_an_order_renamed_by_itself_is_the_first_order(n: int) -> None:
    orders = Orders.of(n)
    assert (np.diagonal(orders.relative) == 0).all()
    r, s = np.random.default_rng(n).integers(0, len(orders.place), (2, 40))
    for a, b in zip(r, s, strict=True):
        # Comparisons on which two orders differ are as many as the renamed one has wrong.
        assert orders.wrong[orders.relative[a, b]] == (orders.right[a] != orders.right[b]).sum()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [3, 4])
def test_probabilities_sum_to_one_and_their_share_of_right_comparisons_is_the_reliability(
    n: int, kind: OrderKind
) -> None:
    orders, noise = Orders.of(n), order_noise(n, kind)
    np.testing.assert_allclose(noise.probability.sum(axis=0), 1, atol=1e-9)
    wrong = np.einsum("nqg,n,q->g", noise.probability, orders.wrong, np.exp(noise.log_weight))
    np.testing.assert_allclose(1 - wrong / orders.wrong.max(), nodes(), atol=4e-3)


@pytest.mark.parametrize("n", [3, 4])
def test_judgements_that_differ_in_names_only_have_one_shape(n: int) -> None:
    orders = Orders.of(n)
    best_of = []
    for best in range(n):
        signs = [1 if a == best else -1 if b == best else 0 for a, b in combinations(range(n), 2)]
        best_of.append(np.array(signs, np.int8))
    shapes = {orders.renamed(signs)[0].tobytes() for signs in best_of}
    rankings = {orders.renamed(np.where(right, 1, -1).astype(np.int8))[0].tobytes() for right in orders.right}
    assert len(shapes) == len(rankings) == 1
    assert len(orders.allowed(best_of[0])) == len(orders.place) // n


def test_a_judgement_is_as_likely_under_its_new_names() -> None:
    """Renaming the answers of a judgement and of the truth alike changes nothing."""
    orders, noise = Orders.of(4), order_noise(4, "qualities")
    signs = np.array([-1, 0, -1, 1, 1, -1], np.int8)  # answers 1 and 3 before 0 and 2, 3 before 1
    shape, name = orders.renamed(signs)
    before = noise.log_likelihood(orders, orders.allowed(signs))
    after = noise.log_likelihood(orders, orders.allowed(shape))
    np.testing.assert_allclose(before, after[orders.relative[:, name]], atol=1e-12)


def test_a_cycle_is_no_order() -> None:
    assert len(Orders.of(3).allowed(np.array([1, -1, 1], np.int8))) == 0


def test_the_best_of_several_is_chosen_with_the_probability_of_attention() -> None:
    """P(choice = best) = rho + (1 - rho) / n where a judgement is attentive as a whole or random."""
    n = 4
    orders, noise, rho = Orders.of(n), order_noise(n, "whole"), 2 * nodes() - 1
    signs = np.array([1, 1, 1, 0, 0, 0], np.int8)
    found = np.exp(noise.log_likelihood(orders, orders.allowed(signs)))[0, 0]
    good = rho >= 0
    np.testing.assert_allclose(found[good], (rho + (1 - rho) / n)[good])
