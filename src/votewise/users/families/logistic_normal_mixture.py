"""Logistic-normals of attentiveness, and mixtures of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from votewise.arrays import Floats
from votewise.inference.priors import Grid, fit_exponential
from votewise.users.families.family import Expected
from votewise.users.families.mixture import LEAST_USERS, GridMixture, numbered, to_logs, to_weights

NARROWEST, WIDEST, FURTHEST = 0.1, 10.0, 12.0
"""Range of the standard deviation of logit(attentiveness) in a component (below it the grid sees a point), and largest
distance of its mean from 0."""


@dataclass(frozen=True, eq=False)
class Normals:
    """(K,) weights of the components, and means and standard deviations of logit(attentiveness)."""

    weight: Floats
    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, components: Sequence[tuple[float, float, float]]) -> Normals:
        """Components one by one: weight, mean, deviation."""
        return cls(*np.array(components, np.float64).T)

    @classmethod
    def from_vector(cls, x: Floats) -> Normals:
        """From log weights, means and log deviations, which are kept in the range of the M-step."""
        weight, mean, deviation = x.reshape(3, -1)
        deviation = np.exp(np.clip(deviation, np.log(NARROWEST), np.log(WIDEST)))
        return cls(to_weights(weight), np.clip(mean, -FURTHEST, FURTHEST), deviation)

    def to_vector(self) -> Floats:
        """Log weights, means and log deviations."""
        return np.concatenate([to_logs(self.weight), self.mean, np.log(self.deviation)])


@dataclass(frozen=True)
class LogisticNormalMixture(GridMixture):
    """A mixture of K logistic-normals: logit(attentiveness) is normal in each. x = log weights, means, log deviations."""

    components: int = 2

    @property
    def name(self) -> str:
        """``logistic-normal:K``."""
        return f"logistic-normal:{self.components}"

    def starts(self, mean: float, variance: float, grid: Grid) -> list[Floats]:
        """Components spread over the moments, and over the range."""
        k = self.components
        middle = float(logit(np.clip(mean, 0.02, 0.98)))
        sd = float(np.clip(np.sqrt(variance) / max(mean * (1 - mean), 0.02), 0.3, 3.0))
        spread = np.linspace(-1, 1, k) if k > 1 else np.zeros(1)
        near = [(1 / k, middle + sd * z, sd / 2 if k > 1 else sd) for z in spread]
        far = [(1 / k, float(logit(m)), 0.7) for m in (np.linspace(0.15, 0.95, k) if k > 1 else [0.5])]
        return [Normals.of(near).to_vector(), Normals.of(far).to_vector()]

    def log_components(self, x: Floats, grid: Grid) -> Floats:
        """(K, G) log of weight times mass of each component."""
        normals = Normals.from_vector(x)
        t = logit(grid.x)
        shape = _base(grid) - 0.5 * ((t - normals.mean[:, None]) / normals.deviation[:, None]) ** 2
        return np.asarray(np.log(normals.weight)[:, None] + shape - np.logaddexp.reduce(shape, axis=1)[:, None])

    def fit(self, x: Floats, expected: Expected, grid: Grid) -> Floats:
        """Mean and variance of logit(attentiveness) of each component's share, exactly on the grid."""
        normals = Normals.from_vector(x)
        t = logit(grid.x)
        statistics = np.stack([t, t**2])
        fitted = []
        for mean, deviation, users in zip(normals.mean, normals.deviation, self.shares(x, expected, grid), strict=True):
            total = users.sum()
            if total > LEAST_USERS:
                powers = fit_exponential(
                    statistics, _base(grid), statistics @ users / total, _powers(mean, deviation), _in_range
                )
                mean, deviation = _moments(powers)
            fitted.append((total / expected.users.sum(), mean, deviation))
        return Normals.of(fitted).to_vector()

    def parameters(self, x: Floats) -> dict[str, float]:
        """Weight, mean and standard deviation of logit(attentiveness), components in the order of their means."""
        normals = Normals.from_vector(x)
        if self.components == 1:
            return {"mean": float(normals.mean[0]), "deviation": float(normals.deviation[0])}
        order = np.argsort(normals.mean).tolist()
        return numbered(order, weight=normals.weight, mean=normals.mean, deviation=normals.deviation)


def _base(grid: Grid) -> Floats:
    """(G,) log mass of each node under a flat distribution of logit(attentiveness)."""
    return np.asarray(grid.log_width - np.log(grid.x) - np.log1p(-grid.x))


def _powers(mean: float, deviation: float) -> Floats:
    """The normal as an exponential family: the coefficients of t and of t^2 in its log-density."""
    return np.array([mean / deviation**2, -0.5 / deviation**2])


def _moments(powers: Floats) -> tuple[float, float]:
    """Mean and standard deviation, from the coefficients of t and t^2."""
    deviation = float(np.sqrt(-0.5 / min(powers[1], -0.5 / WIDEST**2)))
    return float(powers[0] * deviation**2), deviation


def _in_range(powers: Floats) -> Floats:
    mean, deviation = _moments(powers)
    return _powers(float(np.clip(mean, -FURTHEST, FURTHEST)), float(np.clip(deviation, NARROWEST, WIDEST)))
