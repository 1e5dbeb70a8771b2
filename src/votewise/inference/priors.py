"""The Beta prior over a probability in (0, 1), and the grid on which priors are fitted to weighted histograms.

The likelihood of every annotator over the grid is computed once; after that a fit does not need the votes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from votewise.arrays import Floats
from votewise.errors import BadInputError

SMALLEST, LARGEST = 0.05, 1000.0
"""Range of a fitted Beta's parameters: outside it the prior is in effect one point, or 0 and 1 alone."""


@dataclass(frozen=True)
class Beta:
    """Beta(c, d) over a probability: density proportional to x^(c-1) (1-x)^(d-1), mean c / (c + d).

    A share ``outliers`` of the draws comes from the uniform distribution instead. It gives the density tails; without them
    a single adversary among good annotators would look like bad luck.

    Raises BadInputError unless both parameters are positive and finite and the share lies in [0, 1).
    """

    c: float
    d: float
    outliers: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("c", self.c), ("d", self.d)):
            if not (np.isfinite(value) and value > 0):
                raise BadInputError(f"prior Beta({self.c}, {self.d})", expected=f"{name} > 0")
        if not 0 <= self.outliers < 1:
            raise BadInputError("share of outliers", value=self.outliers, expected="at least 0 and below 1")

    @property
    def mean(self) -> float:
        """Mean: c / (c + d)."""
        return self.c / (self.c + self.d)

    @property
    def variance(self) -> float:
        """Variance: c d / ((c + d)^2 (c + d + 1))."""
        return self.mean * (1 - self.mean) / (self.c + self.d + 1)

    @classmethod
    def from_moments(cls, mean: float, variance: float) -> Beta:
        """The Beta with this mean and variance; the variance is limited so that c + d is at least 1/2."""
        most = mean * (1 - mean)
        size = most / min(max(variance, 1e-6 * most), most / 1.5) - 1
        return cls(float(mean * size), float((1 - mean) * size))

    def log_density(self, x: Floats) -> Floats:
        """Log-density at ``x``, any shape, values strictly inside (0, 1)."""
        return self.weigh(np.log(x), np.log1p(-x))[0]

    def weigh(self, log_x: Floats, log_1mx: Floats) -> tuple[Floats, Floats]:
        """Log-density at x and the probability that a draw of this value is not an outlier, from log(x) and log(1 - x)."""
        from scipy.special import betaln  # here, so that a prior can be checked before scipy is imported

        shape = (self.c - 1) * log_x + (self.d - 1) * log_1mx - betaln(self.c, self.d)
        if self.outliers == 0:
            return np.asarray(shape), np.ones_like(shape)
        ordinary = (1 - self.outliers) * np.exp(shape)
        total = ordinary + self.outliers
        return np.log(total), ordinary / total


@dataclass(frozen=True, eq=False)
class Grid:
    """Quadrature nodes in (0, 1), denser towards the ends: x = sin^2(pi u / 2) for equally spaced u.

    The spacing makes the standard error of a share the same number of nodes everywhere. ``x`` (G,) are the nodes,
    ``log_width`` (G,) the logs of their cells, ``edges`` (G + 1,) the cells' borders in u.
    """

    x: Floats
    log_width: Floats
    edges: Floats

    @classmethod
    def of_size(cls, size: int) -> Grid:
        """A grid of ``size`` nodes."""
        edges = np.linspace(0.0, 1.0, size + 1)
        middle = (edges[1:] + edges[:-1]) / 2
        return cls(np.sin(np.pi / 2 * middle) ** 2, np.log(np.pi / 2 * np.sin(np.pi * middle) / size), edges)

    def log_mass(self, prior: Beta | None) -> Floats:
        """(G,) log prior mass of each node's cell, summing to one; uniform over probabilities without a prior."""
        mass = self.log_width if prior is None else self.log_width + prior.log_density(self.x)
        top = mass.max()
        return np.asarray(mass - top - np.log(np.exp(mass - top).sum()))

    def beta_from_mean_logs(self, mean_logs: Floats, start: Beta) -> Beta:
        """The Beta whose E[log x] and E[log(1 - x)] on this grid are the two given ones: maximum likelihood.

        The digamma equations of [UAA app. C.2] with sums over the nodes instead of integrals.
        """
        logs = np.stack([np.log(self.x), np.log1p(-self.x)])
        power = fit_exponential(
            logs,
            self.log_width,
            mean_logs,
            np.array([start.c - 1, start.d - 1]),
            lambda power: np.clip(power, SMALLEST - 1, LARGEST - 1),
        )
        return Beta(float(power[0] + 1), float(power[1] + 1))

    def quantiles(self, mass: Floats, at: tuple[float, ...]) -> Floats:
        """(len(at), K) quantiles of K distributions given as masses (K, G), interpolated within cells."""
        total = np.cumsum(mass, axis=1)
        total /= total[:, -1:]
        rows = np.arange(len(mass))
        found = []
        for share_below in at:
            cell = np.minimum((total < share_below).sum(axis=1), mass.shape[1] - 1)
            above = total[rows, cell]
            below = np.where(cell > 0, total[rows, cell - 1], 0.0)
            share = np.where(above > below, (share_below - below) / np.maximum(above - below, 1e-300), 0.5)
            found.append(np.sin(np.pi / 2 * (self.edges[cell] + share / mass.shape[1])) ** 2)
        return np.stack(found)


def fit_exponential(
    statistics: Floats, base: Floats, means: Floats, start: Floats, into_range: Callable[[Floats], Floats]
) -> Floats:
    """Maximum likelihood in an exponential family on a grid, mass proportional to exp(base + power @ statistics).

    The log-likelihood is concave in ``power`` and Newton's matrix is a covariance; a step is halved until it helps.

    Args:
        statistics: (2, G) sufficient statistics at the nodes.
        base: (G,) log of the base measure.
        means: (2,) their expectations under the histogram to be fitted.
        start: (2,) powers to start from.
        into_range: moves powers into the allowed range.
    """

    def climb(power: Floats) -> tuple[float, Floats]:
        exponent = power @ statistics + base
        top = exponent.max()
        mass = np.exp(exponent - top)
        total = mass.sum()
        return float(power @ means - top - np.log(total)), mass / total

    power = into_range(start)
    value, mass = climb(power)
    for _ in range(100):
        expected = statistics @ mass
        centred = statistics - expected[:, None]
        covariance = (centred * mass) @ centred.T + 1e-12 * np.eye(2)
        move, length = np.linalg.solve(covariance, means - expected), 1.0
        while length > 1e-8:
            trial = into_range(power + length * move)
            new_value, new_mass = climb(trial)
            if new_value >= value:
                break
            length /= 2
        else:
            break
        done = np.abs(trial - power).max() < 1e-9 * (1 + np.abs(power).max())
        power, value, mass = trial, new_value, new_mass
        if done:
            break
    return power


def parse_prior(text: str) -> Beta | Literal["fit"] | None:
    """``fit`` as it is, ``none`` -> None, ``beta:5,2`` -> Beta(5, 2); BadInputError for anything else."""
    if text in ("fit", "none"):
        return "fit" if text == "fit" else None
    name, _, numbers = text.partition(":")
    try:
        c, d = (float(number) for number in numbers.split(","))
        if name != "beta":
            raise ValueError
    except ValueError:
        raise BadInputError(
            "no such prior", parameter="prior", value=text, expected="fit, none or a Beta such as beta:5,2"
        ) from None
    return Beta(c, d)
