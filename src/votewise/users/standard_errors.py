"""Standard errors: the observed information of the fitted parameters, and what it adds to users' intervals.

The log-likelihood of the clicks is differentiated twice, numerically, in the unconstrained parameters. The delta method
turns the errors of these into those of the parameters that people read, and of the posterior mean of every cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from votewise.arrays import Floats
from votewise.users.families import Nonparametric
from votewise.users.fit import UsersFit
from votewise.users.model import bound, e_step

STEP = 1e-3
"""Step of the numerical derivatives."""


@dataclass(frozen=True, eq=False)
class ParameterErrors:
    """The covariance of the fitted vector ``z``, and what follows from it.

    Attributes:
        fit: the fit.
        covariance: (P, P), zero in directions that the data do not determine or that lie on a boundary; empty for the
            non-parametric family, whose masses have no standard errors.
        z_score: the normal quantile of the level.
    """

    fit: UsersFit
    covariance: Floats
    z_score: float

    def of(self, values: Callable[[Floats], Floats]) -> Floats:
        """Standard errors of a function of ``z``, by the delta method."""
        jacobian = self._jacobian(values)
        if jacobian is None:
            return np.full(len(values(self.fit.z)), np.nan)
        return np.asarray(np.sqrt(np.maximum(np.einsum("ip,pq,iq->i", jacobian, self.covariance, jacobian), 0.0)))

    def of_cells(self) -> Floats:
        """(C,) standard error of each cell's posterior mean through the parameters' uncertainty."""

        def means(z: Floats) -> Floats:
            nodes, posterior = self.fit.posterior(z)
            return np.asarray(posterior @ nodes)

        return np.nan_to_num(self.of(means))

    def _jacobian(self, values: Callable[[Floats], Floats]) -> Floats | None:
        z, p = self.fit.z, len(self.covariance)
        if p == 0:
            return None
        steps = STEP * np.eye(p)
        return np.stack([(values(z + h) - values(z - h)) / (2 * STEP) for h in steps], axis=1)


def parameter_errors(fit: UsersFit, level: float) -> ParameterErrors:
    """The covariance of the fitted vector; ``level`` is the probability that an interval covers the truth."""
    z_score = float(ndtri((1 + level) / 2))
    if isinstance(fit.family, Nonparametric):
        return ParameterErrors(fit, np.zeros((0, 0)), z_score)
    information = -_hessian(lambda z: bound(fit.model, z, e_step(fit.model, z)), fit.z)
    return ParameterErrors(fit, _inverse(information), z_score)


def _hessian(value: Callable[[Floats], float], z: Floats) -> Floats:
    """Second derivatives by central differences."""
    p = len(z)
    h = STEP * np.eye(p)
    middle = value(z)
    found = np.empty((p, p))
    for i in range(p):
        found[i, i] = (value(z + h[i]) - 2 * middle + value(z - h[i])) / STEP**2
        for j in range(i):
            corners = value(z + h[i] + h[j]) - value(z + h[i] - h[j]) - value(z - h[i] + h[j]) + value(z - h[i] - h[j])
            found[i, j] = found[j, i] = corners / (4 * STEP**2)
    return found


def _inverse(information: Floats) -> Floats:
    """The inverse in the directions in which there is information; flat ones, at a boundary, count as known."""
    values, vectors = np.linalg.eigh((information + information.T) / 2)
    kept = values > max(1e-3, 1e-9 * values.max(initial=0.0))
    return np.asarray((vectors[:, kept] / values[kept]) @ vectors[:, kept].T)
