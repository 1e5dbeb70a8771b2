"""What a training run believes of annotators: reliabilities learnt from the margins of the policy that is trained.

The E-step of every batch is the evidence rule of ``observation``: logit w = s + sum_j v_j logit(eta_j), s the policy's
current margin. Reliabilities are learnt in one of two ways:

``margins="first"``, the default: from the margin that each pair had when it was first seen, before the policy was trained
    on it. The EM is that of ``estimate_reliability`` with a temperature on the margins. It runs over all pairs seen so far,
    and over unseen pairs with votes of several annotators. It starts from the last estimate and runs again whenever a tenth
    more pairs have been seen, so all runs together cost a few passes over the votes. After the first epoch nothing changes.
``margins="current"``, as published: from the confidences of the current batch [RE-PO eq. 7], or of the last epoch
    [RE-PO eq. 6]. From the second epoch on the policy judges votes that it was trained on, and reliabilities drift to 1.

With ``one_annotator="filter"`` and a single annotator, ``rate_filter`` takes the place of EM: there only margins tell right
votes from wrong ones, and EM, which takes the likeliest of all explanations, is further off where many are wrong.

No torch here: margins come in and evidence goes out as NumPy arrays, once per step. Every rank holds the whole state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_settings import FitSettings, PriorChoice
from votewise.annotators.fitted import Start
from votewise.annotators.group_fit import fit_at_shares
from votewise.annotators.judgements import linked_pairs
from votewise.arrays import Floats
from votewise.defaults import RELIABILITY
from votewise.errors import VotewiseError
from votewise.inference.observation import Evidence, clipped_logit
from votewise.inference.priors import Beta
from votewise.train.rate_filter import RateFilter
from votewise.train.shared_errors import ErringTogether

GROWTH = 1.1
"""Reliabilities are estimated again when the number of pairs seen has grown by this factor."""

ETA = (0.51, 0.9999)
"""Bounds of the reliability that the filter gives."""

LEAST_TRUST = 0.02
"""The trust in an annotator who is right in 51% of the votes."""

LOOSE = 2e-3
"""Tolerance of the estimates during training; the last one has that of ``estimate_reliability``."""

STEPS = 60
"""Most EM steps of one estimate during training."""

MIRROR_DEVIATIONS = 4.0
"""Standard deviations by which the votes must contradict the policy before training stops. With margins that are pure noise
this happens in one of 30,000 estimates; a run makes about seventy."""


class WorseThanChanceError(VotewiseError):
    """The votes as a whole contradict the policy: most votes are wrong, or the policy knows nothing yet."""

    exit_code = 3


@dataclass(frozen=True)
class BeliefSettings:
    """How reliabilities are learnt during training.

    Attributes:
        init: reliability that every annotator starts from, in (0, 1) [RE-PO].
        update: ``step``, ``epoch`` or ``frozen``.
        margins: ``first`` or ``current``, see the description of the module.
        momentum: weight of the new value in an update, for ``current`` margins [RE-PO eq. 7: 0.1].
        prior: as for ``estimate_reliability``, for ``first`` margins.
        temperature: factor on first-seen margins, or ``fit``.
        residual_momentum: weight of the new value in the running variance of a squared loss.
        allow_worse_than_chance: continue if the votes as a whole turn out to be worse than chance.
        one_annotator: how the reliability of a single annotator is learnt from ``first`` margins: ``em`` or ``filter``.
        reference: whether margins are gains over a reference; the filter takes others for worthless at first.
    """

    init: float = RELIABILITY
    update: Literal["step", "epoch", "frozen"] = "step"
    margins: Literal["first", "current"] = "first"
    momentum: float = 0.1
    prior: PriorChoice = "fit"
    temperature: float | Literal["fit"] = "fit"
    residual_momentum: float = 0.1
    allow_worse_than_chance: bool = False
    one_annotator: Literal["em", "filter"] = "em"
    reference: bool = True


class RunningBeliefs:
    """Beliefs about annotators, common to votes known beforehand and votes from a stream.

    Attributes:
        settings: how reliabilities are learnt.
        log_odds: (K,) logit of each annotator's reliability.
        temperature: factor on first-seen margins.
        variance: running mean of the weighted squared residuals, for squared losses; None before the first step.
        prior: the fitted prior; None before the first fit, or without a prior.
        filter: beliefs about one annotator by first-seen margins; its ``root`` is kept for crowds, too.
        together: annotators who err together; None where everybody errs alone, and for a stream, whose votes share no pair.
        votes_of_each: (K,) decided votes of each annotator, by their weights; in a stream those seen so far.
    """

    votes_of_each: Floats
    together: ErringTogether | None = None

    def __init__(self, settings: BeliefSettings, annotators: int) -> None:
        self.settings = settings
        self.log_odds: Floats = np.full(annotators, clipped_logit(np.asarray(settings.init)))
        self.temperature = 1.0 if settings.temperature == "fit" else float(settings.temperature)
        self.variance: float | None = None
        self.prior: Beta | None = None
        self.filter = RateFilter(reference=settings.reference)
        self._started = False
        self._fitted_at = 0

    @property
    def reliability(self) -> Floats:
        """(K,) probability that a vote of each annotator agrees with the truth."""
        return np.asarray(expit(self.log_odds))

    @property
    def noise_rate(self) -> float:
        """Share of the votes that are wrong, if these are the reliabilities of their annotators; NaN without votes."""
        votes = float(self.votes_of_each.sum())
        return float(self.votes_of_each @ (1 - self.reliability)) / votes if votes else float("nan")

    @property
    def trust(self) -> float:
        """Mean over the votes of abs(2 eta - 1), at least ``LEAST_TRUST``: how far votes are trusted on average.

        Before any vote of a stream was seen, it is that of an annotator of whom nothing is known.
        """
        votes = self.votes_of_each
        total = float(votes.sum())
        known = float(votes @ np.abs(np.tanh(self.log_odds / 2)))
        mean = known / total if total else abs(2 * self.settings.init - 1)
        return max(mean, LEAST_TRUST)

    @property
    def sharpness(self) -> float:
        """Log-odds that a first-seen margin of typical size is worth."""
        return self.temperature * float(self.filter.root)

    @property
    def filtered(self) -> bool:
        """Whether the filter takes the place of EM."""
        chosen = self.settings.one_annotator == "filter" and self.settings.margins == "first"
        return chosen and len(self.log_odds) == 1

    def _filter(self, margins: Floats) -> None:
        """Let the filter see first-seen margins (B,) of the side that each pair's votes are for."""
        if self.settings.one_annotator != "filter" or not len(margins) or not np.isfinite(margins).all():
            return
        if not self.filtered:
            self.filter.count(margins)
            return
        self.filter.absorb(margins)
        if self.settings.update != "frozen":
            self.log_odds[0] = clipped_logit(np.clip(self.filter.eta, *ETA))
        if self.settings.temperature == "fit" and self.filter.root > 0:
            self.temperature = float(self.filter.sharpness / self.filter.root)

    def _track(self, residuals: Floats | None) -> None:
        """Update the variance with a step's weighted squared errors."""
        if residuals is not None:
            now, share = float(residuals.mean()), self.settings.residual_momentum
            self.variance = now if self.variance is None else (1 - share) * self.variance + share * now

    def _mix(self, right: Floats, votes: Floats) -> None:
        """Move the reliability of a step's annotators towards their mean confidence in it [RE-PO eq. 7]."""
        met, share = votes > 0, self.settings.momentum
        self.log_odds[met] = clipped_logit((1 - share) * self.reliability[met] + share * right[met] / votes[met])

    def _learn(self, evidence: Evidence, seen: int, together: ErringTogether | None = None) -> None:
        """EM over ``evidence``, started from the last estimate.

        Args:
            evidence: the votes.
            seen: the number of pairs seen so far.
            together: annotators who err together; None where everybody errs alone.
        """
        self._fitted_at = seen
        if self.filtered:
            self._check_mirror(evidence, seen)
            return
        settings = FitSettings(
            prior=self.settings.prior,
            temperature=self.settings.temperature,
            intervals=False,
            tolerance=LOOSE,
            max_iterations=STEPS,
        )
        # The temperature always starts at 1: one that ran away on few votes is a local optimum that EM never leaves.
        start = Start(self.log_odds, prior=self.prior) if self._started else None
        if together is None:
            fit = fit_reliability(evidence, settings, start=start)
        else:
            fit = fit_at_shares(evidence, together.sharing, together.r, settings, start)
        self.log_odds, self.temperature, self.prior = fit.log_odds.copy(), fit.temperature, fit.prior
        self._started = True
        self._check_mirror(evidence, seen)

    def _check_mirror(self, evidence: Evidence, seen: int) -> None:
        """Stop if the votes as a whole contradict the policy by more than noise can explain."""
        if self.settings.allow_worse_than_chance:
            return
        votes = evidence.matrix @ np.ones(len(self.log_odds))
        # If the margins were pure noise, each pair would agree with its votes as often as it contradicts them.
        agreement = votes * np.tanh(self.temperature * evidence.margin / 2)
        if evidence.judgement is not None:
            # The answers of one ranking share their noise, so a prompt's pairs count together.
            agreement = np.bincount(linked_pairs(evidence), agreement)
        if agreement.sum() < -MIRROR_DEVIATIONS * np.sqrt(agreement @ agreement):
            informed = evidence.margin != 0
            right = 0.5 + 0.5 * float((votes * np.sign(evidence.margin)).sum() / abs(evidence.matrix[informed]).sum())
            raise WorseThanChanceError(
                f"after {seen:,} pairs only {right:.0%} of the votes agree with the policy's own margins: the annotators "
                "are worse than chance, or the policy is, and training would flip its preferences; check the order of "
                "chosen and rejected, or set allow_worse_than_chance=True to continue"
            )

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that a checkpoint must hold, as arrays."""
        prior = self.prior
        return {
            "log_odds": self.log_odds,
            "temperature": np.array(self.temperature),
            "variance": np.array(np.nan if self.variance is None else self.variance),
            "prior": np.array([] if prior is None else [prior.c, prior.d, prior.outliers]),
            "progress": np.array([self._fitted_at, self._started], np.int64),
            **self.filter.state(),
        }

    def load(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Restore the ``state`` of an interrupted run."""
        self.log_odds = state["log_odds"].copy()
        self.temperature, variance = float(state["temperature"]), float(state["variance"])
        self.variance = None if np.isnan(variance) else variance
        self.prior = Beta(*map(float, state["prior"])) if len(state["prior"]) else None
        self._fitted_at, self._started = int(state["progress"][0]), bool(state["progress"][1])
        self.filter.load(state)
