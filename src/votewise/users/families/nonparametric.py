"""Any distribution of attentiveness on the grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from votewise.arrays import Floats
from votewise.inference.priors import Grid
from votewise.users.families.family import LEAST_MASS, Expected

MATTERS = 1e-4
"""Mass from which a node counts as a parameter."""


@dataclass(frozen=True)
class Nonparametric:
    """Any distribution on the grid: posterior masses, averaged (NPMLE). x = log masses."""

    name: str = "nonparametric"

    def starts(self, mean: float, variance: float, grid: Grid) -> list[Floats]:
        """Uniform over attentiveness; the likelihood is concave, so one start is enough."""
        return [grid.log_mass(None)]

    def nodes(self, x: Floats, grid: Grid) -> Floats:
        """The grid's."""
        return grid.x

    def log_mass(self, x: Floats, grid: Grid) -> Floats:
        """The masses, normalised."""
        return np.asarray(x - np.logaddexp.reduce(x))

    def fit(self, x: Floats, expected: Expected, grid: Grid) -> Floats:
        """The share of users expected at each node."""
        return np.asarray(np.log(np.maximum(expected.users / expected.users.sum(), LEAST_MASS)))

    def project(self, x: Floats) -> Floats:
        """As it is: nothing is out of range."""
        return x

    def parameters(self, x: Floats) -> dict[str, float]:
        """None: a single mass means nothing, only the whole density does."""
        return {}

    def n_parameters(self, x: Floats) -> int:
        """Place and mass of every node that matters, except one mass, which the others determine."""
        return max(1, 2 * int((softmax(x) > MATTERS).sum()) - 1)
