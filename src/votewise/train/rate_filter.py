"""The share of wrong votes of one annotator, from first-seen margins alone: a Bayes filter on a grid.

With one annotator and one vote a pair, only margins tell right votes from wrong ones. A vote for the answer whose margin
is m has the probability

    P(vote | m) = 1/2 + rho (sigma(t m / r) - 1/2),      rho = 2 eta - 1,      r the root mean square of the margins so far.

The filter holds log-weights over ``RHO`` and ``LOG_T``. Every optimiser step multiplies in the probability of its votes
given their first-seen margins, which are out of sample; before that, log t takes a random step, because a policy's margins
grow and become more informative while it learns. No torch here. Leading dimensions are runs side by side, for simulations.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_expit, logsumexp

from votewise.arrays import Floats

RHO: Floats = np.linspace(0.0, 1.0, 25)
"""Values of rho = 2 eta - 1: from votes at random to votes without errors."""

LOG_T: Floats = np.linspace(-3.0, 4.0, 24)
"""Values of log t."""

PRIOR_RHO: Floats = np.append(1 - RHO[:-1], (RHO[1] - RHO[0]) / 4)
"""Prior of rho, in proportion to the share of wrong votes 1 - eta; the last value stands for half of a step only.

A small eta cannot be told from margins that are worth little, and a flat prior found eta too high by 0.01 at 30% wrong.
"""

PRIOR_MEAN, PRIOR_DEVIATION = 0.5, 1.0
"""Normal prior of log t."""

WORTHLESS = -3.0
"""Its mean where margins are no gains over a reference: they are large from the start, and say nothing about votes then."""

WANDER = 0.25
"""Standard deviation of the random step of log t per ``ROWS`` rows."""

ROWS = 64


class RateFilter:
    """Beliefs about eta of one annotator. Mutable: ``absorb`` learns from each step.

    Args:
        runs: leading dimensions.
        reference: whether margins are gains over a reference, so that they are 0 before training.

    Attributes:
        weights: (..., 25, 24) log-weights over ``RHO`` and ``LOG_T``, normalised.
    """

    def __init__(self, runs: tuple[int, ...] = (), *, reference: bool = True) -> None:
        mean = PRIOR_MEAN if reference else WORTHLESS
        prior = np.log(PRIOR_RHO)[:, None] - 0.5 * ((LOG_T - mean) / PRIOR_DEVIATION) ** 2
        self.weights: Floats = np.broadcast_to(_normalised(prior), (*runs, *prior.shape)).copy()
        self._squares: Floats = np.zeros(runs)
        self._rows = 0

    @property
    def rho(self) -> Floats:
        """(...) posterior mean of rho."""
        return np.asarray(np.exp(logsumexp(self.weights, axis=-1)) @ RHO)

    @property
    def eta(self) -> Floats:
        """(...) posterior mean of the share of right votes."""
        return np.asarray(0.5 + 0.5 * self.rho)

    @property
    def sharpness(self) -> Floats:
        """(...) t, the exponential of the posterior mean of log t: a margin m is worth t m / r of log-odds."""
        return np.asarray(np.exp(np.exp(logsumexp(self.weights, axis=-2)) @ LOG_T))

    @property
    def root(self) -> Floats:
        """(...) root mean square of the margins so far; 1 before the first."""
        return np.asarray(np.sqrt(self._squares / self._rows)) if self._rows else np.ones_like(self._squares)

    def root_with(self, margins: Floats) -> Floats:
        """(...) root mean square of the margins so far and of these (..., B)."""
        squares = self._squares + (margins**2).sum(-1)
        return np.asarray(np.sqrt(squares / (self._rows + margins.shape[-1])))

    def count(self, margins: Floats) -> None:
        """Let margins (..., B) count for their root mean square only."""
        self._squares = self._squares + (margins**2).sum(-1)
        self._rows += margins.shape[-1]

    def absorb(self, margins: Floats) -> None:
        """Learn from the first-seen margins (..., B) of a step's votes, each of the answer that was voted for."""
        self.count(margins)
        root = self.root
        if not np.any(root > 0):
            return
        self.weights = _wandered(self.weights, WANDER * np.sqrt(margins.shape[-1] / ROWS))
        scaled = margins / np.where(root > 0, root, 1.0)[..., None]
        # P = (1 - rho) / 2 + rho sigma(t m), summed over the votes; (..., 25, 24).
        p = np.exp(log_expit(np.exp(LOG_T)[:, None] * scaled[..., None, :]))
        for i, rho in enumerate(RHO):
            self.weights[..., i, :] += np.log(np.maximum(0.5 * (1 - rho) + rho * p, 1e-300)).sum(-1)
        self.weights = _normalised(self.weights)

    def state(self) -> dict[str, Floats]:
        """Everything that a checkpoint must hold."""
        return {"rate_weights": self.weights, "rate_seen": np.array([float(self._squares), self._rows])}

    def load(self, state: dict[str, Floats]) -> None:
        """Restore the ``state`` of an interrupted run; checkpoints of earlier versions have none."""
        if "rate_weights" in state:
            self.weights = state["rate_weights"].copy()
            self._squares, self._rows = np.asarray(state["rate_seen"][0]), int(state["rate_seen"][1])


def _normalised(weights: Floats) -> Floats:
    return np.asarray(weights - logsumexp(weights, axis=(-2, -1), keepdims=True))


def _wandered(weights: Floats, deviation: float) -> Floats:
    step = LOG_T[1] - LOG_T[0]
    kernel = np.exp(-0.5 * ((LOG_T[:, None] - LOG_T) / max(deviation, 0.1 * step)) ** 2)
    kernel /= kernel.sum(0)
    top = weights.max(axis=(-2, -1), keepdims=True)
    return np.asarray(np.log(np.maximum(np.exp(weights - top) @ kernel.T, 1e-300)) + top)
