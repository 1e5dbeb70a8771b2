"""The Beta prior that suits many annotators best: empirical Bayes over a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from votewise.arrays import Floats
from votewise.inference.em import EMOptions, run_em
from votewise.inference.priors import LARGEST, SMALLEST, Beta, Grid


def fit_beta(
    log_likelihood: Floats,
    grid: Grid,
    start: Beta,
    *,
    anchor: Beta | None = None,
    anchor_annotators: float = 4.0,
) -> Beta:
    """The Beta prior that maximises the marginal likelihood of K annotators (empirical Bayes).

    EM over the grid: expected mass at each node, then the maximum-likelihood Beta of that weighted histogram.

    Args:
        log_likelihood: (K, G) log-likelihood of each annotator's votes at each node, up to a constant per annotator.
        grid: the nodes.
        start: where to start.
        anchor: a Beta that pulls the fit as ``anchor_annotators`` further annotators would; none by default.
        anchor_annotators: how many annotators the anchor counts for.
    """
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    population = _Population(likelihood, grid, *_held(anchor, anchor_annotators))

    def step(x: Floats) -> tuple[Floats, float]:
        prior = _beta_at(x)
        marginal, expected = population.e_step(prior)
        fitted = population.m_step(prior, expected)
        return np.log([fitted.c, fitted.d]), population.bound(prior, marginal)

    run = run_em(step, np.log([start.c, start.d]), EMOptions(tolerance=1e-4, max_iterations=500))
    return _beta_at(run.x)


@dataclass(frozen=True, eq=False)
class _Population:
    """Annotators whose reliabilities come from one Beta: (K, G) ``likelihood``, and the anchor.

    The anchor counts for ``held`` annotators, whose mean of (log x, log(1 - x)) is ``held_logs`` (2,).
    """

    likelihood: Floats
    grid: Grid
    held: float
    held_logs: Floats

    @property
    def logs(self) -> Floats:
        """(2, G) log x and log(1 - x) at the nodes."""
        return np.stack([np.log(self.grid.x), np.log1p(-self.grid.x)])

    def e_step(self, prior: Beta) -> tuple[Floats, Floats]:
        """(K,) marginal likelihood of each annotator, and (G,) expected number of annotators at each node."""
        mass = np.exp(self.grid.log_mass(prior))
        marginal = self.likelihood @ mass
        return marginal, mass * (self.likelihood.T @ (1 / marginal))

    def m_step(self, prior: Beta, expected: Floats) -> Beta:
        """The Beta that suits the expected numbers best, the anchor's annotators included."""
        size = len(self.likelihood) + self.held
        return self.grid.beta_from_mean_logs((self.logs @ expected + self.held * self.held_logs) / size, prior)

    def bound(self, prior: Beta, marginal: Floats) -> float:
        """The objective: log marginal likelihood, plus the expected log-density of the anchor's annotators."""
        powers = np.array([prior.c - 1, prior.d - 1])
        # Each node gets its share of the anchor, so the bound uses the same normaliser for both.
        normaliser = (self.grid.log_mass(prior) - self.grid.log_width - self.logs.T @ powers).mean()
        return float(np.log(marginal).sum() + self.held * normaliser + self.held * (self.held_logs @ powers))


def _held(anchor: Beta | None, annotators: float) -> tuple[float, Floats]:
    """How many annotators the anchor counts for, and (2,) its E[log x] and E[log(1 - x)]."""
    if anchor is None:
        return 0.0, np.zeros(2)
    return annotators, np.array([digamma(anchor.c), digamma(anchor.d)]) - digamma(anchor.c + anchor.d)


def _beta_at(x: Floats) -> Beta:
    """The Beta with these logs of its parameters, kept in range."""
    c, d = np.exp(np.clip(x, np.log(SMALLEST), np.log(LARGEST)))
    return Beta(float(c), float(d))
