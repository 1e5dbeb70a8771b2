"""The orders of a few answers, and how likely each is to be said by an annotator of a given reliability.

The truth about one prompt is an order of its n answers, the best first. A judgement (a ranking, a ranking with ties, a
choice of the best) rules out some orders; its likelihood is the probability of all orders that it allows. Errors have one of
several ``KINDS``; in each, the reliability eta is the expected share of comparisons that agree with the truth.

- ``whole``: with probability 2 eta - 1 the order is the true one, else any (below 1/2: the reverse of the true one).
- ``alike``: an order with d wrong comparisons has probability proportional to exp(-theta d) [Mallows].
- ``half``: half of the judgements of the first kind, half of the second.
- ``prompts``: as ``alike``, with theta log-normal over prompts: some are hard.
- ``qualities``: answers have normal qualities, and each is seen with Gumbel noise [Plackett-Luce]: close ones are hard.

What is hard (theta of a prompt, its qualities) is one of Q settings, equal for all annotators.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations, permutations
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from votewise.arrays import Bools, Floats
from votewise.inference.priors import Grid

OrderKind = Literal["whole", "alike", "half", "prompts", "qualities"]
KINDS: tuple[OrderKind, ...] = get_args(OrderKind)

MOST_ANSWERS = 6
"""Answers of a prompt beyond which there are too many orders."""

NODES = 96
"""Reliabilities at which likelihoods are computed."""

SETTINGS = {3: 24, 4: 16, 5: 12, 6: 4}
"""How many settings of qualities stand for all of them, by number of answers."""

MORE_SETTINGS = 12
"""The same for more answers than these."""

SPREAD, HERMITE = 1.0, 5
"""Standard deviation of log theta over prompts, and the number of its values."""

LEAST = 1e-12

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Orders:
    """All N = n! orders of n answers.

    Attributes:
        n: how many answers.
        place: (N, n) the place of each answer in each order, 0 for the best.
        right: (N, m) whether the first of every two answers is before the second; m = n (n - 1) / 2, as ``combinations``.
        relative: (N, N) ``relative[r, s]``: what order r is called when each answer is renamed to its place in s.
        wrong: (N,) comparisons of each order that differ from the first order.
    """

    n: int
    place: Indices
    right: Bools
    relative: npt.NDArray[np.int16]
    wrong: Indices

    @classmethod
    @cache
    def of(cls, n: int) -> Orders:
        """The orders of n answers."""
        place = np.array(list(permutations(range(n))), np.int64)
        first, second = np.array(list(combinations(range(n), 2))).T
        right = place[:, first] < place[:, second]
        base = n ** np.arange(n)
        key = place @ base
        by_key = np.argsort(key)
        listed = np.argsort(place, axis=1)
        renamed = np.stack([place[:, listed[s]] @ base for s in range(len(place))], axis=1)
        relative = by_key[np.searchsorted(key[by_key], renamed)].astype(np.int16)
        return cls(n, place, right, relative, (~right).sum(axis=1))

    @cached_property
    def inverse(self) -> npt.NDArray[np.int16]:
        """(N, N) ``inverse[s, i]``: the order that is called i when each answer is renamed to its place in s."""
        return np.argsort(self.relative, axis=0).T.astype(np.int16)

    def renamed(self, signs: npt.NDArray[np.int8]) -> tuple[npt.NDArray[np.int8], int]:
        """A judgement's comparisons (m,) in -1, 0, 1 -> the same with answers renamed so that equal shapes are equal.

        Returns:
            (m,) the renamed comparisons, and the number of the order s whose places are the new names.
        """
        first, second = np.array(list(combinations(range(self.n), 2))).T
        table = np.zeros((self.n, self.n), np.int8)
        table[first, second], table[second, first] = signs, -signs
        listed = np.argsort(self.place, axis=1)
        every = table[listed[:, first], listed[:, second]]
        best = int(np.argmax((every + 1) @ (3.0 ** np.arange(every.shape[1])[::-1])))
        return every[best], best

    def allowed(self, signs: npt.NDArray[np.int8]) -> Indices:
        """The orders that agree with a judgement's comparisons (m,) in -1, 0, 1; 0 says nothing."""
        said = signs != 0
        return np.flatnonzero((self.right[:, said] == (signs[said] > 0)).all(axis=1))


