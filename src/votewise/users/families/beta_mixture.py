"""Betas of attentiveness, and mixtures of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from votewise.arrays import Floats
from votewise.inference.priors import LARGEST, SMALLEST, Beta, Grid
from votewise.users.families.family import Expected
from votewise.users.families.mixture import LEAST_USERS, GridMixture, numbered, to_logs, to_weights


@dataclass(frozen=True, eq=False)
class Betas:
    """(K,) weights of the components and their powers c and d, positive."""

    weight: Floats
    c: Floats
    d: Floats

    @classmethod
    def of(cls, weighted: Sequence[tuple[float, Beta]]) -> Betas:
        """Components one by one."""
        return cls(*np.array([(weight, beta.c, beta.d) for weight, beta in weighted], np.float64).T)

    @classmethod
    def from_vector(cls, x: Floats) -> Betas:
        """From log weights, log c's and log d's; powers are kept in the range of the M-step."""
        weight, *powers = x.reshape(3, -1)
        c, d = (np.exp(np.clip(power, np.log(SMALLEST), np.log(LARGEST))) for power in powers)
        return cls(to_weights(weight), c, d)

    def to_vector(self) -> Floats:
        """Log weights, log c's and log d's."""
        return np.concatenate([to_logs(self.weight), np.log(self.c), np.log(self.d)])


@dataclass(frozen=True)
class BetaMixture(GridMixture):
    """A mixture of K Betas; K = 1 is a Beta [UAA app. C.2]. x = log weights, log c's, log d's."""

    components: int = 1

    @property
    def name(self) -> str:
        """``beta`` or ``beta-mixture:K``."""
        return "beta" if self.components == 1 else f"beta-mixture:{self.components}"

    def starts(self, mean: float, variance: float, grid: Grid) -> list[Floats]:
        """One Beta of the moments and a flat one; for mixtures, components spread over the range and over the moments."""
        overall = Beta.from_moments(mean, variance)
        k = self.components
        if k == 1:
            return [Betas.of([(1.0, start)]).to_vector() for start in (overall, Beta(1.0, 1.0))]
        sd = np.sqrt(overall.variance)
        spread = np.linspace(-1, 1, k)
        near = [Beta.from_moments(float(np.clip(mean + sd * z, 0.05, 0.95)), overall.variance / 4) for z in spread]
        far = [Beta.from_moments(m, 0.01) for m in np.linspace(0.15, 0.9, k)]
        return [Betas.of([(1 / k, beta) for beta in start]).to_vector() for start in (near, far)]

    def log_components(self, x: Floats, grid: Grid) -> Floats:
        """(K, G) log of weight times mass of each component."""
        betas = Betas.from_vector(x)
        return np.stack(
            [
                np.log(weight) + grid.log_mass(Beta(c, d))
                for weight, c, d in zip(betas.weight, betas.c, betas.d, strict=True)
            ]
        )

    def fit(self, x: Floats, expected: Expected, grid: Grid) -> Floats:
        """Each component to its share of the users expected at the nodes."""
        betas = Betas.from_vector(x)
        logs = np.stack([np.log(grid.x), np.log1p(-grid.x)])
        fitted = []
        for c, d, users in zip(betas.c, betas.d, self.shares(x, expected, grid), strict=True):
            total, beta = users.sum(), Beta(c, d)
            if total > LEAST_USERS:
                beta = grid.beta_from_mean_logs(logs @ users / total, beta)
            fitted.append((total / expected.users.sum(), beta))
        return Betas.of(fitted).to_vector()

    def parameters(self, x: Floats) -> dict[str, float]:
        """The powers c and d, with weights for mixtures, components in the order of their means."""
        betas = Betas.from_vector(x)
        if self.components == 1:
            return {"c": float(betas.c[0]), "d": float(betas.d[0])}
        order = np.argsort(betas.c / (betas.c + betas.d)).tolist()
        return numbered(order, weight=betas.weight, c=betas.c, d=betas.d)
