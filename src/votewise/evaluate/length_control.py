"""The win rate if both models' answers were equally long.

Judges, people and models alike, like long answers. A logistic regression tells how the preference depends on the difference
in length; the length-controlled win rate is what it predicts where the difference is zero, averaged over the prompts
[Dubois et al. 2024, length-controlled AlpacaEval]:

    P(A wins) = logistic(length tanh(z) + difficulty d(prompt) + bias),   z = (len_B - len_A) / deviation of that difference

A soft preference y counts as y wins and 1 - y losses. The coefficients maximise the likelihood with a weak normal prior
(standard deviation 2.5 for length and difficulty, 10 for the bias), so that they stay finite where one side of a length
always wins or A never does; with 805 prompts the prior moves the result by a few tenths of a point.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit

from votewise.arrays import Floats
from votewise.data.win_rates import LengthControlled, Rate
from votewise.errors import BadInputError
from votewise.evaluate.rates import clustered_interval

PRIOR_DEVIATION = {"length": 2.5, "difficulty": 2.5, "bias": 10.0}
"""Of the coefficients' normal priors around 0."""

MOST_STEPS = 200
TOLERANCE = 1e-10


def length_controlled_rate(
    preference: Floats,
    prompt: npt.NDArray[np.int64],
    length_a: Floats,
    length_b: Floats,
    *,
    difficulty: Floats | None = None,
    level: float = 0.95,
    prior: Mapping[str, float] = PRIOR_DEVIATION,
) -> LengthControlled:
    """The win rate of A at equal lengths, with an interval clustered by prompt.

    Args:
        preference: (n,) from 0 to 1, without NaN.
        prompt: (n,) codes of the prompts.
        length_a: (n,) characters of A's answers.
        length_b: (n,) characters of B's answers.
        difficulty: (n,) difficulty of the prompts, without NaN.
        level: the probability that the interval covers the truth.
        prior: standard deviations of the priors of ``length``, ``difficulty`` and ``bias``.

    Raises:
        BadInputError: fewer than two contests, or lengths or difficulties that are no numbers.
    """
    n = len(preference)
    if n < 2:
        raise BadInputError("length cannot be controlled for", value=n, expected="two contests with a verdict or more")
    for name, values in (("length", length_a), ("length", length_b), ("difficulty", difficulty)):
        if values is not None and not np.isfinite(values).all():
            raise BadInputError(f"a {name} is no number", row=int(np.flatnonzero(~np.isfinite(values))[0]) + 1)
    difference = np.asarray(length_b - length_a, np.float64)
    deviation = float(difference.std(ddof=1))
    constant = not deviation > 0
    z = np.zeros(n) if constant else difference / deviation
    others = [] if difficulty is None else [difficulty]
    design = np.column_stack([np.tanh(z), *others, np.ones(n)])
    names = ("length", *(["difficulty"] if others else []), "bias")
    penalty = np.array([prior[name] ** -2.0 for name in names])
    coefficients, information = fit_logistic(design, preference, penalty)
    at_equal = design.copy()
    at_equal[:, 0] = 0.0
    predicted = expit(at_equal @ coefficients)
    value = float(predicted.mean())
    # How each contest moves the rate: through which prompts are asked, and through the coefficients.
    slope = (at_equal * (predicted * (1 - predicted))[:, None]).mean(axis=0)
    residual = preference - expit(design @ coefficients)
    influence = predicted - value + n * residual * (design @ np.linalg.solve(information, slope))
    influence -= influence.mean()
    low, high = clustered_interval(value + influence, prompt, level=level, lost=len(names) - constant)
    rate = Rate(value, min(low, value), max(high, value), n, len(np.unique(prompt)))
    found = dict(zip(names, coefficients.tolist(), strict=True))
    return LengthControlled(rate, found["length"], found.get("difficulty"), found["bias"], deviation, constant)


def fit_logistic(design: Floats, soft: Floats, penalty: Floats) -> tuple[Floats, Floats]:
    """Logistic regression on soft labels by Newton's method with halved steps.

    Args:
        design: (n, p) columns.
        soft: (n,) labels from 0 to 1.
        penalty: (p,) inverse variances of the coefficients' normal priors around 0, above 0.

    Returns:
        (p,) coefficients and (p, p) the negative second derivative of the log-posterior there.
    """
    beta = np.zeros(design.shape[1])
    value = _log_posterior(design, soft, penalty, beta)
    for _ in range(MOST_STEPS):
        fitted = expit(design @ beta)
        gradient = design.T @ (soft - fitted) - penalty * beta
        step = np.linalg.solve(_information(design, fitted, penalty), gradient)
        # The log-posterior is strictly concave: a short enough step along Newton's direction always climbs.
        for _ in range(60):
            moved = _log_posterior(design, soft, penalty, beta + step)
            if moved >= value - 1e-12 * abs(value):
                break
            step = step / 2
        beta, value = beta + step, moved
        if np.abs(step).max() < TOLERANCE:
            break
    return beta, _information(design, expit(design @ beta), penalty)


def _information(design: Floats, fitted: Floats, penalty: Floats) -> Floats:
    return np.asarray((design * (fitted * (1 - fitted))[:, None]).T @ design + np.diag(penalty))


def _log_posterior(design: Floats, soft: Floats, penalty: Floats, beta: Floats) -> float:
    line = design @ beta
    return float(soft @ log_expit(line) + (1 - soft) @ log_expit(-line) - 0.5 * (penalty * beta**2).sum())
