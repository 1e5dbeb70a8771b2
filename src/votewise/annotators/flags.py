"""What kind of annotator each one is: one flag, from the interval of the reliability and the test of position bias."""

from __future__ import annotations

import numpy as np

from votewise.annotators.position import PositionTest
from votewise.arrays import Floats
from votewise.defaults import INFORMED

FLAGS = ("reliable", "unsure", "casual", "adversarial", "position-biased")


def annotator_flags(
    low_high: tuple[Floats, Floats], position: PositionTest | None, *, reliable_from: float, prior_width: float
) -> list[str]:
    """One of ``FLAGS`` per annotator.

    The whole interval above ``reliable_from``: reliable, unless the interval is hardly narrower than the prior's, because
    then it says something about all annotators and not about this one; below ``reliable_from``: casual; below 1/2:
    adversarial (worse than a coin); else unsure. Position bias replaces every flag except adversarial.
    """
    low, high = low_high
    known = high - low < INFORMED * prior_width
    code = np.where((low >= reliable_from) & known, 0, np.where(high < reliable_from, 2, 1))
    if position is not None:
        code = np.where(position.biased, 4, code)
    code = np.where(high < 0.5, 3, code)
    return [FLAGS[i] for i in code]
