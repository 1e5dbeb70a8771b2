"""Families of priors over a probability in (0, 1), each fitted to a weighted histogram on a grid.

A family needs two things: its log-density on the grid, and the M-step that fits it to expected masses at the nodes. The
likelihood of every annotator over the grid is computed once; after that a fit never looks at the votes again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, digamma, polygamma

from votewise.em import run_em
from votewise.errors import BadInputError
from votewise.votes import Floats

SMALLEST, LARGEST = 0.05, 1000.0
"""Range of a fitted Beta's parameters: outside it the data say 'a point' or 'the two ends', and more digits mean nothing."""

ANCHOR_ANNOTATORS = 4.0
"""A fitted prior is held near Beta(5, 2) as if by this many annotators, so that a crowd of three still gets an answer."""


@dataclass(frozen=True)
class Beta:
    """Beta(c, d) over a probability: density proportional to x^(c-1) (1-x)^(d-1), mean c / (c + d).

    Raises BadInputError unless both parameters are positive and finite.
    """

    c: float
    d: float

    def __post_init__(self) -> None:
        for name, value in (("c", self.c), ("d", self.d)):
            if not (np.isfinite(value) and value > 0):
                raise BadInputError(f"prior Beta({self.c}, {self.d})", expected=f"{name} > 0")

    @property
    def mean(self) -> float:
        """C / (c + d)."""
        return self.c / (self.c + self.d)

    def log_density(self, x: Floats) -> Floats:
        """Log-density at ``x``, any shape, values strictly inside (0, 1)."""
        return np.asarray((self.c - 1) * np.log(x) + (self.d - 1) * np.log1p(-x) - betaln(self.c, self.d))

    @classmethod
    def from_mean_logs(cls, mean_log: float, mean_log1m: float, start: Beta) -> Beta:
        """The Beta whose E[log x] and E[log(1 - x)] are the given ones: maximum likelihood [UAA app. C.2].

        Newton on psi(c) - psi(c + d) = mean_log and its mirror, in log(c), log(d) so that both stay positive. The
        log-likelihood is concave in (c, d); steps are damped to a factor of e^2.
        """
        log_cd = np.log([start.c, start.d])
        for _ in range(100):
            c, d = np.exp(log_cd)
            gradient = np.array([mean_log - digamma(c) + digamma(c + d), mean_log1m - digamma(d) + digamma(c + d)])
            shared = polygamma(1, c + d)
            hessian = np.array([[shared - polygamma(1, c), shared], [shared, shared - polygamma(1, d)]])
            move = np.clip(np.linalg.solve(hessian, -gradient) / np.exp(log_cd), -2.0, 2.0)
            log_cd = np.clip(log_cd + move, np.log(SMALLEST), np.log(LARGEST))
            if np.abs(move).max() < 1e-10:
                break
        c, d = np.exp(log_cd)
        return cls(float(c), float(d))


START = Beta(5.0, 2.0)
"""Where a fitted prior starts, and what holds it when annotators are few."""


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

    def quantiles(self, mass: Floats, levels: tuple[float, ...]) -> Floats:
        """(levels, K) quantiles of K distributions given as masses (K, G), interpolated within cells."""
        total = np.cumsum(mass, axis=1)
        total /= total[:, -1:]
        rows = np.arange(len(mass))
        found = []
        for level in levels:
            cell = np.minimum((total < level).sum(axis=1), mass.shape[1] - 1)
            above = total[rows, cell]
            below = np.where(cell > 0, total[rows, cell - 1], 0.0)
            share = np.where(above > below, (level - below) / np.maximum(above - below, 1e-300), 0.5)
            found.append(np.sin(np.pi / 2 * (self.edges[cell] + share / mass.shape[1])) ** 2)
        return np.stack(found)


def fit_beta(log_likelihood: Floats, grid: Grid, start: Beta, *, anchor: Beta | None = None) -> Beta:
    """The Beta prior that maximises the marginal likelihood of K annotators (empirical Bayes).

    EM over the grid: expected mass at each node, then the maximum-likelihood Beta of that weighted histogram.

    Args:
        log_likelihood: (K, G) log-likelihood of each annotator's votes at each node, up to a constant per annotator.
        grid: the nodes.
        start: where to start.
        anchor: a Beta that holds the fit as ``ANCHOR_ANNOTATORS`` further annotators would; none by default.

    """
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    logs = np.stack([np.log(grid.x), np.log1p(-grid.x)])
    held = ANCHOR_ANNOTATORS if anchor is not None else 0.0
    held_logs = np.zeros(2)
    if anchor is not None:
        held_logs = np.array([digamma(anchor.c), digamma(anchor.d)]) - digamma(anchor.c + anchor.d)
    size = len(likelihood) + held

    def step(x: Floats) -> tuple[Floats, float]:
        prior = Beta(*np.exp(np.clip(x, np.log(SMALLEST), np.log(LARGEST))))
        mass = np.exp(grid.log_mass(prior))
        marginal = likelihood @ mass
        expected = mass * (likelihood.T @ (1 / marginal))
        mean_logs = (logs @ expected + held * held_logs) / size
        fitted = Beta.from_mean_logs(mean_logs[0], mean_logs[1], prior)
        bound = np.log(marginal).sum()
        if anchor is not None:
            bound += held * (held_logs @ [prior.c - 1, prior.d - 1] - betaln(prior.c, prior.d))
        return np.log([fitted.c, fitted.d]), float(bound)

    # The grid normalises the density numerically, Newton analytically: between the two the bound may fall by 1e-6.
    run = run_em(step, np.log([start.c, start.d]), tolerance=1e-4, max_iterations=500, slack=1e-6)
    c, d = np.exp(np.clip(run.x, np.log(SMALLEST), np.log(LARGEST)))
    return Beta(float(c), float(d))
