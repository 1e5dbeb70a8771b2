"""Users at two points of attentiveness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from votewise.arrays import Floats
from votewise.inference.priors import Grid
from votewise.users.families.family import Expected, root

EDGE = 1e-6
"""Distance that the share at a point keeps from 0 and 1: its log-odds must be finite."""


@dataclass(frozen=True)
class TwoPoint:
    """A share q of users at ``low``, the others at ``high``; the atoms move in closed form [UAA app. C.1].

    x = the log-odds of q, then the atoms as they are: they may lie at 0 or 1, where a logit would hide how uncertain they
    are.
    """

    name: str = "two-point"

    def starts(self, mean: float, variance: float, grid: Grid) -> list[Floats]:
        """Around the mean, at the extremes, and with few users in either atom."""
        sd = max(np.sqrt(variance), 0.05)
        guesses = [
            (0.5, mean - sd, mean + sd),
            (0.5, 0.2, 0.95),
            (0.8, mean - sd / 2, 0.99),
            (0.2, 0.05, mean + sd / 2),
        ]
        return [_pack(q, low, high) for q, low, high in guesses]

    def nodes(self, x: Floats, grid: Grid) -> Floats:
        """The two atoms."""
        return x[1:]

    def log_mass(self, x: Floats, grid: Grid) -> Floats:
        """The logs of q and 1 - q."""
        return np.array([-np.logaddexp(0, -x[0]), -np.logaddexp(0, x[0])])

    def fit(self, x: Floats, expected: Expected, grid: Grid) -> Floats:
        """The share q = users expected at the first atom; each atom goes where its users are explained best.

        With one win rate that is sum of gamma (2 w - n) over (2 mu - 1) sum of gamma n, clipped to [0, 1].
        """

        def place(s: int) -> float:
            return root(lambda rho: expected.score(s, rho), 0.0, 1.0)

        return _pack(float(expected.users[0] / expected.users.sum()), place(0), place(1))

    def project(self, x: Floats) -> Floats:
        """Atoms inside [0, 1]."""
        return np.append(x[:1], np.clip(x[1:], 0.0, 1.0))

    def parameters(self, x: Floats) -> dict[str, float]:
        """q, low and high; the atoms are named by their order, not by where they started."""
        q, one, other = float(expit(x[0])), float(x[1]), float(x[2])
        return {"q": q, "low": one, "high": other} if one <= other else {"q": 1 - q, "low": other, "high": one}

    def n_parameters(self, x: Floats) -> int:
        """q, low, high."""
        return 3


def _pack(q: float, low: float, high: float) -> Floats:
    return np.array([logit(np.clip(q, EDGE, 1 - EDGE)), *np.clip([low, high], 0.0, 1.0)])
