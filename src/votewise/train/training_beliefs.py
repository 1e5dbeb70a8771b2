"""Beliefs of a training run on votes that are all known before it starts; how they are learnt: ``running_beliefs``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from votewise.annotators.evidence import evidence_of
from votewise.arrays import Floats
from votewise.data.votes import Votes
from votewise.errors import BadInputError, many
from votewise.inference.observation import clipped_logit
from votewise.train.running_beliefs import GROWTH, BeliefSettings, RunningBeliefs
from votewise.train.shared_errors import ErringTogether

Rows = npt.NDArray[np.int64]


class TrainingBeliefs(RunningBeliefs):
    """Reliabilities and margins of a training run on known votes. Mutable: ``absorb`` learns from each step.

    Attributes:
        votes: n votes by K annotators on M pairs.
        first: (M,) first-seen margin of each pair that response_a is better; NaN for pairs not seen yet.
        seen: pairs seen so far.
    """

    def __init__(
        self, votes: Votes, settings: BeliefSettings | None = None, together: ErringTogether | None = None
    ) -> None:
        super().__init__(settings or BeliefSettings(), votes.n_annotators)
        self.together = together
        self.votes = votes
        self.first: Floats = np.full(votes.n_pairs, np.nan)
        self.seen = 0
        cast = (votes.sign != 0) * (1.0 if votes.weight is None else votes.weight)
        self.votes_of_each = np.bincount(votes.annotator, cast, minlength=votes.n_annotators).astype(np.float64)
        self._arrange()
        self._epoch_right, self._epoch_votes = np.zeros(votes.n_annotators), np.zeros(votes.n_annotators)
        if self.settings.margins == "first" and self.settings.update != "frozen" and self._shared.any():
            self._fit()

    def _arrange(self) -> None:
        """The votes as evidence, as the groups want it."""
        self.evidence = evidence_of(self.votes, margins=np.zeros(self.votes.n_pairs))
        self._grouped = None
        if self.together is not None:
            self.evidence = self.together.counted(self.evidence)
            self._grouped = self.together.arranged(self.evidence)
        self._votes_for_a: Floats = self.evidence.matrix @ np.ones(self.votes.n_annotators)
        self._shared = np.diff(self.evidence.matrix.indptr) > 1

    def start_at(self, reliability: Floats) -> None:
        """Start from known reliabilities (K,), for example an audit's; NaN for an annotator of whom nothing is known."""
        known = np.isfinite(reliability)
        self.log_odds[known] = clipped_logit(reliability[known])
        self._started = True

    def evidence_for(self, pairs: Rows) -> Floats:
        """(B,) log-odds that response_a of each pair is better according to its votes alone.

        That is sum_j v_j logit(eta_j); where annotators err together, log L(+) - log L(-) of their votes.
        """
        if self.together is not None and self._grouped is not None:
            return self.together.evidence_for(self._grouped, self.log_odds, np.asarray(pairs, np.int64))
        entries, owner = self._entries(pairs)
        matrix = self.evidence.matrix
        worth = matrix.data[entries] * self.log_odds[matrix.indices[entries]]
        return np.bincount(owner, worth, minlength=len(pairs)).astype(np.float64)

    def _entries(self, pairs: Rows) -> tuple[Rows, Rows]:
        """The votes on these pairs: their positions in the matrix, and which of ``pairs`` each belongs to."""
        starts = self.evidence.matrix.indptr[pairs].astype(np.int64)
        number = self.evidence.matrix.indptr[pairs + 1] - starts
        owner = np.repeat(np.arange(len(pairs)), number)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(number) - number, number)
        return starts[owner] + within, owner

    def absorb(self, pairs: Rows, margins: Floats, residuals: Floats | None = None) -> None:
        """Learn from one optimiser step.

        Args:
            pairs: (B,) the pairs of the step, from all ranks and micro-batches, in any order.
            margins: (B,) the policy's margins that response_a is better, as they were in this step.
            residuals: (B,) weighted squared errors, for squared losses.

        Raises:
            WorseThanChanceError: see ``BeliefSettings.allow_worse_than_chance``.
        """
        # Sorted, so the result does not depend on the ranks; a pair repeated to fill the last batch counts once.
        pairs, where = np.unique(pairs, return_index=True)
        margins = margins[where]
        self._track(None if residuals is None else residuals[where])
        new = np.isnan(self.first[pairs])
        self.first[pairs[new]] = margins[new]
        self.seen += int(np.isfinite(margins[new]).sum())
        side = np.sign(self._votes_for_a[pairs[new]])
        self._filter((side * margins[new])[side != 0])
        if self.settings.update == "frozen":
            return
        if self.settings.margins == "current":
            self._absorb_current(pairs, margins)
        elif (
            self.settings.update == "step" and new.any() and self.seen >= min(GROWTH * self._fitted_at, len(self.first))
        ):
            self._fit()

    def end_epoch(self) -> None:
        """Learn from what the epoch's steps have not used yet: everything with ``update="epoch"``."""
        if self.settings.margins == "first":
            # Also with updates in steps: the last pairs of an epoch may be too few for another estimate.
            if self.settings.update != "frozen" and self.seen > self._fitted_at:
                self._fit()
            return
        if self.settings.update != "epoch":
            return
        met = self._epoch_votes > 0
        self.log_odds[met] = clipped_logit(self._epoch_right[met] / self._epoch_votes[met])
        self._epoch_right[:], self._epoch_votes[:] = 0, 0

    def _absorb_current(self, pairs: Rows, margins: Floats) -> None:
        """Learn from the mean confidence in each annotator's votes: now [RE-PO eq. 7], or at the end of the epoch."""
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
        """(M,) which pairs say something about their annotators: those seen, and those with several votes."""
        return np.asarray(np.isfinite(self.first) | self._shared)

    def _fit(self) -> None:
        """EM over all informative pairs, started from the last estimate."""
        informative = self.informative()
        margins = np.nan_to_num(self.first[informative])
        if not (margins.any() or self._shared.any()):
            self._fitted_at = self.seen
            return
        evidence = self.evidence.select(informative).with_margin(margins)
        self._learn(evidence, self.seen, self.together if self._grouped is not None else None)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that a checkpoint must hold, as arrays."""
        together = self.together
        group = np.full(len(self.log_odds), -1, np.int32) if together is None else together.group
        return super().state() | {
            "first": self.first,
            "epoch": np.stack([self._epoch_right, self._epoch_votes]),
            "group": group,
            "shares": np.zeros(0) if together is None else together.r,
        }

    def load(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Restore the ``state`` of an interrupted run; BadInputError if it was on other votes, or with other groups."""
        k, m = len(self.log_odds), len(self.first)
        found = len(state["log_odds"]), len(state["first"])
        if found != (k, m):
            raise BadInputError(
                f"the checkpoint has {many(found[0], 'annotator')} and {many(found[1], 'pair')}, "
                f"the data have {k:,} and {m:,}",
                expected="the data that the checkpoint was made with",
            )
        if "group" in state:  # checkpoints of earlier versions say nothing of groups
            self._load_groups(state["group"], state["shares"])
        super().load(state)
        self.first = state["first"].copy()
        self.seen = int(np.isfinite(self.first).sum())
        self._epoch_right, self._epoch_votes = state["epoch"][0].copy(), state["epoch"][1].copy()

    def _load_groups(self, group: npt.NDArray[Any], shares: Floats) -> None:
        """Take r of each group from a checkpoint: found again, it may differ in its last digits, or by the version."""
        own = np.full(len(group), -1) if self.together is None else self.together.group
        if not np.array_equal(_numbered(group), _numbered(own)):
            raise BadInputError(
                f"the checkpoint has {_said(group)}, and this run has {_said(own)}",
                parameter="groups",
                expected="the groups, or the audit, that the checkpoint was made with",
            )
        if self.together is not None and not np.array_equal(shares, self.together.r):
            self.together = replace(self.together, group=group.astype(np.int32), r=shares.astype(np.float64))
            self._arrange()


def _numbered(group: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Codes of groups in the order in which annotators have them, -1 for none: equal where the groups are."""
    names, first, code = np.unique(group, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(np.where(names < 0, len(group), first)))
    return np.where(group < 0, -1, order[code])


def _said(group: npt.NDArray[Any]) -> str:
    members = int((group >= 0).sum())
    if members == 0:
        return "no groups of annotators who err together"
    return f"{many(len(np.unique(group[group >= 0])), 'group')} of {many(members, 'annotator')} who err together"
