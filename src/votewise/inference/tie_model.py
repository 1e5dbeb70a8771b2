"""One vote between two models at given log-odds: Bradley and Terry's model, in which ties count half, or Davidson's.

    P(first wins) = e^(d/2) / D,   P(second wins) = e^(-d/2) / D,   P(tie) = nu / D,   D = 2 cosh(d/2) + nu

With nu = 0 a tie that counts half has the log-likelihood -log(D), as if its probability were 1 / D.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from votewise.arrays import Floats


@dataclass(frozen=True, eq=False)
class TieModel:
    """The model at a point.

    Attributes:
        d: (R,) log-odds that the first is better.
        tie: log(nu); None where ties count half.
    """

    d: Floats
    tie: float | None

    @cached_property
    def log_total(self) -> Floats:
        """(R,) log(D)."""
        two = np.logaddexp(self.d / 2, -self.d / 2)
        return np.asarray(two if self.tie is None else np.logaddexp(two, self.tie))

    @cached_property
    def mean(self) -> Floats:
        """(R,) slope of log(D) in d."""
        half = self.d / 2
        return np.asarray((np.exp(half - self.log_total) - np.exp(-half - self.log_total)) / 2)

    @cached_property
    def p_tie(self) -> Floats:
        """(R,) probability of a tie, and the slope of log(D) in log(nu); 0 where ties count half."""
        return np.zeros_like(self.d) if self.tie is None else np.asarray(np.exp(self.tie - self.log_total))

    @property
    def curve(self) -> Floats:
        """(R,) second derivative of log(D) in d; the one in d and log(nu) is -mean p_tie."""
        return np.asarray((1 - self.p_tie) / 4 - self.mean**2)

    @property
    def curve_of_tie(self) -> Floats:
        """(R,) second derivative of log(D) in log(nu)."""
        return np.asarray(self.p_tie * (1 - self.p_tie))

    @property
    def slopes(self) -> tuple[Floats, Floats, Floats]:
        """Slopes in d of the log-likelihood of a vote for the first, of one for the second, and of a tie; (R,) each."""
        return 0.5 - self.mean, -0.5 - self.mean, -self.mean

    @property
    def slopes_of_tie(self) -> tuple[Floats, Floats, Floats]:
        """The same in log(nu)."""
        return -self.p_tie, -self.p_tie, (self.tie is not None) - self.p_tie
