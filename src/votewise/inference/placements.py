"""Where some of n answers stand in the true order, summed over all orders exactly.

The likelihood of choices of the best answer depends on the places of the chosen answers only. These d answers are *named*;
all others are alike, unless something is known of them before (then all n are named). From the best place to the last, each
place takes a named answer that has none yet, or one of the others: a path through sets of named answers. Sums over all n!
orders are sums over paths, forward and backward: 2^d (n - d + 1) states at most, where there are n! / (n - d)! placements.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from votewise.arrays import Floats

Indices = npt.NDArray[np.int64]

UNDERFLOW = 1e-200
"""A sum below this may have lost terms that matter, and is computed in logs."""


@dataclass(frozen=True, eq=False)
class Layer:
    """What can be said after one more place.

    Attributes:
        sets: (S, d) which named answers have a place, for each state after this place.
        kept, keeping: states before and after, where the place went to an answer without a name.
        came: for each named answer, the states before and after, where the place went to it.
    """

    sets: npt.NDArray[np.bool_]
    kept: Indices
    keeping: Indices
    came: tuple[tuple[Indices, Indices], ...]


@dataclass(frozen=True, eq=False)
class Paths:
    """All paths by which d named answers of n come to their places.

    Attributes:
        n: how many answers.
        d: how many of them have names.
        layers: (n,) after each place.
    """

    n: int
    d: int
    layers: tuple[Layer, ...]

    @classmethod
    @cache
    def of(cls, n: int, d: int) -> Paths:
        """The paths of d named answers among n."""
        every = np.arange(2**d)
        size = np.array([int(s).bit_count() for s in every])
        layers, before = [], every[:1]
        for place in range(n):
            unnamed = place + 1 - size
            after = every[(unnamed >= 0) & (unnamed <= n - d)]
            kept = np.flatnonzero(np.isin(before, after))
            came = []
            for i in range(d):
                free = np.flatnonzero((before >> i & 1 == 0) & np.isin(before | 1 << i, after))
                came.append((free, np.searchsorted(after, before[free] | 1 << i)))
            sets = (after[:, None] >> np.arange(d) & 1).astype(bool)
            layers.append(Layer(sets, kept, np.searchsorted(after, before[kept]), tuple(came)))
            before = after
        return cls(n, d, tuple(layers))

    @property
    def steps(self) -> int:
        """How many steps all paths have together."""
        return sum(len(x.kept) + sum(len(free) for free, _ in x.came) for x in self.layers)


@dataclass(frozen=True, eq=False)
class Placed:
    """Where the named answers of P prompts stand, with Q settings.

    Attributes:
        log_sum: (P,) log of the sum over orders and settings.
        at: (d, n, P, Q) probability that each named answer stands at each place, with each setting.
        above: (d, d + 1, n, P, Q) the same together with the event that another named answer stands below it; the last:
            times the expected share of the answers without names that do. Empty unless asked for.
    """

    log_sum: Floats
    at: Floats
    above: Floats


def placed(paths: Paths, log_value: Floats, log_weight: Floats, score: Floats | None = None, *, above: bool) -> Placed:
    """Sum over all orders, each with the product of its named answers' values at their places.

    Args:
        paths: of d named answers among n.
        log_value: (d, n, P, Q) log of each named answer's value at each place.
        log_weight: (Q,) log-probability of each setting.
        score: (d, P) scores of which orders are made before [Plackett-Luce], where all answers have names; None where all
            orders are equally likely.
        above: whether ``Placed.above`` is wanted.
    """
    top = log_value.max(axis=1, keepdims=True)
    start = top.sum(axis=(0, 1)) + log_weight
    shift = start.max(axis=1)
    log_value, start = log_value - top, start - shift[:, None]
    found = _summed(_Plain(), paths, log_value, start, score, above=above)
    lost = np.flatnonzero(found.log_sum < np.log(UNDERFLOW))
    if len(lost):
        part = None if score is None else score[:, lost]
        again = _summed(_Logs(), paths, log_value[:, :, lost], start[lost], part, above=above)
        found.log_sum[lost], found.at[:, :, lost] = again.log_sum, again.at
        if above:
            found.above[:, :, :, lost] = again.above
    return Placed(found.log_sum + shift, found.at, found.above)


class _Plain:
    """Sums and products of numbers."""

    zero = 0.0

    def of_log(self, x: Floats) -> Floats:
        return np.exp(x)

    def times(self, x: Floats, y: Floats) -> Floats:
        return x * y

    def plus(self, x: Floats, y: Floats) -> Floats:
        return x + y

    def log_of_sum(self, x: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(x.sum(axis=1)))

    def share(self, x: Floats, log_sum: Floats) -> Floats:
        return np.asarray(x * np.exp(-np.maximum(log_sum, np.log(UNDERFLOW)))[:, None])


class _Logs(_Plain):
    """The same of numbers that are given as their logs."""

    zero = -np.inf

    def of_log(self, x: Floats) -> Floats:
        return x

    def times(self, x: Floats, y: Floats) -> Floats:
        return x + y

    def plus(self, x: Floats, y: Floats) -> Floats:
        return np.asarray(np.logaddexp(x, y))

    def log_of_sum(self, x: Floats) -> Floats:
        return np.asarray(np.logaddexp.reduce(x, axis=1))

    def share(self, x: Floats, log_sum: Floats) -> Floats:
        return np.asarray(np.exp(x - log_sum[:, None]))


def _summed(by: _Plain, paths: Paths, log_value: Floats, start: Floats, score: Floats | None, *, above: bool) -> Placed:
    d, n = log_value.shape[:2]
    value = by.of_log(log_value)
    divided = _divided(by, paths, score)
    if score is not None:
        value = by.times(value, by.of_log((score - score.max(axis=0))[:, None, :, None]))
    # States come first, so that whole blocks of prompts are moved at a time.
    ahead = [by.of_log(start)[None]]
    for place, layer in enumerate(paths.layers):
        before = ahead[-1] if score is None else by.times(ahead[-1], divided[place])
        after = np.full((len(layer.sets), *before.shape[1:]), by.zero)
        after[layer.keeping] = before[layer.kept]
        for i, (free, taken) in enumerate(layer.came):
            after[taken] = by.plus(after[taken], by.times(before[free], value[i, place]))
        ahead.append(after)
    log_sum = by.log_of_sum(ahead[-1][0])
    at = np.empty(log_value.shape)
    higher = np.zeros((d, d + 1, *log_value.shape[1:]) if above else (0,))
    back = by.of_log(np.zeros((1, *start.shape)))
    for place in range(n - 1, -1, -1):
        layer, before = paths.layers[place], ahead[place]
        if score is not None:
            before = by.times(before, divided[place])
        behind = np.full(before.shape, by.zero)
        behind[layer.kept] = back[layer.keeping]
        for i, (free, taken) in enumerate(layer.came):
            onwards = by.times(back[taken], value[i, place])
            behind[free] = by.plus(behind[free], onwards)
            share = by.share(by.times(before[free], onwards), log_sum)
            at[i, place] = share.sum(axis=0)
            if above:
                higher[i, :, place] = np.tensordot(_below(paths, layer.sets[taken], place), share, (0, 0))
        back = behind if score is None else by.times(behind, divided[place])
    equal = 0.0 if score is not None else -float(np.log(np.arange(n - d + 1, n + 1, dtype=np.float64)).sum())
    return Placed(log_sum + equal, at, higher)


def _divided(by: _Plain, paths: Paths, score: Floats | None) -> list[Floats]:
    """For each place (S, P, 1): one over the sum of exp(score) of all answers that have no place before it."""
    if score is None:
        return []
    worth = np.exp(score - score.max(axis=0))
    free = [np.ones((1, paths.d), bool), *(~x.sets for x in paths.layers[:-1])]
    return [by.of_log(-np.log(np.maximum(f @ worth, 1e-300)))[:, :, None] for f in free]


def _below(paths: Paths, sets: npt.NDArray[np.bool_], place: int) -> Floats:
    """(S, d + 1) which named answers have no place yet, and the share of those without names that have none."""
    unnamed = paths.n - paths.d
    used = place + 1 - sets.sum(axis=1)
    rest = (unnamed - used) / max(unnamed, 1)
    return np.concatenate([~sets, rest[:, None]], axis=1).astype(np.float64)
