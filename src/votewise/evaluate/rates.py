"""Win rates with intervals that allow several contests per prompt, and that are valid at 0% and at 100%."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from votewise.arrays import Floats
from votewise.data.win_rates import Rate
from votewise.defaults import LEVEL
from votewise.errors import BadInputError


def win_rate(preference: Floats, prompt: npt.NDArray[np.int64], *, level: float = LEVEL) -> Rate:
    """The mean preference, with ties as one half, and an interval clustered by prompt.

    Args:
        preference: (n,) from 0 to 1, without NaN.
        prompt: (n,) code of the prompt of each contest; contests on one prompt may depend on each other in any way.
        level: probability that the interval contains the truth.

    Raises:
        BadInputError: no contests, or a level outside (0, 1).
    """
    if len(preference) == 0:
        raise BadInputError("there is no contest with a verdict", expected="at least one")
    low, high = clustered_interval(preference, prompt, level=level)
    return Rate(float(preference.mean()), low, high, len(preference), len(np.unique(prompt)))


def clustered_interval(
    values: Floats, prompt: npt.NDArray[np.int64], *, level: float = LEVEL, lost: int = 1
) -> tuple[float, float]:
    """An interval for the mean of values, where values of one prompt may depend on each other.

    It carries Agresti and Coull's interval over to clusters and to values between 0 and 1. With z the normal quantile, z^2
    prompts of average size are added to the G prompts in the data, half of them won completely and half of them lost. The
    usual interval, with the variance between prompts (the sandwich estimate), is then computed from all of them. With one
    contest per prompt, each won or lost, this is Agresti and Coull's interval itself. Fewer prompts make it wider; its width
    is never 0, and it always contains the mean.

    Args:
        values: (n,) preferences; or an estimate plus the influence of each contest on it.
        prompt: (n,) codes of the prompts.
        level: probability that the interval contains the truth.
        lost: number of parameters fitted to the same values, including the mean.
    """
    check_level(level)
    z2 = float(ndtri((1 + level) / 2)) ** 2
    codes, cluster = np.unique(prompt, return_inverse=True)
    prompts = len(codes)
    size = len(values) / prompts
    centre = (values.sum() + size * z2 / 2) / (len(values) + size * z2)
    sums = np.bincount(cluster, values - centre, minlength=prompts) / size
    # The usual correction for parameters other than the mean; the added prompts account for the mean.
    spread = (sums**2).sum() * prompts / max(prompts - (lost - 1), 1)
    spread += z2 / 2 * ((1 - centre) ** 2 + centre**2)
    reach = float(np.sqrt(z2 * spread)) / (prompts + z2)
    return max(0.0, float(centre) - reach), min(1.0, float(centre) + reach)


def check_level(level: float) -> None:
    """Raise BadInputError unless ``level`` is between 0 and 1."""
    if not 0 < level < 1:
        raise BadInputError("out of range", parameter="level", value=level, expected="a number between 0 and 1")
