"""What the objective ``score`` needs besides losses: log-odds of votes, a temperature, the trust in votes, and the tilt."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor

TILT = 4.0
"""Strength of the tilt, times 1 - trust and the share of the run that is done."""

RATE, SHARP, GROWTH = 0.08, 8.0, 2.0
"""Of the automatic temperature. docs/log.md says what they were chosen from."""


class ScoreInputs(NamedTuple):
    """Arguments of ``objectives.score``: (B,) ``evidence``; ``temperature``, ``trust`` and ``tilt`` of the step."""

    evidence: Tensor
    temperature: float
    trust: float
    tilt: float


def automatic_temperature(sharpness: float, root: float, epoch: int) -> float:
    """The temperature of the loss from first-seen margins: t = 0.08 (s / r) sqrt(s / 8) 2^epoch.

    A margin m is worth s m / r of log-odds by the first-seen margins, with r their root mean square. The loss takes a small
    part of that: a policy that saturates early learns little from rows that look decided, and its own errors confirm
    themselves. The part is larger where margins tell right from wrong more sharply, and it doubles with every epoch,
    because margins of rows that were trained on are not out of sample.

    Args:
        sharpness: s, log-odds that a margin of typical size is worth.
        root: r; 0 before margins were seen, where the temperature is 1.
        epoch: epochs that are complete.
    """
    if not root > 0:
        return 1.0
    return float(RATE * sharpness / root * np.sqrt(sharpness / SHARP) * GROWTH**epoch)
