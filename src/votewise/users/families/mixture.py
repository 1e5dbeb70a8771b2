"""What mixtures of K components have in common: weights, nodes on the grid, and how users are divided."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from votewise.arrays import Floats
from votewise.inference.priors import Grid
from votewise.users.families.family import LEAST_MASS, Expected

LEAST_USERS = 1e-9
"""Expected users below which a component keeps its parameters: nobody is left to fit it to."""


@dataclass(frozen=True)
class GridMixture(ABC):
    """A mixture of K ``components`` with two parameters each. x = (K,) log weights, then (K,) of each parameter."""

    components: int

    @abstractmethod
    def log_components(self, x: Floats, grid: Grid) -> Floats:
        """(K, G) log of weight times mass of each component."""

    @abstractmethod
    def fit(self, x: Floats, expected: Expected, grid: Grid) -> Floats:
        """The M-step, from the current ``x``."""

    def nodes(self, x: Floats, grid: Grid) -> Floats:
        """The grid's."""
        return grid.x

    def log_mass(self, x: Floats, grid: Grid) -> Floats:
        """The sum over components."""
        return np.asarray(np.logaddexp.reduce(self.log_components(x, grid), axis=0))

    def shares(self, x: Floats, expected: Expected, grid: Grid) -> Floats:
        """(K, G) the expected users at each node, divided among the components."""
        parts = self.log_components(x, grid)
        return np.asarray(np.exp(parts - np.logaddexp.reduce(parts, axis=0)) * expected.users)

    def project(self, x: Floats) -> Floats:
        """As it is: nothing is out of range."""
        return x

    def n_parameters(self, x: Floats) -> int:
        """Two for each component, and all weights except one, which the others determine."""
        return 3 * self.components - 1


def to_logs(weights: Floats) -> Floats:
    """(K,) logarithms of weights; a component without users keeps ``LEAST_MASS``."""
    return np.asarray(np.log(np.maximum(weights, LEAST_MASS)))


def to_weights(logs: Floats) -> Floats:
    """(K,) weights that sum to 1, from (K,) logarithms, which an extrapolation may have moved."""
    return np.asarray(softmax(np.maximum(logs - logs.max(), np.log(LEAST_MASS))))


def numbered(order: Sequence[int], **columns: Floats) -> dict[str, float]:
    """Parameters of components in this order: ``weight_1``, ``c_1``, ``d_1``, ``weight_2``, ..."""
    return {f"{name}_{i + 1}": float(values[k]) for i, k in enumerate(order) for name, values in columns.items()}
