"""The win rate if both models' answers were equally long.

Judges, both people and models, prefer long answers. A logistic regression estimates how the preference depends on the
difference in length. The length-controlled win rate is its prediction at difference zero, averaged over the prompts
[Dubois et al. 2024, length-controlled AlpacaEval]:

    P(A wins) = logistic(length tanh(z) + difficulty d(prompt) + bias),   z = (len_B - len_A) / deviation of that difference

A preference y between 0 and 1 counts as y wins and 1 - y losses. The coefficients maximise the likelihood times weak normal
priors (standard deviation 2.5 for length and difficulty, 10 for the bias). The priors keep them finite if the longer answer
always wins, or if A never wins. With 805 prompts they change the result by a few tenths of a percentage point.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit

from votewise.arrays import Floats
from votewise.data.win_rates import LengthControlled, Rate
from votewise.defaults import LEVEL
from votewise.errors import BadInputError
from votewise.evaluate.rates import clustered_interval

PRIOR_DEVIATION = {"length": 2.5, "difficulty": 2.5, "bias": 10.0}
"""Standard deviations of the normal priors of the coefficients; their means are 0."""

MOST_STEPS = 200
TOLERANCE = 1e-10


def length_controlled_rate(
    preference: Floats,
    prompt: npt.NDArray[np.int64],
    length_a: Floats,
    length_b: Floats,
    *,
    difficulty: Floats | None = None,
    level: float = LEVEL,
    prior: Mapping[str, float] = PRIOR_DEVIATION,
) -> LengthControlled:
    """The win rate of A at equal lengths, with an interval clustered by prompt.

    Args:
        preference: (n,) from 0 to 1, without NaN.
        prompt: (n,) codes of the prompts.
        length_a: (n,) characters of A's answers.
        length_b: (n,) characters of B's answers.
        difficulty: (n,) difficulty of the prompts, without NaN.
        level: probability that the interval contains the truth.
        prior: standard deviations of the priors of ``length``, ``difficulty`` and ``bias``.

    Raises:
        BadInputError: fewer than two contests, or lengths or difficulties that are not finite numbers.
    """
    n = len(preference)
    if n < 2:
        raise BadInputError(
            "cannot control for length with so few contests", value=n, expected="two or more with a verdict"
        )
    for name, values in (("length", length_a), ("length", length_b), ("difficulty", difficulty)):
        if values is not None and not np.isfinite(values).all():
            raise BadInputError(
                f"a {name} is not a finite number", row=int(np.flatnonzero(~np.isfinite(values))[0]) + 1
            )
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
    # The influence of each contest on the rate: through the choice of prompts, and through the coefficients.
    slope = (at_equal * (predicted * (1 - predicted))[:, None]).mean(axis=0)
    residual = preference - expit(design @ coefficients)
    influence = predicted - value + n * residual * (design @ np.linalg.solve(information, slope))
    influence -= influence.mean()
    low, high = clustered_interval(value + influence, prompt, level=level, lost=len(names) - constant)
    rate = Rate(value, min(low, value), max(high, value), n, len(np.unique(prompt)))
    found = dict(zip(names, coefficients.tolist(), strict=True))
    return LengthControlled(rate, found["length"], found.get("difficulty"), found["bias"], deviation, constant)


def fit_logistic(design: Floats, soft: Floats, penalty: Floats) -> tuple[Floats, Floats]:
    """Logistic regression on soft labels by Newton's method with step halving.

    Args:
        design: (n, p) explanatory variables.
        soft: (n,) labels from 0 to 1.
        penalty: (p,) inverse variances of the normal priors of the coefficients, all above 0; their means are 0.

    Returns:
        (p,) the coefficients, and (p, p) the negative second derivative of the log-posterior at them.
    """
    beta = np.zeros(design.shape[1])
    value = _log_posterior(design, soft, penalty, beta)
    for _ in range(MOST_STEPS):
        fitted = expit(design @ beta)
        gradient = design.T @ (soft - fitted) - penalty * beta
        step = np.linalg.solve(_information(design, fitted, penalty), gradient)
        # The log-posterior is strictly concave: a small enough step in Newton's direction always increases it.
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
