"""What a training run believes of its votes: reliabilities that follow the margins of the policy being trained.

The E-step of every batch is the evidence rule of ``observation``: logit w = s + sum_j v_j logit(eta_j), s the policy's
current margin. Reliabilities are learnt in one of two ways:

``margins="first"``, the default: from the margin with which each pair was first seen, before it was trained on, by the
    same EM as ``estimate_reliability`` with a temperature on the margins, warm-started, over all pairs seen so far (and
    over those not seen yet that several annotators voted on). It is done anew whenever the pairs seen have grown by a
    tenth, so that all of it together costs a few passes over the votes. After the first epoch nothing changes.
``margins="current"``, as published: from the confidences of the batches as they come [RE-PO eq. 7], or of the last epoch
    [RE-PO eq. 6]. From the second epoch on a policy is then asked about votes that it has been trained on, and
    reliabilities drift to 1.

No torch here: margins come in and evidence goes out as NumPy arrays, once per step. Every rank holds the whole state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from votewise.annotators.evidence import evidence_of
from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_settings import FitSettings, PriorChoice
from votewise.annotators.fitted import Start
from votewise.arrays import Floats
from votewise.data.votes import Votes
from votewise.defaults import RELIABILITY
from votewise.errors import BadInputError, VotewiseError
from votewise.inference.observation import Evidence, clipped_logit
from votewise.inference.priors import Beta

Rows = npt.NDArray[np.int64]

GROWTH = 1.1
"""By how much the pairs seen must grow before reliabilities are estimated anew."""

LOOSE = 2e-3
"""Tolerance of the estimates on the way; the one at the end is that of ``estimate_reliability``."""

STEPS = 60
"""Most EM steps of one of them."""

MIRROR_DEVIATIONS = 4.0
"""Standard deviations by which votes must contradict the policy before the crowd is said to be worse than chance: margins
that are mere noise get there in one of 30,000 estimates, of which a run makes some seventy."""


class WorseThanChanceError(VotewiseError):
    """The votes as a whole contradict the policy: a crowd worse than chance, or a policy that knows nothing yet."""

    exit_code = 3


@dataclass(frozen=True)
class BeliefSettings:
    """How reliabilities are learnt during training.

    Attributes:
        init: reliability everybody starts from, in (0, 1) [RE-PO: 0.9].
        update: ``step``, ``epoch`` or ``frozen``.
        margins: ``first`` or ``current``, see the module.
        momentum: share of the new in a step's update, for ``current`` margins [RE-PO eq. 7: 0.1].
        prior: as for ``estimate_reliability``, for ``first`` margins.
        temperature: factor on first-seen margins, or ``fit``.
        residual_momentum: share of the new in the running variance of a squared loss.
        allow_worse_than_chance: go on where the crowd turns out to be worse than chance.
    """

    init: float = RELIABILITY
    update: Literal["step", "epoch", "frozen"] = "step"
    margins: Literal["first", "current"] = "first"
    momentum: float = 0.1
    prior: PriorChoice = "fit"
    temperature: float | Literal["fit"] = "fit"
    residual_momentum: float = 0.1
    allow_worse_than_chance: bool = False


class RunningBeliefs:
    """What is believed of annotators, whatever way their votes come in.

    Attributes:
        settings: how to learn.
        log_odds: (K,) logit of each annotator's reliability.
        temperature: factor on first-seen margins.
        variance: running mean of the weighted squared residuals, for squared losses; None before the first step.
        prior: the fitted prior; None before the first fit or where there is none.
    """

    def __init__(self, settings: BeliefSettings, annotators: int) -> None:
        self.settings = settings
        self.log_odds: Floats = np.full(annotators, clipped_logit(np.asarray(settings.init)))
        self.temperature = 1.0 if settings.temperature == "fit" else float(settings.temperature)
        self.variance: float | None = None
        self.prior: Beta | None = None
        self._started = False
        self._fitted_at = 0

    @property
    def reliability(self) -> Floats:
        """(K,) probability that a vote of each annotator agrees with the truth."""
        return np.asarray(expit(self.log_odds))

    def _track(self, residuals: Floats | None) -> None:
        """Let the variance follow a step's weighted squared errors."""
        if residuals is not None:
            now, share = float(residuals.mean()), self.settings.residual_momentum
            self.variance = now if self.variance is None else (1 - share) * self.variance + share * now

    def _mix(self, right: Floats, votes: Floats) -> None:
        """Mix in a step's mean confidence, for the annotators who are in it [RE-PO eq. 7]."""
        met, share = votes > 0, self.settings.momentum
        self.log_odds[met] = clipped_logit((1 - share) * self.reliability[met] + share * right[met] / votes[met])

    def _learn(self, evidence: Evidence, seen: int) -> None:
        """EM over ``evidence`` from where the last one ended; ``seen`` pairs were seen so far."""
        self._fitted_at = seen
        settings = FitSettings(
            prior=self.settings.prior,
            temperature=self.settings.temperature,
            intervals=False,
            tolerance=LOOSE,
            max_iterations=STEPS,
        )
        # Always from temperature 1: one that ran away while there were few votes is a local optimum that EM never leaves.
        start = Start(self.log_odds, prior=self.prior) if self._started else None
        fit = fit_reliability(evidence, settings, start=start)
        self.log_odds, self.temperature, self.prior = fit.log_odds.copy(), fit.temperature, fit.prior
        self._started = True
        self._check_mirror(evidence, seen)

    def _check_mirror(self, evidence: Evidence, seen: int) -> None:
        """Stop where the crowd as a whole votes against the truth by what the policy says: it takes evidence, not noise."""
        if self.settings.allow_worse_than_chance:
            return
        votes = evidence.matrix @ np.ones(len(self.log_odds))
        # Were the margins mere noise, each pair would be as likely to agree with its votes as to contradict them.
        agreement = votes * np.tanh(self.temperature * evidence.margin / 2)
        if agreement.sum() < -MIRROR_DEVIATIONS * np.sqrt(agreement @ agreement):
            told = evidence.margin != 0
            right = 0.5 + 0.5 * float((votes * np.sign(evidence.margin)).sum() / abs(evidence.matrix[told]).sum())
            raise WorseThanChanceError(
                f"after {seen:,} pairs only {right:.0%} of the votes look right, by the policy's own margins: the "
                "crowd is worse than chance, or the policy is, and training would turn it round; check the order of chosen "
                "and rejected, or set allow_worse_than_chance=True to go on"
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
        }

    def load(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Take up the ``state`` of an interrupted run."""
        self.log_odds = state["log_odds"].copy()
        self.temperature, variance = float(state["temperature"]), float(state["variance"])
        self.variance = None if np.isnan(variance) else variance
        self.prior = Beta(*map(float, state["prior"])) if len(state["prior"]) else None
        self._fitted_at, self._started = int(state["progress"][0]), bool(state["progress"][1])


class TrainingBeliefs(RunningBeliefs):
    """Reliabilities and margins of a training run on known votes. Mutable: every step absorbs what it saw.

    Attributes:
        votes: n votes by K annotators on M pairs.
        first: (M,) first-seen margin of each pair that response_a is better; NaN where not seen.
        seen: pairs seen so far.
    """

    def __init__(self, votes: Votes, settings: BeliefSettings | None = None) -> None:
        super().__init__(settings or BeliefSettings(), votes.n_annotators)
        self.votes = votes
        self.first: Floats = np.full(votes.n_pairs, np.nan)
        self.seen = 0
        self.evidence = evidence_of(votes, margins=np.zeros(votes.n_pairs))
        self._epoch_right, self._epoch_votes = np.zeros(votes.n_annotators), np.zeros(votes.n_annotators)
        self._shared = np.diff(self.evidence.matrix.indptr) > 1
        if self.settings.margins == "first" and self.settings.update != "frozen" and self._shared.any():
            self._fit()

    def start_at(self, reliability: Floats) -> None:
        """Start from known reliabilities (K,), say those of an audit; NaN where nothing is known of an annotator."""
        known = np.isfinite(reliability)
        self.log_odds[known] = clipped_logit(reliability[known])
        self._started = True

    def evidence_for(self, pairs: Rows) -> Floats:
        """(B,) log-odds that response_a of each pair is better according to its votes alone: sum_j v_j logit(eta_j)."""
        entries, owner = self._entries(pairs)
        matrix = self.evidence.matrix
        worth = matrix.data[entries] * self.log_odds[matrix.indices[entries]]
        return np.bincount(owner, worth, minlength=len(pairs)).astype(np.float64)

    def _entries(self, pairs: Rows) -> tuple[Rows, Rows]:
        """The votes on some pairs: positions in the matrix, and which of ``pairs`` each belongs to."""
        starts = self.evidence.matrix.indptr[pairs].astype(np.int64)
        number = self.evidence.matrix.indptr[pairs + 1] - starts
        owner = np.repeat(np.arange(len(pairs)), number)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(number) - number, number)
        return starts[owner] + within, owner

    def absorb(self, pairs: Rows, margins: Floats, residuals: Floats | None = None) -> None:
        """Learn from one optimiser step.

        Args:
            pairs: (B,) the pairs of the step, on all ranks and in all its micro-batches, in any order.
            margins: (B,) the policy's margins that response_a is better, as they were in this step.
            residuals: (B,) weighted squared errors, for squared losses.

        Raises:
            WorseThanChanceError: see ``BeliefSettings.allow_worse_than_chance``.
        """
        # In one order whoever computed them; a pair that was repeated to fill the last batch counts once.
        pairs, where = np.unique(pairs, return_index=True)
        margins = margins[where]
        self._track(None if residuals is None else residuals[where])
        new = np.isnan(self.first[pairs])
        self.first[pairs[new]] = margins[new]
        self.seen += int(np.isfinite(margins[new]).sum())
        if self.settings.update == "frozen":
            return
        if self.settings.margins == "current":
            self._absorb_current(pairs, margins)
        elif (
            self.settings.update == "step" and new.any() and self.seen >= min(GROWTH * self._fitted_at, len(self.first))
        ):
            self._fit()

    def end_epoch(self) -> None:
        """Learn from what one pass over the data brought and no step has used: all of it with ``update="epoch"``."""
        if self.settings.margins == "first":
            # In steps, too: where some pairs are never trained on, ties say, the last ones seen are no tenth.
            if self.settings.update != "frozen" and self.seen > self._fitted_at:
                self._fit()
            return
        if self.settings.update != "epoch":
            return
        met = self._epoch_votes > 0
        self.log_odds[met] = clipped_logit(self._epoch_right[met] / self._epoch_votes[met])
        self._epoch_right[:], self._epoch_votes[:] = 0, 0

    def _absorb_current(self, pairs: Rows, margins: Floats) -> None:
        """Mean confidence of each annotator's votes in the step: mixed in at once [RE-PO eq. 7], or kept for later."""
        posterior = margins + self.evidence_for(pairs)
        entries, owner = self._entries(pairs)
        matrix = self.evidence.matrix
        weight = np.abs(matrix.data[entries])
        confidence = expit(np.sign(matrix.data[entries]) * posterior[owner])
        annotator = matrix.indices[entries]
        k = len(self.log_odds)
        right = np.bincount(annotator, weight * confidence, minlength=k).astype(np.float64)
        votes = np.bincount(annotator, weight, minlength=k).astype(np.float64)
        if self.settings.update == "epoch":
            self._epoch_right += right
            self._epoch_votes += votes
            return
        self._mix(right, votes)

    def informative(self) -> npt.NDArray[np.bool_]:
        """(M,) which pairs can tell something of their annotators: seen ones, and those with several votes."""
        return np.asarray(np.isfinite(self.first) | self._shared)

    def _fit(self) -> None:
        """EM over all informative pairs, from where the last one ended."""
        told = self.informative()
        margins = np.nan_to_num(self.first[told])
        if not (margins.any() or self._shared.any()):
            self._fitted_at = self.seen
            return
        self._learn(self.evidence.select(told).with_margin(margins), self.seen)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that a checkpoint must hold, as arrays."""
        return super().state() | {"first": self.first, "epoch": np.stack([self._epoch_right, self._epoch_votes])}

    def load(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Take up the ``state`` of an interrupted run on the same votes; BadInputError where the votes are others."""
        k, m = len(self.log_odds), len(self.first)
        found = len(state["log_odds"]), len(state["first"])
        if found != (k, m):
            raise BadInputError(
                f"the checkpoint's reliabilities are of {found[0]:,} annotators and {found[1]:,} pairs, "
                f"the data hold {k:,} and {m:,}",
                expected="the data that the checkpoint was made with",
            )
        super().load(state)
        self.first = state["first"].copy()
        self.seen = int(np.isfinite(self.first).sum())
        self._epoch_right, self._epoch_votes = state["epoch"][0].copy(), state["epoch"][1].copy()
