"""Intervals that hold a value whichever of several distributions is the right one.

Where the data do not tell which of several explanations is true, each has its own posterior, and the value is identified in
part only: known up to the explanation [Imbens-Manski]. Where two posteriors lie apart, the value lies near one end of what
both cover, and what is cut off at the other end is not lost. So an interval need not leave half of what may be lost at each
end: it may leave all of it where the explanations lie apart, half where they agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from votewise.arrays import Floats
from votewise.inference.priors import Grid

BLOCK = 8192
"""Values whose distributions are accumulated at a time."""

HALVINGS = 16
"""Steps of the search for the share that is left at one end: it is found to a hundred thousandth."""


def intervals_under_all(
    masses: Floats, outside: Floats, widening: Floats, *, at_one_end: float = 1.0
) -> tuple[Floats, Floats]:
    """(K,) lower and (K,) upper ends of intervals outside of which is at most a given mass under every distribution.

    With F_l the distributions and t_l what may be outside under each: L(a) is the lowest of the quantiles of a t_l, U(a)
    the highest of those of 1 - a t_l, and a the largest number from 1/2 to ``at_one_end`` for which F_l(L) + 1 - F_l(U) is
    at most t_l for all l. One distribution has a = 1/2, and two that lie far apart a = ``at_one_end``.

    Args:
        masses: (L, K, G) masses of L distributions for each of K values, at the nodes of a ``Grid``.
        outside: (L,) mass that may be outside under each distribution, in (0, 1).
        widening: (L, K) factors by which each distribution is stretched about its median, in log-odds.
        at_one_end: largest share of what may be outside that may be at one end, from 1/2 to 1.
    """
    low, high = np.empty((2, masses.shape[1]))
    for start in range(0, masses.shape[1], BLOCK):
        part = slice(start, start + BLOCK)
        each = [_Stretched.of(m[part], w[part]) for m, w in zip(masses, widening, strict=True)]
        low[part], high[part] = _ends(each, outside, at_one_end)
    return expit(low), expit(high)


def _ends(each: list[_Stretched], outside: Floats, at_one_end: float) -> tuple[Floats, Floats]:
    least = np.full(len(each[0].middle), 0.5)
    most = np.full(len(least), at_one_end)

    def ends(share: Floats) -> tuple[Floats, Floats]:
        low = [f.quantile(share * t) for f, t in zip(each, outside, strict=True)]
        high = [f.quantile(1 - share * t) for f, t in zip(each, outside, strict=True)]
        return np.min(low, axis=0), np.max(high, axis=0)

    trial = most
    for _ in range(HALVINGS):
        low, high = ends(trial)
        lost = np.max([(f.below(low) + 1 - f.below(high)) / t for f, t in zip(each, outside, strict=True)], axis=0)
        held = lost <= 1 + 1e-9
        least, most = np.where(held, trial, least), np.where(held, most, trial)
        trial = (least + most) / 2
    return ends(least)


@dataclass(frozen=True, eq=False)
class _Stretched:
    """K distributions over log-odds, each stretched about its median.

    Attributes:
        total: (K, G) mass up to the end of each cell.
        edges: (G + 1,) the cells' borders.
        widening: (K,) the factors.
        middle: (K,) the medians.
    """

    total: Floats
    edges: Floats
    widening: Floats
    middle: Floats

    @classmethod
    def of(cls, mass: Floats, widening: Floats) -> _Stretched:
        grid = Grid.of_size(mass.shape[1])
        total = np.cumsum(mass, axis=1)
        total /= total[:, -1:]
        return cls(total, grid.edges, widening, _log_odds(grid.quantiles(mass, (0.5,))[0]))

    def quantile(self, share: Floats) -> Floats:
        """(K,) log-odds below which is a ``share`` (K,) of each distribution."""
        k, g = self.total.shape
        # One search in all rows at once: row i lies between i and i + 1.
        rows = np.arange(k)
        cell = np.searchsorted((self.total + rows[:, None]).ravel(), share + rows) - rows * g
        cell = np.clip(cell, 0, g - 1)
        above = self.total[rows, cell]
        below = np.where(cell > 0, self.total[rows, cell - 1], 0.0)
        part = np.where(above > below, (share - below) / np.maximum(above - below, 1e-300), 0.5)
        x = np.sin(np.pi / 2 * (self.edges[cell] + np.clip(part, 0.0, 1.0) / g)) ** 2
        return np.asarray(self.middle + self.widening * (_log_odds(x) - self.middle))

    def below(self, log_odds: Floats) -> Floats:
        """(K,) share of each distribution below ``log_odds`` (K,)."""
        k, g = self.total.shape
        rows = np.arange(k)
        at = expit(self.middle + (log_odds - self.middle) / self.widening)
        place = np.clip(2 / np.pi * np.arcsin(np.sqrt(at)) * g, 0.0, g)
        cell = np.minimum(place.astype(np.int64), g - 1)
        below = np.where(cell > 0, self.total[rows, cell - 1], 0.0)
        return np.asarray(below + (place - cell) * (self.total[rows, cell] - below))


def _log_odds(x: Floats) -> Floats:
    return np.asarray(logit(np.clip(x, 1e-12, 1 - 1e-12)))
