"""Rough moments of attentiveness, from which EM starts."""

from __future__ import annotations

import numpy as np

from votewise.arrays import Floats
from votewise.data.clicks import Clicks
from votewise.users.model import UsersModel

UNKNOWN = (0.5, 0.05)
"""Mean and variance where no click says anything."""


def rough_moments(model: UsersModel) -> tuple[float, float]:
    """Mean and variance of attentiveness, by a random-effects model of the users' shares of clicks."""
    n, score, size = _pulls(model)
    seen = size > 1e-9
    if not seen.any():
        return UNKNOWN
    own, users, weight = score[seen] / size[seen], model.users[seen], size[seen]
    mean = float((users * weight * own).sum() / (users * weight).sum())
    noise = np.maximum(1 - mean**2 * weight / n[seen], 0.05) / weight
    spread = float((users * weight * ((own - mean) ** 2 - noise)).sum() / (users * weight).sum())
    return float(np.clip(mean, 0.05, 0.95)), float(np.clip(spread, 0.002, 0.2))


def _pulls(model: UsersModel) -> tuple[Floats, Floats, Floats]:
    """(C,) comparisons, sum of clicks times tilt, and sum of squared tilts; E[click * tilt] = rho tilt^2."""
    data = model.data
    if isinstance(data, Clicks):
        tilt = data.tilt
        score, size = (
            np.asarray(np.bincount(data.user, values, minlength=data.n_users), np.float64) for values in (tilt, tilt**2)
        )
        return data.totals[0].astype(np.float64), score, size
    tilt = 2 * model.rates.value - 1
    n, w = data.comparisons, data.wins
    return n.sum(axis=1).astype(np.float64), (2 * w - n) @ tilt, n @ tilt**2
