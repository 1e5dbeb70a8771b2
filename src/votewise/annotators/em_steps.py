"""The E-step, the M-step and the objective of an estimate of reliabilities.

E-step: the evidence rule of ``votewise.inference.observation``. M-step [RE-PO eq. 6] with a Beta(c, d) prior:

    eta_k = (expected right votes + c) / (votes + c + d)                     point="mean", the default
    eta_k = (expected right votes + c - 1) / (votes + c + d - 2)             point="mode"

Both maximise the posterior density given the expected votes, the first over log-odds (where evidence adds up), the second
over probabilities. The first is also the posterior mean; it is the better calibrated one (docs/method.md has the figures).

A point x holds the logit of each reliability, then the log of the temperature if it is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from votewise.annotators.fit_settings import Point
from votewise.arrays import Floats
from votewise.inference.observation import Evidence, clipped_logit
from votewise.inference.priors import Beta

LARGEST_TEMPERATURE = 100.0
"""A fitted temperature lies between this and its inverse."""


@dataclass(frozen=True, eq=False)
class ReliabilityModel:
    """What EM maximises.

    Attributes:
        evidence: the votes.
        prior: the prior over reliabilities, None for none.
        point: which point of the posterior the M-step takes.
        temperature: the factor on margins; None if it is fitted.
        worth: (K,) how many independent votes one vote of each annotator counts for; None for one each. It is below 1
            where several votes come from one judgement (``votewise.annotators.judgements``).
    """

    evidence: Evidence
    prior: Beta | None
    point: Point
    temperature: float | None
    worth: Floats | None = None

    def split(self, x: Floats) -> tuple[Floats, float]:
        """(K,) logit of each reliability, and the temperature, at the point ``x``."""
        temperature = float(np.exp(x[-1])) if self.temperature is None else self.temperature
        return x[: len(self.evidence.counts)], temperature

    def project(self, x: Floats) -> Floats:
        """``x`` with its temperature moved into the range that M-steps keep it in."""
        if self.temperature is not None:
            return x
        most = np.log(LARGEST_TEMPERATURE)
        return np.append(x[:-1], np.clip(x[-1], -most, most))


@dataclass(frozen=True, eq=False)
class PriorPull:
    """How the prior pulls on each annotator at the current reliabilities.

    Attributes:
        log_density: (K,) log-density of the prior at each reliability.
        right, wrong: (K,) right and wrong votes that the prior counts for in the M-step.
    """

    log_density: Floats
    right: Floats
    wrong: Floats


@dataclass(frozen=True, eq=False)
class Expectation:
    """What the E-step finds: (M,) ``posterior`` log-odds that response_a is truly better, and the prior's ``pull``."""

    posterior: Floats
    pull: PriorPull


def e_step(model: ReliabilityModel, x: Floats) -> Expectation:
    """What is hidden, given the reliabilities: the truth of each pair, and which annotators are outliers of the prior."""
    log_odds, temperature = model.split(x)
    return Expectation(model.evidence.posterior_log_odds(log_odds, temperature), prior_pull(model, log_odds))


def m_step(model: ReliabilityModel, x: Floats, expected: Expectation) -> Floats:
    """The next point: reliabilities and temperature that maximise the expected log-posterior [RE-PO eq. 6]."""
    evidence, pull = model.evidence, expected.pull
    number = evidence.counts + pull.right + pull.wrong
    with np.errstate(invalid="ignore", divide="ignore"):
        reliability = (evidence.expected_right(expected.posterior) + pull.right) / number
    # Annotators without a vote that counts (ties only) and without a prior stay where they were.
    new = np.where(number > 0, clipped_logit(reliability), model.split(x)[0])
    if model.temperature is None:
        new = np.append(new, next_log_temperature(evidence.margin, expit(expected.posterior), x[-1]))
    return new


def log_posterior(model: ReliabilityModel, x: Floats, expected: Expectation) -> float:
    """The objective at ``x``, in nats: log-likelihood of the votes plus log-density of the prior."""
    log_odds, temperature = model.split(x)
    log_likelihood = model.evidence.log_likelihood(expected.posterior, log_odds, temperature)
    return log_likelihood + float(expected.pull.log_density.sum())


def prior_pull(model: ReliabilityModel, log_odds: Floats) -> PriorPull:
    """Log-density and pseudo-votes of the prior at each reliability (K,), both divided by ``model.worth``.

    An annotator who looks like an outlier of the prior is held by the uniform density instead of the Beta.
    """
    if model.prior is None:
        nothing = np.zeros_like(log_odds)
        return PriorPull(nothing, nothing, nothing)
    log_eta, log_1meta = -np.logaddexp(0, -log_odds), -np.logaddexp(0, log_odds)
    log_density, ordinary = model.prior.weigh(log_eta, log_1meta)
    if model.point == "mean":
        log_density = log_density + log_eta + log_1meta  # the density of log-odds
    least = 1.0 if model.point == "mean" else 0.0
    right, wrong = ordinary * (model.prior.c - 1) + least, ordinary * (model.prior.d - 1) + least
    if model.worth is not None:
        # Votes that are worth less than votes: the prior weighs more against them.
        log_density, right, wrong = (value / model.worth for value in (log_density, right, wrong))
    return PriorPull(log_density, right, wrong)


def next_log_temperature(margin: Floats, p: Floats, log_temperature: float) -> float:
    """M-step for the temperature t: maximise sum p log sigmoid(t s) + (1 - p) log sigmoid(-t s), concave in t.

    Args:
        margin: (M,) s, the margin of each pair.
        p: (M,) posterior probability that response_a is truly better.
        log_temperature: log of the current temperature.
    """
    t = float(np.exp(log_temperature))
    for _ in range(25):
        expected = expit(t * margin)
        gradient = float(margin @ (p - expected))
        curvature = float((margin * margin) @ (expected * (1 - expected)))
        move = gradient / max(curvature, 1e-12)
        move = float(np.clip(move, -0.5 * t, 2 * t))
        t = min(max(t + move, 1 / LARGEST_TEMPERATURE), LARGEST_TEMPERATURE)
        if abs(move) < 1e-5 * t:  # Newton's error is the square of that
            break
    return float(np.log(t))