@dataclass(frozen=True, eq=False)
class OrderNoise:
    """One kind of error, for n answers.

    Attributes:
        probability: (N, Q, G) of each order, where the truth is the first one, for each setting and reliability.
        log_weight: (Q,) log share of each setting among prompts.
    """

    probability: Floats
    log_weight: Floats

    def log_likelihood(self, orders: Orders, allowed: Indices) -> Floats:
        """(N, Q, G) of a judgement that allows some orders, for each true order."""
        found = np.zeros_like(self.probability)
        for r in allowed:
            found += self.probability[orders.relative[r]]
        return np.log(np.maximum(found, LEAST))


def nodes() -> Floats:
    """(G,) the reliabilities of ``OrderNoise``."""
    return Grid.of_size(NODES).x


@cache
def order_noise(n: int, kind: OrderKind) -> OrderNoise:
    """How orders of n answers go wrong in one of the ``KINDS``."""
    orders, eta = Orders.of(n), nodes()
    none = np.zeros(1)
    if kind == "whole":
        found = OrderNoise(_whole(orders, eta)[:, None], none)
    elif kind == "alike":
        found = OrderNoise(_alike(orders, eta, np.ones(1), np.ones(1)), none)
    elif kind == "half":
        both = (_whole(orders, eta)[:, None], _alike(orders, eta, np.ones(1), np.ones(1)))
        found = OrderNoise((both[0] + both[1]) / 2, none)
    elif kind == "prompts":
        factor, weight = hard_and_easy()
        found = OrderNoise(_alike(orders, eta, factor, weight), np.log(weight))
    else:
        found = _qualities(orders, eta)
    return found


def _whole(orders: Orders, eta: Floats) -> Floats:
    attentive = np.abs(2 * eta - 1)
    found = np.tile((1 - attentive) / len(orders.place), (len(orders.place), 1))
    reverse = int(np.argmax(orders.wrong))
    found[0] += np.where(eta >= 0.5, attentive, 0.0)
    found[reverse] += np.where(eta < 0.5, attentive, 0.0)
    return found


def _alike(orders: Orders, eta: Floats, factor: Floats, weight: Floats) -> Floats:
    """(N, Q, G) Mallows' probabilities, with theta times ``factor`` (Q,) in a share ``weight`` (Q,) of the prompts."""
    wrong, theta = orders.wrong.astype(np.float64), thetas()

    def orders_at(theta: Floats) -> Floats:
        power = -theta[:, None] * factor * wrong[:, None, None]
        found = np.exp(power - power.max(axis=0))
        return np.asarray(found / found.sum(axis=0))

    share = 1 - np.einsum("n,ntq,q->t", wrong, orders_at(theta), weight) / wrong.max()
    return orders_at(np.interp(eta, share, theta)).transpose(0, 2, 1)


def _qualities(orders: Orders, eta: Floats) -> OrderNoise:
    quality, root = qualities(orders.n), roots()
    listed = np.argsort(orders.place, axis=1)

    def orders_at(root: float) -> Floats:
        seen = root**3 * abs(root) * quality[:, listed]
        rest = np.logaddexp.accumulate(seen[:, :, ::-1], axis=2)[:, :, ::-1]
        return np.asarray(np.exp((seen - rest).sum(axis=2)).T)

    share = [1 - float((orders.wrong @ orders_at(x)).mean()) / orders.wrong.max() for x in root]
    found = np.stack([orders_at(float(x)) for x in np.interp(eta, share, root)], axis=2)
    return OrderNoise(found, np.full(len(quality), -np.log(len(quality))))


def thetas() -> Floats:
    """Values of theta among which those of given reliabilities are found."""
    half = 30 * np.linspace(0, 1, 400) ** 3
    return np.concatenate([-half[:0:-1], half])


def hard_and_easy() -> tuple[Floats, Floats]:
    """(Q,) factors on theta for hard and easy prompts, and (Q,) the share of each."""
    x, weight = np.polynomial.hermite_e.hermegauss(HERMITE)
    return np.exp(SPREAD * x), weight / weight.sum()


def roots() -> Floats:
    """Fourth roots of the factors on qualities, with their signs, among which those of given reliabilities are found."""
    return np.linspace(-8, 8, 161)


def qualities(n: int) -> Floats:
    """(Q, n) qualities of the answers in each setting, the best first."""
    return np.asarray(-np.sort(-ndtri(_spread_points(SETTINGS.get(n, MORE_SETTINGS), n)), axis=1))


def _spread_points(number: int, dimensions: int) -> Floats:
    """(number, dimensions) points spread evenly over the unit cube: multiples of the generalised golden ratio."""
    ratio = 2.0
    for _ in range(64):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    step = ratio ** -np.arange(1, dimensions + 1)
    return np.asarray((0.5 + np.outer(np.arange(1, number + 1), step)) % 1.0)
