"""How rankings go wrong: draws of what is right in a ranking, for annotators of a given reliability.

With eta the expected share of a ranking's comparisons that are right:

- ``attention``: with probability 2 eta - 1 it is the true order, else one drawn at random.
- ``mallows``: its probability falls by one factor for each comparison that is wrong.
- ``plackett-luce``: answers have normal qualities, and the annotator sees each with Gumbel noise.
- ``flips``: each comparison goes wrong on its own, then the answers are sorted by their wins, equal ones at random.
- ``independent``: each comparison is a vote of its own, right with probability eta.
- ``swaps``: neighbours in the order change places again and again, each time any two.
- ``bottom``: the best answer is found with four times the care of the last two.
- ``probit``: answers have heavy-tailed qualities, and the annotator sees each with normal noise.
- ``people``: annotators with even numbers err as in ``attention``, the others as in ``mallows``.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations, permutations
from typing import Literal

import numpy as np
import numpy.typing as npt

from votewise.arrays import Bools, Floats

Noise = Literal["attention", "mallows", "plackett-luce", "flips", "independent", "swaps", "bottom", "probit", "people"]

TABLE, DRAWS = 81, 4000
"""Strengths for which the share of right comparisons is found by simulation, and rankings drawn for each."""


def draw_right(
    noise: Noise, eta: Floats, annotator: npt.NDArray[np.int64], quality: Floats, rng: np.random.Generator
) -> Bools:
    """(J, m) which comparisons of each ranking are right, for every two answers as ``combinations`` lists them.

    Args:
        noise: how rankings go wrong.
        eta: (J,) reliability of each ranking's annotator.
        annotator: (J,) number of each ranking's annotator.
        quality: (J, n) normal qualities of the answers, falling from left to right.
        rng: the generator.
    """
    if noise == "people":
        careless = annotator % 2 == 0
        both = (_draw(one, eta, quality, rng) for one in ("attention", "mallows"))
        return np.asarray(np.where(careless[:, None], *both))
    return _draw(noise, eta, quality, rng)


def _draw(noise: str, eta: Floats, quality: Floats, rng: np.random.Generator) -> Bools:
    n = quality.shape[1]
    m = n * (n - 1) // 2
    if noise == "independent":
        return rng.random((len(eta), m)) < eta[:, None]
    if noise == "attention":
        attentive = rng.random(len(eta)) < np.abs(2 * eta - 1)
        random = _right(rng.random(quality.shape))
        return np.where(attentive[:, None], (eta > 0.5)[:, None], random)
    strengths, shares = _strengths(noise, n)
    strength = np.interp(eta, shares, strengths)
    return _STRONG[noise](strength, quality, rng)


def _right(values: Floats) -> Bools:
    """(J, m) whether the earlier of every two answers has the larger of the ``values`` (J, n)."""
    first, second = zip(*combinations(range(values.shape[1]), 2), strict=True)
    return np.asarray(values[:, first] > values[:, second])


def _mallows(strength: Floats, quality: Floats, rng: np.random.Generator) -> Bools:
    right, start, number = _orders(quality.shape[1])
    wrong = np.arange(len(number))
    log_mass = np.log(number) - strength[:, None] * wrong
    mass = np.cumsum(np.exp(log_mass - log_mass.max(axis=1, keepdims=True)), axis=1)
    which = (mass < rng.random(len(strength))[:, None] * mass[:, -1:]).sum(axis=1)
    return np.asarray(right[start[which] + (rng.random(len(strength)) * number[which]).astype(np.int64)])


def _plackett_luce(strength: Floats, quality: Floats, rng: np.random.Generator) -> Bools:
    return _right(strength[:, None] * quality + rng.gumbel(size=quality.shape))


def _sorted_flips(strength: Floats, quality: Floats, rng: np.random.Generator) -> Bools:
    n = quality.shape[1]
    first, second = zip(*combinations(range(n), 2), strict=True)
    kept = rng.random((len(quality), len(first))) < ((1 + strength) / 2)[:, None]
    wins = 0.5 * rng.random(quality.shape)
    for j, (a, b) in enumerate(zip(first, second, strict=True)):
        wins[:, a] += kept[:, j]
        wins[:, b] += ~kept[:, j]
    return _right(wins)


def _probit(strength: Floats, quality: Floats, rng: np.random.Generator) -> Bools:
    return _right(strength[:, None] * quality * np.abs(quality) + rng.normal(size=quality.shape))


def _swaps(strength: Floats, quality: Floats, rng: np.random.Generator) -> Bools:
    n, each = quality.shape[1], np.arange(len(quality))
    listed = np.where(strength[:, None] < 0, np.arange(n)[::-1], np.arange(n))
    number = rng.poisson(n * n * np.minimum(-np.log(np.maximum(np.abs(strength), 1e-9)), 3.0))
    for i in range(int(number.max(initial=0))):
        rows = each[number > i]
        first = rng.integers(0, n - 1, len(rows))
        listed[rows, first], listed[rows, first + 1] = listed[rows, first + 1], listed[rows, first]
    return _right(-np.argsort(listed, axis=1).astype(np.float64))


def _bottom(strength: Floats, quality: Floats, rng: np.random.Generator) -> Bools:
    n, each = quality.shape[1], np.arange(len(quality))
    left, value = np.ones(quality.shape, bool), np.zeros(quality.shape)
    for i in range(n - 1):
        place = np.cumsum(left, axis=1) - 1
        seen = -(strength * 4.0 ** (-i / max(1, n - 2)))[:, None] * place + rng.gumbel(size=quality.shape)
        chosen = np.where(left, seen, -np.inf).argmax(axis=1)
        left[each, chosen], value[each, chosen] = False, n - i
    return _right(value)


_STRONG = {
    "mallows": _mallows,
    "plackett-luce": _plackett_luce,
    "flips": _sorted_flips,
    "probit": _probit,
    "swaps": _swaps,
    "bottom": _bottom,
}
_REACH = {"mallows": 8.0, "plackett-luce": 60.0, "flips": 1.0, "probit": 60.0, "swaps": 1.0, "bottom": 30.0}
"""The largest strength of each; below 0 the order is reversed."""


@cache
def _orders(n: int) -> tuple[Bools, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """All orders of n answers by number of wrong comparisons: what is right in each, where each number starts, how many."""
    orders = np.array(list(permutations(range(n))), np.float64)
    right = _right(-orders)
    wrong = (~right).sum(axis=1)
    number = np.bincount(wrong)
    return right[np.argsort(wrong, kind="stable")], np.cumsum(number) - number, number


@cache
def _strengths(noise: str, n: int) -> tuple[Floats, Floats]:
    """Strengths, and the share of right comparisons that each gives."""
    rng = np.random.default_rng(0)
    half = _REACH[noise] * np.linspace(0, 1, TABLE // 2 + 1) ** 2
    strengths = np.concatenate([-half[:0:-1], half])
    shares = np.empty(len(strengths))
    for i, strength in enumerate(strengths):
        quality = -np.sort(-rng.standard_normal((DRAWS, n)), axis=1)
        shares[i] = _STRONG[noise](np.full(DRAWS, strength), quality, rng).mean()
    return strengths, np.maximum.accumulate((shares + 1 - shares[::-1]) / 2)
