"""The one EM loop: iterate, check that the objective never falls, accelerate, keep the history.

The caller supplies one function that does an E-step and an M-step; this module never looks inside it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from votewise.arrays import Floats

Step = Callable[[Floats], tuple[Floats, float]]
"""x -> (x after one E-step and M-step, objective AT x). The objective comes for free from the E-step."""

SLACK = 1e-9
"""Relative fall of the objective that counts as rounding."""


@dataclass(frozen=True)
class EMOptions:
    """When to stop and how to get there.

    Attributes:
        tolerance: the run has converged when one plain EM step moves less than this.
        max_iterations: most EM steps to do.
        accelerate: whether to extrapolate between EM steps.
        least_gain: the run has also converged when a round of steps gains less than this, in nats: far less than 1
            changes no conclusion, and along a flat direction it may take thousands of steps until nothing moves.
        on_iteration: called with (EM steps done, movement of the last one).
    """

    tolerance: float = 1e-6
    max_iterations: int = 1000
    accelerate: bool = True
    least_gain: float = 0.0
    on_iteration: Callable[[int, float], None] | None = None


@dataclass(frozen=True, eq=False)
class EMRun:
    """Where an EM run ended: ``x``, whether it ``converged``, EM steps done and the objective at each accepted point."""

    x: Floats
    converged: bool
    iterations: int
    history: tuple[float, ...]


def largest_change(x: Floats, y: Floats) -> float:
    """Largest absolute difference of two points."""
    return float(np.max(np.abs(x - y)))


def unchanged(x: Floats) -> Floats:
    """The point itself: every point is allowed."""
    return x


def run_em(
    step: Step,
    x: Floats,
    options: EMOptions | None = None,
    *,
    distance: Callable[[Floats, Floats], float] = largest_change,
    project: Callable[[Floats], Floats] = unchanged,
) -> EMRun:
    """Iterate ``step`` from ``x`` until one plain EM step moves less than the tolerance.

    With ``accelerate``, two EM steps are followed by a squared extrapolation (SQUAREM, scheme S3 [Varadhan and Roland
    2008]), kept only if the objective there is no lower than before; otherwise the plain EM point is used. So the
    history never falls, accelerated or not. If it falls by more than rounding, ``step`` is wrong, and a warning says so.

    Args:
        step: one E-step and M-step, see ``Step``.
        x: starting point, unconstrained parameters.
        options: when to stop, and whether to extrapolate; see ``EMOptions``.
        distance: how far apart two points are, in units that a user understands.
        project: moves an extrapolated point to the nearest one at which the objective is defined.
    """
    options = options or EMOptions()
    climb = _Climb(step, options, distance)
    before = -np.inf
    while not climb.budget_spent:
        x1 = climb.step(x)
        settled = climb.at_rest or climb.history[-1] - before < options.least_gain
        if settled or climb.budget_spent:
            return climb.ended(x1, converged=settled)
        before = climb.history[-1]
        x2 = climb.step(x1)
        if climb.at_rest or climb.budget_spent:
            return climb.ended(x2, converged=climb.at_rest)
        if options.accelerate:
            x3, objective = climb.try_step(project(extrapolate(x, x1, x2)))
            if np.isfinite(objective) and objective >= climb.history[-1]:
                climb.accept(objective)
                x2 = x3
                if climb.at_rest:
                    return climb.ended(x2, converged=True)
        x = x2
    return climb.ended(x, converged=False)


class _Climb:
    """EM steps done so far: their number, the movement of the last one, the objective at each accepted point."""

    def __init__(self, step: Step, options: EMOptions, distance: Callable[[Floats, Floats], float]) -> None:
        self._step, self._options, self._distance = step, options, distance
        self.done = 0
        self.moved = np.inf
        self.history: list[float] = []

    @property
    def budget_spent(self) -> bool:
        return self.done >= self._options.max_iterations

    @property
    def at_rest(self) -> bool:
        return self.moved < self._options.tolerance

    def step(self, x: Floats) -> Floats:
        """One EM step from ``x``, whose objective is accepted."""
        new, objective = self.try_step(x)
        self.accept(objective)
        return new

    def try_step(self, x: Floats) -> tuple[Floats, float]:
        """One EM step from ``x``: the new point, and the objective at ``x``."""
        new, objective = self._step(x)
        self.done += 1
        self.moved = self._distance(x, new)
        if self._options.on_iteration is not None:
            self._options.on_iteration(self.done, self.moved)
        return new, objective

    def accept(self, objective: float) -> None:
        """Add to the history, and warn if the objective fell."""
        if self.history and objective < self.history[-1] - SLACK * (1 + abs(self.history[-1])):
            text = f"EM objective fell from {self.history[-1]:.10g} to {objective:.10g}"
            warnings.warn(text, RuntimeWarning, stacklevel=4)  # points at the caller of run_em
        self.history.append(objective)

    def ended(self, x: Floats, *, converged: bool) -> EMRun:
        return EMRun(x, converged, self.done, tuple(self.history))


def extrapolate(x0: Floats, x1: Floats, x2: Floats) -> Floats:
    """Squared extrapolation from three successive EM points; never a shorter step than plain EM's."""
    first = x1 - x0
    second = (x2 - x1) - first
    curvature = float(np.square(second).sum())
    length = 1.0 if curvature == 0 else max(1.0, float(np.sqrt(np.square(first).sum() / curvature)))
    return np.asarray(x0 + 2 * length * first + length**2 * second)
