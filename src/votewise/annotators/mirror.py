"""The mirror image: every truth flipped and every reliability eta replaced by 1 - eta."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from votewise.annotators.em_steps import ReliabilityModel, e_step, log_posterior
from votewise.arrays import Floats


def mirror_image(model: ReliabilityModel, x: Floats) -> Floats:
    """The point ``x`` with every reliability eta replaced by 1 - eta."""
    k = len(model.evidence.counts)
    return np.concatenate([-x[:k], x[k:]])


def mirror_is_better(model: ReliabilityModel, x: Floats) -> bool:
    """Whether the mirror image of ``x`` explains the votes better than ``x``."""
    evidence, prior = model.evidence, model.prior
    if evidence.informed or (prior is not None and prior.c != prior.d):
        here, there = (log_posterior(model, at, e_step(model, at)) for at in (x, mirror_image(model, x)))
        return there > here + 1e-6 * (1 + abs(here))
    # Without margins and without a prior that takes sides, the two are equal: votes are right more often than wrong.
    lead = evidence.counts * (expit(model.split(x)[0]) - 0.5)
    return float(lead.sum()) < -1e-6 * float(evidence.counts.sum())
