"""One estimate of reliabilities: EM over the observation model, the prior's fit around it.

E-step: the evidence rule of ``observation``. M-step [RE-PO eq. 6] with a Beta(c, d) prior:

    eta_k = (expected right votes + c) / (votes + c + d)                     point="mean", the default
    eta_k = (expected right votes + c - 1) / (votes + c + d - 2)             point="mode"

Both maximise the posterior density given the expected votes, the first over log-odds (where evidence adds up), the second
over probabilities. The first is also the posterior mean; it is the better calibrated one (docs/method.md has the figures).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy.special import expit

from votewise.annotators.beliefs import Beliefs
from votewise.annotators.prior import START, prior_from_agreement, prior_from_likelihood
from votewise.arrays import Floats
from votewise.errors import BadInputError
from votewise.inference import intervals as iv
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.em import EMOptions, EMRun, run_em
from votewise.inference.observation import Evidence, clipped_logit
from votewise.inference.priors import Beta

PriorChoice = Beta | Literal["fit"] | None
Progress = Callable[[str, int, float], None]
"""Called with (what is being done, EM steps so far, movement of the last one)."""

OUTLIERS = 0.05
"""Share of annotators that a fitted prior lets come from anywhere."""

LOOSE = 1e-2
"""Tolerance of EM while the prior still moves."""

PRIOR_ROUNDS, PRIOR_TOLERANCE = 30, 0.01
LARGEST_TEMPERATURE = 100.0


@dataclass(frozen=True)
class Settings:
    """Every argument of an estimate, checked; see ``estimate_reliability``."""

    prior: PriorChoice = "fit"
    point: Literal["mean", "mode"] = "mean"
    shared_pairs: bool = True
    temperature: float | Literal["fit"] = 1.0
    reliability_init: float | None = None
    intervals: bool = True
    level: float = 0.95
    reliable_from: float = 0.7
    tolerance: float = 5e-4
    max_iterations: int = 1000
    accelerate: bool = True

    def __post_init__(self) -> None:
        if not (self.prior is None or self.prior == "fit" or isinstance(self.prior, Beta)):
            raise BadInputError("unknown prior", value=self.prior, expected="None, 'fit' or Beta(c, d)")
        if self.point not in ("mean", "mode"):
            raise BadInputError("unknown point", value=self.point, expected="'mean' or 'mode'")
        if self.point == "mode" and isinstance(self.prior, Beta) and min(self.prior.c, self.prior.d) < 1:
            raise BadInputError(f"prior {self.prior} has no mode inside (0, 1)", expected="c and d of at least 1")
        if self.point == "mode" and self.prior == "fit":
            raise BadInputError("a fitted prior may have no mode", expected="point='mean' with prior='fit'")
        if self.temperature != "fit" and not (isinstance(self.temperature, int | float) and self.temperature > 0):
            raise BadInputError("temperature", value=self.temperature, expected="'fit' or a number above 0")
        for name, low, high in (
            ("reliability_init", 0, 1),
            ("level", 0, 1),
            ("reliable_from", 0.5, 1),
            ("tolerance", 0, 1),
        ):
            value = getattr(self, name)
            if value is not None and not low < value < high:
                raise BadInputError(name, value=value, expected=f"a number between {low} and {high}")
        if self.max_iterations < 1:
            raise BadInputError("max_iterations", value=self.max_iterations, expected="at least 1")

    def as_facts(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        facts = asdict(self)
        if isinstance(self.prior, Beta):
            facts["prior"] = f"beta:{self.prior.c:g},{self.prior.d:g}"
        return facts


class Fit:
    """One estimate under way: the parameters are x = (logit reliabilities, log temperature if fitted)."""

    def __init__(self, evidence: Evidence, settings: Settings, progress: Progress | None = None) -> None:
        self.evidence, self.settings, self.progress = evidence, settings, progress
        self.prior: Beta | None
        if settings.prior == "fit":
            fitted = prior_from_agreement(evidence) if evidence.mostly_shared else START
            self.prior = replace(fitted, outliers=OUTLIERS)
        else:
            self.prior = settings.prior
        self.fits_temperature = settings.temperature == "fit" and evidence.informed
        self.x = np.full(len(evidence.counts), clipped_logit(np.asarray(self._first_reliability())))
        if self.fits_temperature:
            self.x = np.append(self.x, 0.0)
        self.steps = 0
        self.mirrored = False
        self.last: EMRun

    def _first_reliability(self) -> float:
        if self.settings.reliability_init is not None:
            return self.settings.reliability_init
        if self.prior is None:
            return 0.9
        # At 1/2 the first E-step learns nothing and EM never leaves it.
        return self.prior.mean if abs(self.prior.mean - 0.5) > 0.05 else START.mean

    def start_from(self, log_odds: Floats, temperature: float, prior: Beta | None) -> None:
        """Begin where an earlier fit to fewer votes, or to other margins, ended; a prior that is given stays given."""
        self.x[: len(log_odds)] = log_odds
        if self.fits_temperature:
            self.x[-1] = np.log(temperature)
        if self.settings.prior == "fit" and prior is not None and not self.evidence.mostly_shared:
            self.prior = prior

    @property
    def log_odds(self) -> Floats:
        """(K,) logit of the current reliabilities."""
        return self.x[: len(self.evidence.counts)]

    @property
    def temperature(self) -> float:
        """The factor on all margins."""
        return self._temperature(self.x)

    def _temperature(self, x: Floats) -> float:
        if self.fits_temperature:
            return float(np.exp(x[-1]))
        return 1.0 if self.settings.temperature == "fit" else float(self.settings.temperature)

    def run(self) -> None:
        """EM, together with the fit of the prior; then, should it have found the mirror image, EM from its flip."""
        self._run()
        if self.last.converged and self._mirror_is_better():
            self.mirrored = True
            self.x = self._flipped(self.x)
            self._run()

    def _run(self) -> None:
        """EM; where the prior is fitted by likelihood, EM and the fit in turn until the prior stands still."""
        if self.settings.prior == "fit" and not self.evidence.mostly_shared:
            for _ in range(PRIOR_ROUNDS):
                self._em(max(self.settings.tolerance, LOOSE))
                before = self.prior or START
                posterior = self.evidence.posterior_log_odds(self.log_odds, self.temperature)
                fitted = prior_from_likelihood(self.evidence, posterior, self.log_odds, before)
                self.prior = replace(fitted, outliers=OUTLIERS)
                moved = max(abs(np.log(fitted.c / before.c)), abs(np.log(fitted.d / before.d)))
                if moved < PRIOR_TOLERANCE or self.steps >= self.settings.max_iterations:
                    break
        self._em(self.settings.tolerance)

    def _em(self, tolerance: float) -> None:
        budget = max(1, self.settings.max_iterations - self.steps)
        done = self.steps
        self.last = run_em(
            self._step,
            self.x,
            EMOptions(
                tolerance=tolerance,
                max_iterations=budget,
                accelerate=self.settings.accelerate,
                on_iteration=None if self.progress is None else lambda i, moved: self.progress("EM", done + i, moved),  # type: ignore[misc]
            ),
            distance=lambda x, y: float(np.abs(expit(x) - expit(y)).max()),
            project=self._within_range,
        )
        self.steps += self.last.iterations
        self.x = self.last.x

    def _within_range(self, x: Floats) -> Floats:
        """``x`` with its temperature brought back to where M-steps keep it."""
        if not self.fits_temperature:
            return x
        most = np.log(LARGEST_TEMPERATURE)
        return np.append(x[:-1], np.clip(x[-1], -most, most))

    def _step(self, x: Floats) -> tuple[Floats, float]:
        """One E-step and M-step, and the log-posterior at ``x``."""
        evidence = self.evidence
        log_odds, temperature = x[: len(evidence.counts)], self._temperature(x)
        posterior = evidence.posterior_log_odds(log_odds, temperature)
        objective = evidence.log_likelihood(posterior, log_odds, temperature)
        log_density, right, wrong = self._pull(log_odds)
        objective += float(log_density.sum())
        number = evidence.counts + right + wrong
        with np.errstate(invalid="ignore", divide="ignore"):
            reliability = (evidence.expected_right(posterior) + right) / number
        # An annotator without a vote that counts (ties only) and without a prior stays where it was.
        new = np.where(number > 0, clipped_logit(reliability), log_odds)
        if self.fits_temperature:
            new = np.append(new, self._next_temperature(expit(posterior), x[-1]))
        return new, objective

    def _next_temperature(self, p: Floats, log_temperature: float) -> float:
        """M-step for the temperature t: maximise sum p log sigmoid(t s) + (1 - p) log sigmoid(-t s), concave in t."""
        s = self.evidence.margin
        t = float(np.exp(log_temperature))
        for _ in range(25):
            expected = expit(t * s)
            gradient = float(s @ (p - expected))
            curvature = float((s * s) @ (expected * (1 - expected)))
            move = gradient / max(curvature, 1e-12)
            move = float(np.clip(move, -0.5 * t, 2 * t))
            t = min(max(t + move, 1 / LARGEST_TEMPERATURE), LARGEST_TEMPERATURE)
            if abs(move) < 1e-8 * t:
                break
        return float(np.log(t))

    def _flipped(self, x: Floats) -> Floats:
        """The mirror image of ``x``: every reliability eta becomes 1 - eta."""
        k = len(self.evidence.counts)
        return np.concatenate([-x[:k], x[k:]])

    def objective(self, *, flipped: bool = False) -> float:
        """Log-posterior of the current parameters, or of their mirror image, in nats."""
        return self._step(self._flipped(self.x) if flipped else self.x)[1]

    def _mirror_is_better(self) -> bool:
        """Whether every truth flipped and every reliability eta -> 1 - eta explains the votes better."""
        if self.evidence.informed or (self.prior is not None and self.prior.c != self.prior.d):
            here, there = self.objective(), self.objective(flipped=True)
            return there > here + 1e-6 * (1 + abs(here))
        # Without margins and without a prior that takes sides the two are equal: votes are right more often than wrong.
        crowd = self.evidence.counts * (expit(self.log_odds) - 0.5)
        return float(crowd.sum()) < -1e-6 * float(self.evidence.counts.sum())

    def beliefs(self) -> Beliefs:
        """What the current parameters say of annotators, votes and pairs."""
        posterior = self.evidence.posterior_log_odds(self.log_odds, self.temperature)
        return Beliefs(
            log_odds=self.log_odds,
            posterior=posterior,
            confidence=self.evidence.confidence(posterior),
            expected_right=self.evidence.expected_right(posterior),
        )

    def pseudo_votes(self) -> tuple[Floats, Floats]:
        """(K,) right and (K,) wrong votes that the prior counts for in each annotator's M-step."""
        return self._pull(self.log_odds)[1:]

    def _pull(self, log_odds: Floats) -> tuple[Floats, Floats, Floats]:
        """(K,) log-density of the prior at each reliability, and the right and wrong votes it counts for there.

        An annotator who looks like an outlier of the prior is held by the uniform density instead of the Beta.
        """
        if self.prior is None:
            nothing = np.zeros_like(log_odds)
            return nothing, nothing, nothing
        log_eta, log_1meta = -np.logaddexp(0, -log_odds), -np.logaddexp(0, log_odds)
        log_density, ordinary = self.prior.weigh(log_eta, log_1meta)
        if self.settings.point == "mean":
            log_density = log_density + log_eta + log_1meta  # the density of log-odds
        least = 1.0 if self.settings.point == "mean" else 0.0
        return log_density, ordinary * (self.prior.c - 1) + least, ordinary * (self.prior.d - 1) + least

    def intervals(self, posterior: Floats) -> tuple[Floats, Floats]:
        """(K,) lower and upper ends."""
        own = iv.precision(self.evidence, posterior, self.log_odds, sum(self.pseudo_votes()))
        widening = iv.inflation(self.evidence, posterior, own)
        histograms = iv.vote_histograms(self.evidence, posterior, self.log_odds)
        return iv.reliability_intervals(histograms, self.prior, self.settings.level, self.log_odds, own, widening)

    def prior_width(self) -> float:
        """Width of the interval that the prior alone gives."""
        return prior_width(self.prior_facts(), self.settings.level)

    def findings(self) -> list[Diagnostic]:
        """What the run itself has to say."""
        found = []
        if not self.last.converged:
            text = f"EM stopped after {self.steps:,} steps before its tolerance was reached; raise max_iterations."
            found.append(Diagnostic("not-converged", "warning", text))
        if self.mirrored:
            text = "EM had settled on the mirror image, which explains the votes worse; its flip was taken instead."
            found.append(Diagnostic("mirror-flipped", "warning", text))
        return found

    def prior_facts(self) -> dict[str, Any]:
        """The prior as JSON can hold it."""
        if self.prior is None:
            return {"family": "none"}
        return {"family": "beta", **asdict(self.prior), "fitted": self.settings.prior == "fit"}


def prior_width(facts: dict[str, Any], level: float) -> float:
    """Width of the interval that a prior alone gives, the prior as ``ReliabilityResult.prior`` has it."""
    prior = None if facts["family"] == "none" else Beta(facts["c"], facts["d"], facts["outliers"])
    nothing, empty = np.zeros(1), np.zeros((1, iv.BINS))
    low, high = iv.reliability_intervals(empty, prior, level, nothing, nothing + 1, nothing + 1)
    return float(high[0] - low[0])
