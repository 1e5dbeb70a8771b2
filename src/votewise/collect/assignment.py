"""Which pair an annotator gets next, as functions of arrays; a database or ``votewise.collect.campaign`` holds the arrays.

The pair that is least decided comes first, and a pair is finished when its posterior is sure or when it has all the votes
that it may have. Reliable annotators get more pairs, in proportion to (2 eta - 1)^2, and those who are hardly better than
chance get none. A few finished pairs get one further vote that changes no belief: ``votewise.collect.audited_accuracy``
learns from these audit votes how often the labels are right, whatever the posteriors claim.

A lease is a pair that somebody has and did not vote on yet. It counts as a vote to come, so that no pair gets too many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from votewise.arrays import Bools, Counted, Floats
from votewise.errors import BadInputError
from votewise.inference.observation import to_attentiveness

PairState = Literal["open", "sure", "contested", "closed"]


@dataclass(frozen=True)
class AssignmentRule:
    """How pairs are given out.

    Attributes:
        want: most votes a pair, audit votes apart. A pair that has them and is not sure is contested.
        sure: posterior probability from which a pair needs no further vote.
        fixed: give every pair ``want`` votes, whatever its posterior: fixed redundancy.
        weighted: give reliable annotators more pairs, in proportion to (2 eta - 1)^2; otherwise all get what they ask for.
        most_share: no annotator gets more than so many times a fair share, which is 1 / (number of active annotators).
        room: pairs that an annotator may be ahead of the share, so that everybody can begin.
        retire_below: annotators whose upper bound of reliability is below this get no more pairs; 0 retires nobody.
        audits: share of all votes that are audit votes, on average.

    Raises BadInputError for values out of range.
    """

    want: int = 12
    sure: float = 0.95
    fixed: bool = False
    weighted: bool = True
    most_share: float = 2.0
    room: int = 10
    retire_below: float = 0.62
    audits: float = 0.05

    def __post_init__(self) -> None:
        for name, valid, expected in (
            ("want", self.want >= 1, "at least 1"),
            ("sure", 0.5 < self.sure < 1, "a number between 0.5 and 1"),
            ("most_share", self.most_share >= 1, "at least 1"),
            ("room", self.room >= 1, "at least 1"),
            ("retire_below", 0 <= self.retire_below < 1, "a number from 0 to below 1"),
            ("audits", 0 <= self.audits < 0.5, "a number from 0 to below 0.5"),
        ):
            if not valid:
                raise BadInputError("out of range", parameter=name, value=getattr(self, name), expected=expected)

    @property
    def reads_beliefs(self) -> bool:
        """Whether beliefs change which pairs are given out; they do not under plain fixed redundancy."""
        return not self.fixed or self.weighted or self.retire_below > 0


@dataclass(frozen=True, eq=False)
class PairQueue:
    """What is known about M pairs when somebody asks for one.

    Attributes:
        log_odds: (M,) that response_a is truly better.
        votes: (M,) votes, ties included, audit votes left out.
        leases: (M,) votes to come, audit votes left out.
        audit: (M,) whether the pair waits for an audit vote: it was drawn, and nobody has it or voted on it.
        order: (M,) which of equally undecided pairs comes first: distinct numbers in [0, 1), the lowest first.
    """

    log_odds: Floats
    votes: Counted
    leases: Counted
    audit: Bools
    order: Floats


@dataclass(frozen=True)
class Assignment:
    """A pair that an annotator is to vote on, and whether the vote is an audit vote."""

    pair: int
    purpose: Literal["main", "audit"]


def pair_states(rule: AssignmentRule, log_odds: Floats, votes: Counted) -> npt.NDArray[np.str_]:
    """(M,) ``open``, ``sure``, ``contested`` or, with fixed redundancy, ``closed``."""
    full = votes >= rule.want
    if rule.fixed:
        return np.where(full, "closed", "open")
    return np.where(_is_sure(rule, log_odds), "sure", np.where(full, "contested", "open"))


def choose_pair(
    rule: AssignmentRule, queue: PairQueue, seen: Bools | Counted, step: float, *, auditor: bool
) -> Assignment | None:
    """The pair that an annotator gets next; None if there is nothing to do for this annotator now.

    A pair is not given if those who have it would make it sure by agreeing: they are waited for.

    Args:
        rule: how pairs are given out.
        queue: the pairs.
        seen: (M,) True for, or the numbers of, the pairs that the annotator ever had.
        step: the log-odds that a mean vote adds, see ``mean_step``.
        auditor: whether the annotator may get a pair for an audit vote, see ``auditors``.
    """
    if auditor and queue.audit.any():
        waiting = queue.audit.copy()
        waiting[seen] = False
        if waiting.any():
            return Assignment(int(np.argmax(waiting)), "audit")
    promised = queue.votes + queue.leases
    if rule.fixed:
        key, limit = promised.astype(np.float64), np.inf
    else:
        key, limit = np.abs(queue.log_odds), float(logit(rule.sure))
        key += step * queue.leases
    key[promised >= rule.want] = np.inf
    key[seen] = np.inf
    lowest = key.min()
    if not lowest < limit:
        return None
    least = np.flatnonzero(key <= lowest + 1e-9)
    return Assignment(int(least[np.argmin(queue.order[least])]), "main")


def mean_step(reliability: Floats, active: Bools) -> float:
    """The log-odds that one more vote adds, on average over active annotators: mean |logit(eta)|; 0 without any."""
    return float(np.abs(logit(np.clip(reliability[active], 0.01, 0.99))).mean()) if active.any() else 0.0


def is_active(rule: AssignmentRule, upper: Floats) -> Bools:
    """(K,) whether each annotator still gets pairs; ``upper`` (K,) are the upper bounds of the reliabilities."""
    return np.asarray(upper >= rule.retire_below)


def shares(rule: AssignmentRule, reliability: Floats, active: Bools) -> Floats:
    """(K,) share of all pairs that each annotator is to get; 0 for those who are not active, else at most the limit.

    What is beyond the limit goes to the others, in proportion; and evenly if all weights are 0.
    """
    found = np.zeros(len(reliability))
    people = np.flatnonzero(active)
    if len(people) == 0:
        return found
    most = min(rule.most_share / len(people), 1.0)
    weight = to_attentiveness(reliability[people]) ** 2
    share, free = np.zeros(len(people)), np.ones(len(people), bool)
    left = 1.0
    while left > 1e-12 and free.any():
        total = weight[free].sum()
        part = left * weight[free] / total if total > 1e-12 else np.full(free.sum(), left / free.sum())
        beyond = part > most
        if not beyond.any():
            share[free] = part
            break
        at_limit = np.flatnonzero(free)[beyond]
        share[at_limit] = most
        free[at_limit] = False
        left = 1.0 - share.sum()
    found[people] = np.minimum(share, most)
    return found


def has_room(rule: AssignmentRule, given: Counted, share: Floats, active: Bools, *, late: bool = False) -> Bools:
    """(K,) whether each annotator may get a pair now.

    Args:
        rule: how pairs are given out.
        given: (K,) pairs that each annotator has had.
        share: (K,) from ``shares``.
        active: (K,) from ``is_active``.
        late: those whose turn it is do not come, or have seen what is left: only the limit of ``rule.most_share`` holds.
    """
    if not rule.weighted:
        return active.copy()
    if late:
        share = np.full(len(share), min(rule.most_share / max(active.sum(), 1), 1.0))
    return np.asarray(active & (given < rule.room + share * given.sum()))


def auditors(reliability: Floats, active: Bools) -> Bools:
    """(K,) who gets audit votes: the more reliable half of the active annotators, whose votes say more."""
    if not active.any():
        return active.copy()
    return np.asarray(active & (reliability >= np.median(reliability[active])))


def audit_propensity(rule: AssignmentRule, votes: Counted) -> Floats:
    """(n,) probability that finished pairs are drawn for an audit vote, by the votes they have.

    In proportion to the votes, so that the share of audit votes is ``rule.audits`` and pairs that were hard to decide are
    looked at more often. A pair that its margin alone decided counts as one with one vote.
    """
    return np.asarray(np.minimum(1.0, np.maximum(votes, 1) * rule.audits / (1 - rule.audits)))


def draw_audits(rule: AssignmentRule, votes: Counted, rng: np.random.Generator) -> tuple[Bools, Floats]:
    """Draw which of n pairs that have just been finished get an audit vote; keep both arrays.

    Args:
        rule: how pairs are given out.
        votes: (n,) votes on each of them.
        rng: source of randomness.

    Returns:
        (n,) whether each is drawn, and (n,) the probability with which it was.
    """
    propensity = audit_propensity(rule, votes)
    return rng.random(len(votes)) < propensity, propensity


def _is_sure(rule: AssignmentRule, log_odds: Floats) -> Bools:
    return np.asarray(np.abs(log_odds) >= logit(rule.sure))
