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


@dataclass(frozen=True, eq=False)
class EMRun:
    """Where an EM run ended: ``x``, whether it ``converged``, EM steps done and the objective at each accepted point."""

    x: Floats
    converged: bool
    iterations: int
    history: tuple[float, ...]


def run_em(
    step: Step,
    x: Floats,
    *,
    distance: Callable[[Floats, Floats], float] = lambda x, y: float(np.max(np.abs(x - y))),
    tolerance: float = 1e-6,
    max_iterations: int = 1000,
    accelerate: bool = True,
    slack: float = 1e-9,
    least_gain: float = 0.0,
    project: Callable[[Floats], Floats] = lambda x: x,
    on_iteration: Callable[[int, float], None] | None = None,
) -> EMRun:
    """Iterate ``step`` from ``x`` until one plain EM step moves less than ``tolerance`` by ``distance``.

    With ``accelerate``, two EM steps are followed by a squared extrapolation (SQUAREM, scheme S3 [Varadhan and Roland
    2008]), kept only if the objective there is no lower than before; otherwise the plain EM point is used. So the
    history never falls, accelerated or not; a fall beyond rounding is a defect of ``step`` and warned about.

    Args:
        step: one E-step and M-step, see ``Step``.
        x: starting point, unconstrained parameters.
        distance: how far apart two points are, in units a user understands.
        tolerance: largest movement that counts as none.
        max_iterations: most EM steps to do.
        accelerate: whether to extrapolate.
        slack: relative fall of the objective put down to rounding.
        least_gain: the run has converged, too, when a round of steps gains less than this: in nats, far less than 1 changes
            no conclusion, and flat directions may take thousands of steps to come to rest.
        project: brings an extrapolated point back to where the objective is defined.
        on_iteration: called with (EM steps done, movement of the last one).
    """
    history: list[float] = []
    done = 0

    def em_step(at: Floats) -> tuple[Floats, float, float]:
        nonlocal done
        done += 1
        new, objective = step(at)
        moved = distance(at, new)
        if on_iteration is not None:
            on_iteration(done, moved)
        return new, objective, moved

    def accept(objective: float) -> None:
        if history and objective < history[-1] - slack * (1 + abs(history[-1])):
            warnings.warn(
                f"EM objective fell from {history[-1]:.10g} to {objective:.10g}", RuntimeWarning, stacklevel=3
            )
        history.append(objective)

    before = -np.inf
    while done < max_iterations:
        x1, objective, moved = em_step(x)
        accept(objective)
        settled = moved < tolerance or objective - before < least_gain
        if settled or done >= max_iterations:
            return EMRun(x1, settled, done, tuple(history))
        before = objective
        x2, objective, moved = em_step(x1)
        accept(objective)
        if moved < tolerance or done >= max_iterations:
            return EMRun(x2, moved < tolerance, done, tuple(history))
        if not accelerate:
            x = x2
            continue
        jump = project(extrapolate(x, x1, x2))
        x3, objective, moved = em_step(jump)
        if np.isfinite(objective) and objective >= history[-1]:
            accept(objective)
            if moved < tolerance:
                return EMRun(x3, True, done, tuple(history))
            x = x3
        else:
            x = x2
    return EMRun(x, False, done, tuple(history))


def extrapolate(x0: Floats, x1: Floats, x2: Floats) -> Floats:
    """Squared extrapolation from three successive EM points; never a shorter step than plain EM's."""
    first = x1 - x0
    second = (x2 - x1) - first
    curvature = float(np.square(second).sum())
    length = 1.0 if curvature == 0 else max(1.0, float(np.sqrt(np.square(first).sum() / curvature)))
    return np.asarray(x0 + 2 * length * first + length**2 * second)
