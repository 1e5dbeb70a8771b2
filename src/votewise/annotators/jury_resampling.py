"""Intervals of what is measured on pairs: the pairs are drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from votewise.annotators.jury_figures import Figure
from votewise.arrays import Bools, Floats, Ints

RESAMPLES = 200


class Resampling:
    """Percentile intervals of statistics of pairs: pairs are drawn with replacement."""

    def __init__(self, level: float, rng: np.random.Generator) -> None:
        self.level, self.rng = level, rng

    def mean(self, value: Floats, least: float = 0.0) -> Figure:
        """The mean of (n,) values from ``least`` to 1, each of its own pair; NaN ones are left out.

        Where all are the same, drawing them anew tells nothing. Then at most a share p of all pairs is otherwise, with
        (1 - p)^n = (1 - level) / 2, and the interval holds the means with that share at either end.
        """
        x = value[np.isfinite(value)]
        n = len(x)
        if n == 0:
            return Figure(float("nan"))
        found = float(x.mean())
        if (x == x[0]).all():
            p = 1 - ((1 - self.level) / 2) ** (1 / n)
            return Figure(found, found - p * (found - least), found + p * (1 - found))
        times = self.rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES * 5)
        return Figure(found, *self._span(times @ x / n))

    def preference(self, longer: Bools, better: Bools) -> Figure:
        """Mean of the two shares of (n,) ``longer``, where the longer answer is ``better`` and where not, less 1/2."""
        n = len(longer)
        if not (better.any() and (~better).any()):
            return Figure(float("nan"))
        of = np.stack([better, better & longer, ~better, ~better & longer], axis=1).astype(np.float64)

        def value(counts: Floats) -> Floats:
            with np.errstate(invalid="ignore", divide="ignore"):
                return (counts[..., 1] / counts[..., 0] + counts[..., 3] / counts[..., 2]) / 2 - 0.5

        times = self.rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES * 5)
        return Figure(float(value(of.sum(axis=0))), *self._span(value(times @ of)))

    def of(self, statistic: Callable[[Ints], Sequence[float]], at: Ints) -> list[Figure]:
        """Figures that are computed from pairs, given by their numbers ``at``."""
        found = statistic(at)
        again = np.array([statistic(self.rng.choice(at, len(at))) for _ in range(RESAMPLES)])
        return [Figure(float(v), *self._span(again[:, i])) for i, v in enumerate(found)]

    def _span(self, values: Floats) -> tuple[float, float]:
        values = values[np.isfinite(values)]
        if len(values) < RESAMPLES / 2:
            return float("nan"), float("nan")
        edge = (1 - self.level) / 2
        low, high = np.quantile(values, [edge, 1 - edge])
        return float(low), float(high)
