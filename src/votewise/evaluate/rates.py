"""Win rates with intervals that allow for prompts with several contests, and that are sound at 0% and at 100%."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from votewise.arrays import Floats
from votewise.data.win_rates import Rate
from votewise.errors import BadInputError


def win_rate(preference: Floats, prompt: npt.NDArray[np.int64], *, level: float = 0.95) -> Rate:
    """The mean preference, ties counting half, with an interval clustered by prompt.

    Args:
        preference: (n,) from 0 to 1, without NaN.
        prompt: (n,) code of the prompt of each contest; contests on one prompt may depend on each other as they like.
        level: the probability that the interval covers the truth.

    Raises:
        BadInputError: no contests, or a level outside (0, 1).
    """
    if len(preference) == 0:
        raise BadInputError("there is no contest with a verdict", expected="at least one")
    low, high = clustered_interval(preference, prompt, level=level)
    return Rate(float(preference.mean()), low, high, len(preference), len(np.unique(prompt)))


def clustered_interval(
    values: Floats, prompt: npt.NDArray[np.int64], *, level: float = 0.95, lost: int = 1
) -> tuple[float, float]:
    """An interval for the mean of values that depend on each other within a prompt.

    Agresti and Coull's interval, carried over to clusters and to values between 0 and 1. With z the normal quantile, z^2
    prompts of average size are added to the G that are there, half of them won throughout, half of them lost, and the usual
    interval with the variance between prompts (the sandwich estimate) is taken of all of them. With one contest a prompt,
    each won or lost, it is theirs; the fewer the prompts the wider, never of width 0, and it always contains the mean.

    Args:
        values: (n,) preferences, or the influence of each contest on an estimate added to that estimate.
        prompt: (n,) codes of the prompts.
        level: the probability that the interval covers the truth.
        lost: parameters that were fitted to the same values, the mean included.
    """
    if not 0 < level < 1:
        raise BadInputError("level", value=level, expected="a probability between 0 and 1")
    z2 = float(ndtri((1 + level) / 2)) ** 2
    codes, cluster = np.unique(prompt, return_inverse=True)
    prompts = len(codes)
    size = len(values) / prompts
    centre = (values.sum() + size * z2 / 2) / (len(values) + size * z2)
    sums = np.bincount(cluster, values - centre, minlength=prompts) / size
    # The usual correction for what was fitted beyond the mean; added prompts stand for the mean's own.
    spread = (sums**2).sum() * prompts / max(prompts - (lost - 1), 1)
    spread += z2 / 2 * ((1 - centre) ** 2 + centre**2)
    reach = float(np.sqrt(z2 * spread)) / (prompts + z2)
    return max(0.0, float(centre) - reach), min(1.0, float(centre) + reach)
