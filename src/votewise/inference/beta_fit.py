"""The Beta prior that suits many annotators best: empirical Bayes over a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from votewise.arrays import Floats
from votewise.inference.priors import LARGEST, SMALLEST, Beta, Grid

STEPS, TOLERANCE = 200, 1e-6
"""Most steps of a fit, and the change of the logs of its parameters that counts as none."""


def fit_beta(
    log_likelihood: Floats,
    grid: Grid,
    start: Beta,
    *,
    anchor: Beta | None = None,
    anchor_annotators: float = 4.0,
) -> Beta:
    """The Beta prior that maximises the marginal likelihood of K annotators (empirical Bayes).

    Newton's method on sums over the grid. Where the likelihood is not concave, a step has EM's matrix instead, whose
    direction always goes up; a step is halved until it helps.

    Args:
        log_likelihood: (K, G) log-likelihood of each annotator's votes at each node, up to a constant per annotator.
        grid: the nodes.
        start: where to start.
        anchor: a Beta that pulls the fit as ``anchor_annotators`` further annotators would; none by default.
        anchor_annotators: how many annotators the anchor counts for.
    """
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    population = _Population(likelihood, grid, *_held(anchor, anchor_annotators))
    here = population.at(np.clip([start.c, start.d], SMALLEST, LARGEST))
    for _ in range(STEPS):
        move = here.move()
        with np.errstate(divide="ignore", invalid="ignore"):
            # No parameter leaves its range or grows or falls to more than three times as much or a third.
            room = np.where(move > 0, np.minimum(LARGEST, 3 * here.at), np.maximum(SMALLEST, here.at / 3)) - here.at
            length = min(1.0, float(np.where(move == 0, np.inf, room / move).min()))
        while length > 1e-8:
            there = population.at(np.clip(here.at + length * move, SMALLEST, LARGEST))
            if there.value >= here.value:
                break
            length /= 2
        else:
            break
        moved = np.abs(np.log(there.at / here.at)).max()
        here = there
        if moved < TOLERANCE:
            break
    return Beta(float(here.at[0]), float(here.at[1]))


@dataclass(frozen=True, eq=False)
class _Point:
    """The objective ``at`` (c, d): its ``value``, its ``gradient`` (2,), and the (2, 2) ``matrix`` of a step."""

    at: Floats
    value: float
    gradient: Floats
    matrix: Floats

    def move(self) -> Floats:
        """(2,) Newton's step; a parameter that is driven against its bound stays there."""
        free = np.where(self.gradient > 0, self.at < LARGEST, self.at > SMALLEST)
        (a, b), (_, d), (one, two) = *self.matrix, self.gradient
        if free.all():
            return np.asarray(np.array([d * one - b * two, a * two - b * one]) / (a * d - b * b))
        return np.asarray(free * self.gradient / np.array([a, d]))


class _Population:
    """Annotators whose reliabilities come from one Beta: (K, G) ``likelihood``, and the anchor.

    The anchor counts for ``held`` annotators, whose mean of (log x, log(1 - x)) is ``held_logs`` (2,).
    """

    def __init__(self, likelihood: Floats, grid: Grid, held: float, held_logs: Floats) -> None:
        self.likelihood, self.base, self.held, self.held_logs = likelihood, grid.log_width, held, held_logs
        one, two = np.log(grid.x), np.log1p(-grid.x)
        self.logs = np.stack([one, two])
        self.moments = np.stack([np.ones_like(one), one, two, one * one, one * two, two * two], 1)

    def at(self, parameters: Floats) -> _Point:
        """The log marginal likelihood with the anchor's expected log-density, and its derivatives, at (c, d)."""
        powers = parameters - 1
        exponent = powers @ self.logs + self.base
        top = exponent.max()
        mass = np.exp(exponent - top)
        total = mass.sum()
        before = mass @ self.moments / total
        after = self.likelihood @ (mass[:, None] * self.moments / total)
        marginal = after[:, 0]
        means, squares = after[:, 1:3] / marginal[:, None], (after[:, 3:] / marginal[:, None]).sum(0)
        size = len(marginal) + self.held
        gradient = means.sum(0) + self.held * self.held_logs - size * before[1:3]
        prior = size * (_square(before[3:]) - np.outer(before[1:3], before[1:3]))
        matrix = prior - (_square(squares) - means.T @ means)
        if matrix[0, 0] <= 0 or _determinant(matrix) <= 1e-9 * _determinant(prior):
            matrix = prior
        value = np.log(marginal).sum() + self.held * (self.held_logs @ powers - top - np.log(total))
        return _Point(parameters, float(value), gradient, matrix)


def _square(three: Floats) -> Floats:
    """The symmetric matrix of its three entries."""
    return np.array([[three[0], three[1]], [three[1], three[2]]])


def _determinant(matrix: Floats) -> float:
    return float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])


def _held(anchor: Beta | None, annotators: float) -> tuple[float, Floats]:
    """How many annotators the anchor counts for, and (2,) its E[log x] and E[log(1 - x)]."""
    if anchor is None:
        return 0.0, np.zeros(2)
    return annotators, np.array([digamma(anchor.c), digamma(anchor.d)]) - digamma(anchor.c + anchor.d)
