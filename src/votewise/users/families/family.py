"""What a family of priors over the attentiveness of users is, and what its M-step gets to see.

A prior is a distribution over nodes in [0, 1]: those of a grid, or two of its own. The E-step turns users into three sums
per node (``Expected``): users, comparisons and wins expected there. An M-step needs nothing else. It maximises the expected
log-likelihood exactly on the grid, so EM never falls. [UAA alg. 1, app. C]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from votewise.arrays import Floats
from votewise.inference.priors import Grid

LEAST_MASS = 1e-12
"""Smallest mass of a node and weight of a component: without users they keep this much, because log(0) is not a number."""


@dataclass(frozen=True, eq=False)
class Expected:
    """What an M-step sees of the users.

    Attributes:
        users: (S,) expected number of users at each node.
        score: derivative of the expected log-likelihood of node s's users at an attentiveness: (s, rho) -> float. It falls
            with rho, and where it is 0 the node's users are explained best.
    """

    users: Floats
    score: Callable[[int, float], float]


class Family(Protocol):
    """A family of priors. ``x`` is a vector of parameters, which EM and its acceleration work on."""

    @property
    def name(self) -> str:
        """What the argument ``prior`` of ``estimate_attentiveness`` calls it."""

    def starts(self, mean: float, variance: float, grid: Grid) -> list[Floats]:
        """Vectors to start EM from, given rough moments of attentiveness."""

    def nodes(self, x: Floats, grid: Grid) -> Floats:
        """(S,) attentiveness at the nodes."""

    def log_mass(self, x: Floats, grid: Grid) -> Floats:
        """(S,) log of the prior mass at the nodes."""

    def fit(self, x: Floats, expected: Expected, grid: Grid) -> Floats:
        """The M-step, from the current ``x``."""

    def project(self, x: Floats) -> Floats:
        """An extrapolated vector, brought back into the family."""

    def parameters(self, x: Floats) -> dict[str, float]:
        """Parameters by name, in the units of the papers."""

    def n_parameters(self, x: Floats) -> int:
        """How many parameters the data chose, for the BIC."""


def root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function crosses 0 between ``low`` and ``high``; the nearer end if it does not."""
    from scipy.optimize import brentq

    if falling(low) <= 0:
        return low
    if falling(high) >= 0:
        return high
    return float(brentq(falling, low, high, xtol=1e-12, rtol=1e-12))
