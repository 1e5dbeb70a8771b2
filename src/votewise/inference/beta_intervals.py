"""Intervals of probabilities whose log-odds are known with a given variance."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv, expit

from votewise.arrays import Floats
from votewise.inference.observation import EDGE


def beta_intervals(log_odds: Floats, variance: Floats, level: float) -> tuple[Floats, Floats]:
    """(K,) ends of intervals of Betas with their mode, over log-odds, at ``log_odds`` and this ``variance`` there."""
    eta = np.clip(expit(log_odds), EDGE, 1 - EDGE)
    number = 1 / (variance * eta * (1 - eta))
    low, high = (betaincinv(number * eta, number * (1 - eta), at) for at in ((1 - level) / 2, (1 + level) / 2))
    return np.asarray(low), np.asarray(high)
