"""Beliefs of a training run on a stream, whose votes are known only once they arrive.

Every row of a stream is one vote on a pair of its own; a row that the stream repeats counts again. Annotators get their
codes in order of appearance. Everything else is as in ``running_beliefs``, on the votes seen so far. The work is linear in
the rows: votes are appended to arrays with room, and reliabilities are estimated again when a tenth more have come.

Which rows come from one judgement is not used. Every row is a pair of its own, so a confidence depends on its own margin
only, and the mean of confidences is right on average whether rows err together or not. Marks would give the prior more
weight, and make the test for votes that contradict the policy slower to stop.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from votewise.annotators.evidence import evidence_of
from votewise.arrays import Floats
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.inference.observation import clipped_logit
from votewise.train.growing import GrowingArray
from votewise.train.running_beliefs import GROWTH, BeliefSettings, RunningBeliefs

SOMEBODY = "everybody"
"""The annotator of rows that do not name one."""


class StreamedBeliefs(RunningBeliefs):
    """For votes of a stream what ``TrainingBeliefs`` is for known votes.

    Attributes:
        names: the K annotators seen so far.
        annotator: (n,) annotator of each vote seen so far.
        first: (n,) margin that the preferred answer is better, as it was when the vote was first seen.
        weight: (n,) how many votes each one counts for.
        counts: numbers of rows that have arrived, which are kept in checkpoints.
    """

    def __init__(self, settings: BeliefSettings) -> None:
        if settings.update == "epoch":
            raise BadInputError("reliability_update", value="epoch", expected="step or frozen for a stream")
        super().__init__(settings, 0)
        self.names: list[str] = []
        self.votes_of_each = np.empty(0)
        self.counts: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._code: dict[str, int] = {}
        self._known: dict[str, float] = {}
        self._annotator = GrowingArray(np.empty(0, np.int32))
        self._first, self._weight = GrowingArray(np.empty(0)), GrowingArray(np.empty(0))

    @property
    def seen(self) -> int:
        """Votes seen so far."""
        return len(self._first)

    @property
    def annotator(self) -> npt.NDArray[np.int32]:
        """(n,) annotator of each vote, as a code."""
        return self._annotator.values

    @property
    def first(self) -> Floats:
        """(n,) first-seen margin of each vote."""
        return self._first.values

    @property
    def weight(self) -> Floats:
        """(n,) weight of each vote."""
        return self._weight.values

    @property
    def log_odds(self) -> Floats:
        """(K,) logit of each annotator's reliability."""
        return self._log_odds.values

    @log_odds.setter
    def log_odds(self, values: Floats) -> None:
        self._log_odds = GrowingArray(values)

    @property
    def votes_of_each(self) -> Floats:
        """(K,) votes of each annotator, by weight."""
        return self._votes_of_each.values

    @votes_of_each.setter
    def votes_of_each(self, values: Floats) -> None:
        self._votes_of_each = GrowingArray(values)

    @property
    def votes(self) -> Votes:
        """The votes seen so far, without texts; BadInputError if there are none."""
        annotator, weight = self.annotator, self.weight
        return Votes.from_arrays(
            np.arange(len(annotator)),
            annotator,
            np.ones(len(annotator)),
            annotator_ids=self.names,
            weight=None if (weight == 1).all() else weight,
        )

    def start_at(self, reliability: dict[str, float]) -> None:
        """Start from known reliabilities by annotator, for example an audit's."""
        self._known = dict(reliability)

    def evidence_for(self, annotators: list[str], weights: Floats | None = None) -> Floats:
        """(B,) log-odds that each chosen answer is better, according to its one vote alone: weight times logit(eta)."""
        known = [self._code.get(name) for name in annotators]
        worth = np.array(
            [self._start(name) if k is None else self.log_odds[k] for name, k in zip(annotators, known, strict=True)]
        )
        return worth if weights is None else worth * weights

    def _start(self, name: str) -> float:
        return float(clipped_logit(np.asarray(self._known.get(name, self.settings.init))))

    def absorb(
        self,
        annotators: list[str],
        margins: Floats,
        residuals: Floats | None = None,
        weights: Floats | None = None,
    ) -> None:
        """Learn from one optimiser step.

        Args:
            annotators: (B,) who voted.
            margins: (B,) the policy's margins of the chosen answers.
            residuals: (B,) weighted squared errors, for squared losses.
            weights: (B,) how many votes each one counts for, above 0; None for one each.
        """
        new = [name for name in dict.fromkeys(annotators) if name not in self._code]
        self._code |= {name: len(self.names) + i for i, name in enumerate(new)}
        self.names += new
        self._log_odds.append([self._start(name) for name in new])
        self._votes_of_each.append(np.zeros(len(new)))
        codes = np.array([self._code[name] for name in annotators], np.int32)
        counted = np.ones(len(codes)) if weights is None else np.asarray(weights, np.float64)
        self._annotator.append(codes)
        self._first.append(margins)
        self._weight.append(counted)
        np.add.at(self.votes_of_each, codes, counted)
        self._track(residuals)
        self._filter(np.asarray(margins, np.float64))
        if self.settings.update == "frozen":
            return
        if self.settings.margins == "current":
            k = len(self.names)
            confidence = expit(margins + counted * self.log_odds[codes])
            right, votes = (
                np.bincount(codes, w, minlength=k).astype(np.float64) for w in (counted * confidence, counted)
            )
            self._mix(right, votes)
        elif self.seen >= GROWTH * self._fitted_at and margins.any():
            self._learn(evidence_of(self.votes, margins=self.first), self.seen)

    def end_epoch(self) -> None:
        """Nothing is left to learn."""

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that a checkpoint must hold, as arrays."""
        names = np.array(self.names, np.str_)
        seen: dict[str, npt.NDArray[Any]] = {"annotator": self.annotator, "first": self.first, "weight": self.weight}
        return super().state() | {"names": names, "counts": self.counts, **seen}

    def load(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Restore the ``state`` of an interrupted run; BadInputError if that was not on a stream."""
        if "names" not in state:
            raise BadInputError("the checkpoint is from a run on known votes", expected="one from a run on a stream")
        super().load(state)
        self.names = [str(name) for name in state["names"]]
        self._code = {name: i for i, name in enumerate(self.names)}
        self.counts = state.get("counts", self.counts)
        weight = state.get("weight", np.ones(len(state["first"])))
        self._annotator, self._first, self._weight = map(GrowingArray, (state["annotator"], state["first"], weight))
        self.votes_of_each = np.bincount(self.annotator, self.weight, minlength=len(self.names)).astype(np.float64)
