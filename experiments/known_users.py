"""Users of known attentiveness: draws, distances between distributions, and how well the attentive half is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from votewise.data.clicks import Counts
from votewise.inference.priors import Beta, Grid

FINE = Grid.of_size(2000)
LEVELS = np.linspace(0, 1, 1001)
"""Attentiveness at which distribution functions are compared."""


@dataclass(frozen=True, eq=False)
class Truth:
    """A distribution of attentiveness: nodes with masses (atoms, or a fine grid), and how to draw from it."""

    nodes: np.ndarray
    mass: np.ndarray
    draw: Callable[[np.random.Generator, int], np.ndarray]

    @property
    def discrete(self) -> bool:
        """Whether it is made of atoms."""
        return len(self.nodes) < len(FINE.x)


def atoms(*points: tuple[float, float]) -> Truth:
    """Users at a few points: (mass, attentiveness) each."""
    mass, nodes = np.array(points).T
    return Truth(nodes, mass, lambda rng, m: rng.choice(nodes, m, p=mass))


def betas(*components: tuple[float, float, float]) -> Truth:
    """A mixture of Betas: (weight, c, d) each."""
    weight, c, d = np.array(components).T
    mass = sum(w * np.exp(FINE.log_mass(Beta(*cd))) for w, *cd in components)

    def draw(rng: np.random.Generator, m: int) -> np.ndarray:
        k = rng.choice(len(weight), m, p=weight)
        return rng.beta(c[k], d[k])

    return Truth(FINE.x, np.asarray(mass), draw)


def logistic_normal(mean: float, deviation: float) -> Truth:
    """The logistic function of a normal variable."""
    t = logit(FINE.x)
    mass = np.exp(FINE.log_width - np.log(FINE.x) - np.log1p(-FINE.x) - ((t - mean) / deviation) ** 2 / 2)
    return Truth(FINE.x, mass / mass.sum(), lambda rng, m: expit(rng.normal(mean, deviation, m)))


def clicks(rng: np.random.Generator, rho: np.ndarray, n: np.ndarray, mu: float) -> tuple[Counts, np.ndarray]:
    """Counts of users of attentiveness ``rho`` (J,) with ``n`` (J,) comparisons each, and the cell of each user."""
    return Counts.of_users(n, rng.binomial(n, 0.5 + rho * (mu - 0.5)))


def posterior_mean(truth: Truth, counts: Counts, mu: float) -> np.ndarray:
    """(C,) expected attentiveness of each cell, given the true distribution."""
    log_likelihood = counts.log_likelihood(truth.nodes, np.array([mu - 0.5]))
    joint = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True)) * truth.mass
    return joint @ truth.nodes / joint.sum(axis=1)


def posterior_interval(truth: Truth, counts: Counts, mu: float, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """(C,) ends of each cell's equal-tailed interval, given the true distribution."""
    log_likelihood = counts.log_likelihood(truth.nodes, np.array([mu - 0.5]))
    joint = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True)) * truth.mass
    below = np.cumsum(joint / joint.sum(axis=1, keepdims=True), axis=1)
    return tuple(truth.nodes[(below >= tail - 1e-12).argmax(axis=1)] for tail in ((1 - level) / 2, (1 + level) / 2))


def distribution_function(nodes: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """P(attentiveness <= x) at the ``LEVELS``; the mass of a grid's node is spread evenly over its cell."""
    order = np.argsort(nodes)
    total = np.append(0.0, np.cumsum(mass[order]))
    if len(nodes) < 10:
        return total[np.searchsorted(nodes[order], LEVELS, side="right")]
    edges = np.sin(np.pi / 2 * np.linspace(0, 1, len(nodes) + 1)) ** 2
    return np.interp(LEVELS, edges, total)


def wasserstein(one: np.ndarray, other: np.ndarray) -> float:
    """Wasserstein-1 distance of two distribution functions at the ``LEVELS``: the mean distance that users have to move."""
    return float(np.trapezoid(np.abs(one - other), LEVELS))


def total_variation(one: np.ndarray, other: np.ndarray) -> float:
    """Total variation distance, from distribution functions at the ``LEVELS``: mass in the wrong cell of 1/100."""
    return float(np.abs(np.diff(one[::10], prepend=0.0) - np.diff(other[::10], prepend=0.0)).sum() / 2)


def upper_half(values: np.ndarray) -> np.ndarray:
    """(J,) membership of the upper half, J / 2 in total; users at the border share the remainder equally."""
    border = np.sort(values)[len(values) // 2]
    above, at = values > border, values == border
    return above + at * (len(values) / 2 - above.sum()) / at.sum()


def share_found(score: np.ndarray, rho: np.ndarray) -> float:
    """Share of the truly most attentive half that is in the upper half by score."""
    return float(upper_half(score) @ upper_half(rho) / (len(rho) / 2))


TWO_POINT = atoms((0.6, 0.4), (0.4, 0.98))
BETA = betas((1.0, 3.0, 5.0))
"""The two distributions that the paper uses most."""
