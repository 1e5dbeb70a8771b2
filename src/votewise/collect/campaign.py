"""A campaign in memory: annotators ask for pairs, vote, or give a pair back.

It puts ``assignment``, ``pair_beliefs`` and ``audited_accuracy`` together in the order in which a service has to call
them. It keeps what a database would keep, and knows nothing of time: whoever holds it gives leases back that ran out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from votewise.arrays import Counted, Floats
from votewise.collect.assignment import (
    Assignment,
    AssignmentRule,
    PairQueue,
    auditors,
    choose_pair,
    draw_audits,
    has_room,
    is_active,
    mean_step,
    pair_states,
    shares,
)
from votewise.collect.audited_accuracy import AuditedAccuracy, AuditVotes, audited_accuracy
from votewise.collect.pair_beliefs import PairBeliefs
from votewise.errors import BadInputError

LEAST_AUDITOR = 0.65
"""Least reliability of an audit vote that is used: of others, too little is learnt."""


@dataclass(frozen=True)
class CampaignVote:
    """One vote: whose, on which pair, what it says (+1, -1, or 0 for a tie), and what for."""

    annotator: int
    pair: int
    sign: int
    purpose: str


class Campaign:
    """M pairs, K annotators, and who has which pair.

    Attributes:
        rule: how pairs are given out.
        beliefs: what is believed now.
        votes: all votes, in order.
        seen: (K, M) which pairs each annotator ever had.
        given: (K,) how many that were.
        counts, leases: (M,) votes and votes to come, audit votes left out.
        drawn: (M,) which pairs were drawn for an audit vote.
        propensity: (M,) probability with which each was; NaN for pairs that have never been finished.
        waiting: (M,) which of the drawn pairs nobody has or has voted on yet.
    """

    def __init__(
        self, rule: AssignmentRule, pairs: int, annotators: int, *, seed: int = 0, margins: Floats | None = None
    ) -> None:
        """Begin.

        Args:
            rule: how pairs are given out.
            pairs: number M of pairs.
            annotators: number K of annotators.
            seed: seed of the order of pairs and of the draws of audits.
            margins: (M,) log-odds that response_a is truly better, before any vote; 0 by default.
        """
        if pairs < 1 or annotators < 1:
            raise BadInputError(f"{pairs} pairs, {annotators} annotators", expected="at least one of each")
        margins = np.zeros(pairs) if margins is None else np.asarray(margins, np.float64)
        if margins.shape != (pairs,) or not np.isfinite(margins).all():
            raise BadInputError("margins", value=margins.shape, expected=f"{pairs} finite numbers")
        self.rule = rule
        self.beliefs = PairBeliefs.before_votes(margins, annotators)
        self.votes: list[CampaignVote] = []
        self.seen = np.zeros((annotators, pairs), bool)
        self.given = np.zeros(annotators, np.int64)
        self.counts = np.zeros(pairs, np.int64)
        self.leases = np.zeros(pairs, np.int64)
        self.drawn = np.zeros(pairs, bool)
        self.propensity = np.full(pairs, np.nan)
        self.waiting = np.zeros(pairs, bool)
        self._rng = np.random.default_rng(seed)
        self._order = self._rng.permutation(pairs) / pairs
        self._open: dict[tuple[int, int], Assignment] = {}
        self._main: tuple[list[int], list[int], list[int]] = ([], [], [])
        self._judge()
        self._finish(np.arange(pairs))

    @property
    def states(self) -> list[str]:
        """The state of every pair."""
        found: list[str] = pair_states(self.rule, self.beliefs.log_odds, self.counts).tolist()
        return found

    def ask(self, annotator: int, *, late: bool = False) -> Assignment | None:
        """Give an annotator the next pair, or None; ``late`` as in ``votewise.collect.assignment.has_room``."""
        if not has_room(self.rule, self.given, self._share, self.active, late=late)[annotator]:
            return None
        queue = PairQueue(self.beliefs.log_odds, self.counts, self.leases, self.waiting, self._order)
        auditor = bool(self._auditor[annotator] or (late and self._trusted[annotator]))
        found = choose_pair(self.rule, queue, self.seen[annotator], self._step, auditor=auditor)
        if found is None:
            return None
        self._open[annotator, found.pair] = found
        self.seen[annotator, found.pair] = True
        self.given[annotator] += 1
        if found.purpose == "main":
            self.leases[found.pair] += 1
        else:
            self.waiting[found.pair] = False
        return found

    def vote(self, annotator: int, pair: int, sign: int) -> None:
        """Count a vote (+1, -1, or 0 for a tie) of an annotator who has the pair; BadInputError for anybody else."""
        purpose = self._end(annotator, pair).purpose
        self.votes.append(CampaignVote(annotator, pair, sign, purpose))
        if purpose == "audit":
            return
        self.leases[pair] -= 1
        self.counts[pair] += 1
        for kept, value in zip(self._main, (pair, annotator, sign), strict=True):
            kept.append(value)
        if self.rule.reads_beliefs and self.beliefs.wants_refit(len(self._main[0])):
            self.refit()
        else:
            one = np.array([pair], np.int32), np.array([annotator], np.int32), np.array([sign], np.int8)
            self.beliefs = self.beliefs.with_votes(*one)
            self._finish(np.array([pair]))

    def give_back(self, annotator: int, pair: int) -> None:
        """End a lease without a vote. The annotator does not get the pair again."""
        if self._end(annotator, pair).purpose == "main":
            self.leases[pair] -= 1
        else:
            self.waiting[pair] = True

    def refit(self) -> None:
        """Fit reliabilities to all votes so far, audit votes left out."""
        pair, annotator, sign = self._main
        if pair:
            arrays = np.array(pair, np.int32), np.array(annotator, np.int32), np.array(sign, np.int8)
            self.beliefs = self.beliefs.refitted(*arrays)
            self._judge()
            self._finish(np.arange(len(self.counts)))

    def accuracy(self, *, level: float = 0.95) -> AuditedAccuracy:
        """How often the labels of finished pairs are right: what audit votes say, and what posteriors claim."""
        log_odds = self.beliefs.log_odds
        finished = np.isfinite(self.propensity)
        used = [vote for vote in self.votes if vote.purpose == "audit" and vote.sign != 0]
        used = [vote for vote in used if self.beliefs.reliability[vote.annotator] >= LEAST_AUDITOR]
        pair = np.array([vote.pair for vote in used], np.int32)
        audits = AuditVotes(
            agrees=np.array([vote.sign for vote in used], np.int8) * np.sign(log_odds[pair]).astype(np.int8),
            propensity=self.propensity[pair],
            annotator=np.array([vote.annotator for vote in used], np.int32),
            reliability=self.beliefs.reliability,
            # An interval of 95% has 2 * 1.96 standard errors.
            error=(self.beliefs.high - self.beliefs.low) / 3.92,
        )
        claimed = expit(np.abs(log_odds[finished]))
        return audited_accuracy(audits, float(claimed.mean()) if len(claimed) else float("nan"), level=level)

    def _end(self, annotator: int, pair: int) -> Assignment:
        found = self._open.pop((annotator, pair), None)
        if found is None:
            raise BadInputError(f"annotator {annotator} does not have pair {pair}", expected="a pair from ask()")
        return found

    def _judge(self) -> None:
        """What follows from the reliabilities."""
        reliability = self.beliefs.reliability
        self.active = is_active(self.rule, self.beliefs.high)
        self._share = shares(self.rule, reliability, self.active)
        self._step = mean_step(reliability, self.active)
        self._auditor = auditors(reliability, self.active) & (reliability >= LEAST_AUDITOR)
        self._trusted = self.active & (reliability >= LEAST_AUDITOR)

    def _finish(self, pairs: Counted) -> None:
        """Draw audits among those of the pairs that are finished for the first time."""
        states = pair_states(self.rule, self.beliefs.log_odds[pairs], self.counts[pairs])
        new = pairs[(states != "open") & np.isnan(self.propensity[pairs])]
        if len(new):
            drawn, self.propensity[new] = draw_audits(self.rule, self.counts[new], self._rng)
            self.drawn[new] = self.waiting[new] = drawn
