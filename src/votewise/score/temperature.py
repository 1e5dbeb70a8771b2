"""A temperature on margins, fitted to votes, and how well the probabilities it gives are calibrated.

The temperature multiplies margins, here as elsewhere: P(vote for response_a) = sigmoid(temperature * margin). It is the
maximum of the votes' likelihood, which has one at most. What it describes are votes as they are cast, wrong ones
included; ``estimate_reliability(temperature="fit")`` fits one for the truth behind them, along with the annotators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.optimize import brentq
from scipy.special import expit

from votewise.arrays import Floats, Signs
from votewise.inference.calibration import expected_calibration_error, predictive_calibration
from votewise.inference.observation import log_cosh2


@dataclass(frozen=True)
class TemperatureFit:
    """A fitted temperature.

    Attributes:
        temperature: None where the votes do not determine one.
        standard_error: allowing for votes on one prompt to go together; None without a temperature.
        votes: how many votes it was fitted to: no ties, no margins of 0.
        problem: why there is no temperature, or why the one found is not used; None where all is well.
    """

    temperature: float | None
    standard_error: float | None
    votes: int
    problem: str | None = None

    @property
    def used(self) -> float:
        """The factor for margins: the temperature, or 1 where there is none that can be used."""
        return 1.0 if self.problem is not None or self.temperature is None else self.temperature


@dataclass(frozen=True)
class Calibration:
    """How well probabilities from margins fit the votes.

    Attributes:
        log_loss: mean of -log P(vote), ties left out; log 2 = 0.693 is a coin's.
        error: expected calibration error: mean distance between predicted and observed, weighted by votes.
        agreement: share of the votes that go where the margin points.
        votes: how many votes.
        table: a ``votewise.inference.calibration.calibration_table`` from 1/2 up: a vote for the likelier answer happens.
    """

    log_loss: float
    error: float
    agreement: float
    votes: int
    table: pa.Table

    def as_json(self) -> dict[str, Any]:
        """For a summary."""
        numbers = {"log_loss": self.log_loss, "calibration_error": self.error, "agreement": self.agreement}
        return {**numbers, "votes": self.votes, "table": self.table.to_pylist()}


def fit_temperature(margin: Floats, sign: Signs, prompt: npt.NDArray[np.int64] | None = None) -> TemperatureFit:
    """The temperature under which the votes are likeliest.

    Args:
        margin: (n,) of the pair that was voted on; NaN where unknown.
        sign: (n,) +1 for a vote for response_a, -1 for response_b, 0 for a tie.
        prompt: (n,) code of the prompt, so that the standard error allows for votes on one prompt to go together; None
            takes every vote as a prompt of its own.
    """
    known = np.isfinite(margin) & (margin != 0) & (sign != 0)
    # How far each vote goes with its margin.
    along: Floats = sign[known] * margin[known]
    n = len(along)
    if n == 0:
        return TemperatureFit(None, None, 0, "no vote takes a side on a pair with a margin")
    if (along > 0).all() or (along < 0).all():
        way = "with" if along[0] > 0 else "against"
        return TemperatureFit(None, None, n, f"all {n:,} votes go {way} the scores: no temperature is too high")
    scale = float(np.abs(along).mean())

    def slope(t: float) -> float:
        """Of the mean log-likelihood, at temperature t / scale: falling in t, with one root."""
        z = along / scale
        return float(np.mean(z * expit(-t * z)))

    reach = 1.0
    while slope(reach) > 0 or slope(-reach) < 0:
        reach *= 2
    temperature = float(brentq(slope, -reach, reach, xtol=1e-12)) / scale
    error = _standard_error(along, temperature, None if prompt is None else prompt[known])
    problem = None
    if temperature <= 0:
        problem = f"the votes do not go with the scores: temperature {temperature:.3g}, standard error {error:.2g}"
    return TemperatureFit(temperature, error, n, problem)


def _standard_error(along: Floats, temperature: float, prompt: npt.NDArray[np.int64] | None) -> float:
    """The sandwich estimate: curvature, and squares of slopes summed within each prompt."""
    p = expit(-temperature * along)
    curvature = float((along**2 * p * (1 - p)).sum())
    slopes = along * p
    if prompt is not None:
        slopes = np.bincount(np.unique(prompt, return_inverse=True)[1], slopes)
    g = len(slopes)
    return float(np.sqrt((slopes**2).sum() * g / max(g - 1, 1)) / curvature)


def judge_calibration(margin: Floats, sign: Signs, temperature: float = 1.0) -> Calibration | None:
    """How well sigmoid(temperature * margin) fits the votes; None where no vote takes a side on a pair with a margin.

    Args:
        margin: (n,) NaN where unknown.
        sign: (n,) +1, -1 or 0 for a tie.
        temperature: factor on the margins.
    """
    known = np.isfinite(margin) & (sign != 0)
    along: Floats = temperature * sign[known] * margin[known]
    informed = along != 0
    if not informed.any():
        return None
    # -log sigmoid(x) = log(2 cosh(x / 2)) - x / 2
    loss = float((log_cosh2(along) - along / 2).mean())
    table = predictive_calibration(expit(along), informed)
    agreement = float((along[informed] > 0).mean())
    return Calibration(loss, expected_calibration_error(table), agreement, len(along), table)
