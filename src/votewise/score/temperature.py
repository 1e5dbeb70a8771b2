"""A temperature for margins, fitted to votes, and the calibration of the resulting probabilities.

The temperature multiplies margins, as everywhere in votewise: P(vote for response_a) = sigmoid(temperature * margin). It
maximises the likelihood of the votes, which has at most one maximum. It describes the votes as they are, wrong ones
included; ``estimate_reliability(temperature="fit")`` fits one for the truth, together with the annotators' reliability.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.optimize import brentq
from scipy.special import expit

from votewise.arrays import Floats, Signs
from votewise.errors import many
from votewise.inference.calibration import expected_calibration_error, predictive_calibration
from votewise.inference.observation import log_cosh2


@dataclass(frozen=True)
class TemperatureFit:
    """A fitted temperature.

    Attributes:
        temperature: None if the votes do not determine one.
        standard_error: it allows for dependence between votes on one prompt; None without a temperature.
        votes: how many votes it was fitted to; ties and margins of 0 are left out.
        problem: why there is no temperature, or why the fitted one is not used; None if it can be used.
    """

    temperature: float | None
    standard_error: float | None
    votes: int
    problem: str | None = None

    @property
    def used(self) -> float:
        """The factor for margins: the temperature, or 1 if it cannot be used."""
        return 1.0 if self.problem is not None or self.temperature is None else self.temperature

    def as_json(self) -> dict[str, Any]:
        """As JSON values, for the summary."""
        return asdict(self)


@dataclass(frozen=True)
class Calibration:
    """How well probabilities from margins fit the votes.

    Attributes:
        log_loss: mean of -log P(vote) without ties; log 2 = 0.693 for a coin flip.
        error: expected calibration error: mean distance between predicted and observed, weighted by votes.
        agreement: share of the votes for the response that the margin favours.
        votes: number of votes.
        table: predicted and observed share of votes for the likelier answer, in bins from 1/2 to 1; see
            ``votewise.inference.calibration``.
    """

    log_loss: float
    error: float
    agreement: float
    votes: int
    table: pa.Table

    def as_json(self) -> dict[str, Any]:
        """As JSON values, for the summary."""
        numbers = {"log_loss": self.log_loss, "calibration_error": self.error, "agreement": self.agreement}
        return {**numbers, "votes": self.votes, "table": self.table.to_pylist()}


def fit_temperature(margin: Floats, sign: Signs, prompt: npt.NDArray[np.int64] | None = None) -> TemperatureFit:
    """The temperature that makes the votes likeliest.

    Args:
        margin: (n,) of each vote's pair; NaN if unknown.
        sign: (n,) +1 for a vote for response_a, -1 for response_b, 0 for a tie.
        prompt: (n,) code of the prompt: the standard error allows for dependence between votes on one prompt; None if every
            vote has a prompt of its own.
    """
    known = np.isfinite(margin) & (margin != 0) & (sign != 0)
    # Positive if a vote agrees with its margin.
    along: Floats = sign[known] * margin[known]
    n = len(along)
    if n == 0:
        return TemperatureFit(None, None, 0, "no vote takes a side on a pair with a margin")
    if (along > 0).all() or (along < 0).all():
        way = "agree with" if along[0] > 0 else "contradict"
        return TemperatureFit(None, None, n, f"all {many(n, 'vote')} {way} the scores: the likelihood has no maximum")
    scale = float(np.abs(along).mean())

    def slope(t: float) -> float:
        """Slope of the mean log-likelihood at temperature t / scale; it falls with t and has one root."""
        z = along / scale
        return float(np.mean(z * expit(-t * z)))

    reach = 1.0
    while slope(reach) > 0 or slope(-reach) < 0:
        reach *= 2
    temperature = float(brentq(slope, -reach, reach, xtol=1e-12)) / scale
    error = _standard_error(along, temperature, None if prompt is None else prompt[known])
    problem = None
    if temperature <= 0:
        problem = f"the votes contradict the scores: temperature {temperature:.3g}, standard error {error:.2g}"
    return TemperatureFit(temperature, error, n, problem)


def _standard_error(along: Floats, temperature: float, prompt: npt.NDArray[np.int64] | None) -> float:
    """The sandwich estimate, from the curvature and the squared slopes, summed within each prompt."""
    p = expit(-temperature * along)
    curvature = float((along**2 * p * (1 - p)).sum())
    slopes = along * p
    if prompt is not None:
        slopes = np.bincount(np.unique(prompt, return_inverse=True)[1], slopes)
    g = len(slopes)
    return float(np.sqrt((slopes**2).sum() * g / max(g - 1, 1)) / curvature)


def measure_calibration(margin: Floats, sign: Signs, temperature: float = 1.0) -> Calibration | None:
    """How well sigmoid(temperature * margin) fits the votes; None if no vote takes a side on a pair with a margin.

    Args:
        margin: (n,) NaN if unknown.
        sign: (n,) +1, -1, or 0 for a tie.
        temperature: factor of the margins.
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
