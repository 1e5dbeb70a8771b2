"""Annotators who err together: within a group, votes on one pair share a part of their error.

    P(k right | c) = Phi((Phi^-1(eta_k) + sqrt(r) c) / sqrt(1 - r)),    c ~ N(0, 1) for each pair and group

so that a vote alone is right with probability eta_k whatever r is, and at r = 0 this is the observation model. c is summed
over a few Gauss-Hermite nodes. Given the truth, groups are independent, so a group's votes on a pair add log L(+) - log L(-)
to its log-odds, L(t) = sum over c of the product of the votes' probabilities.

EM sums over truth and c. With a_kq, b_kq the expected right and wrong votes of annotator k at node q, the M-step maximises

    sum_q a_kq log Phi(u_kq) + b_kq log Phi(-u_kq) + right_k log eta_k + wrong_k log(1 - eta_k)

over z_k = Phi^-1(eta_k), u the argument of Phi above; right and wrong hold the votes that share no error, and the prior's.
It is concave in z_k, and needs tables of annotators by nodes, not votes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.special import expit, log_ndtr, ndtri

from votewise.arrays import Floats, Ints
from votewise.inference.observation import EDGE, Evidence, clipped_logit, log_cosh2

NODES = 11
"""Values of the shared error."""

LARGEST_SHARE = 0.9
"""Largest r: there, summing over 11 nodes moves a reliability by 0.012 at most, beyond it by far more."""

NEWTON_STEPS, HALVINGS = 3, 12
"""Newton steps of one M-step, and how often one of them is halved until it helps."""

_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


@cache
def shared_error_nodes() -> tuple[Floats, Floats]:
    """(Q,) values of the shared error c and (Q,) logs of their probabilities."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return nodes, np.log(weights / weights.sum())


@dataclass(frozen=True, eq=False)
class GroupedVotes:
    """Votes, and which of them share an error.

    A block is what one group said about one pair, if it is two votes or more. Blocks in which the same annotators said
    the same are one pattern, and are computed once: six judges have at most 64.

    Attributes:
        evidence: all votes.
        group: (K,) code of each annotator's group, -1 for none.
        groups: G, their number.
        alone: (M, K) sparse, the signed votes in no block.
        alone_counts: (K,) their weighted number per annotator.
        signed: (U, K) sparse, the signed votes of each pattern.
        size: (U, K) sparse, the same without signs.
        pattern: (B,) code of each block's pattern.
        pair: (B,) code of each block's pair.
        block: (n,) code of the block of each vote, -1 for none.
    """

    evidence: Evidence
    group: Ints
    groups: int
    alone: Any = field(repr=False)
    alone_counts: Floats = field(repr=False)
    signed: Any = field(repr=False)
    size: Any = field(repr=False)
    pattern: npt.NDArray[np.int64] = field(repr=False)
    pair: npt.NDArray[np.int64] = field(repr=False)
    block: npt.NDArray[np.int64] = field(repr=False)

    @classmethod
    def of(cls, evidence: Evidence, group: Ints) -> GroupedVotes:
        """Arrange ``evidence``, whose annotators are in the groups ``group`` (K,), -1 for none."""
        k, m, groups = len(evidence.counts), len(evidence.margin), int(group.max(initial=-1)) + 1
        of_vote = group[evidence.annotator].astype(np.int64)
        key = np.where(of_vote >= 0, evidence.pair.astype(np.int64) * max(groups, 1) + of_vote, -1)
        inside = np.flatnonzero(key >= 0)
        number = np.bincount(key[inside], minlength=m * max(groups, 1))
        inside = inside[number[key[inside]] > 1]
        block = np.full(len(key), -1, np.int64)
        names = np.flatnonzero(number > 1)
        code = np.zeros(len(number), np.int64)
        code[names] = np.arange(len(names))
        block[inside] = code[key[inside]]
        value = evidence.sign.astype(np.float64)
        value = value if evidence.weight is None else value * evidence.weight
        outside = block < 0
        alone = csr_matrix((value[outside], (evidence.pair[outside], evidence.annotator[outside])), shape=(m, k))
        alone_counts = np.bincount(evidence.annotator[outside], np.abs(value[outside]), minlength=k)
        order = inside[np.argsort(block[inside], kind="stable")]
        pattern, first = _patterns(block[order], evidence.annotator[order], value[order])
        chosen = order[first[pattern[block[order]]] == block[order]]
        where = (pattern[block[chosen]], evidence.annotator[chosen])
        shape = (len(first), k)
        signed = csr_matrix((value[chosen], where), shape=shape)
        size = csr_matrix((np.abs(value[chosen]), where), shape=shape)
        pair = names // max(groups, 1)
        return cls(evidence, group, groups, alone, alone_counts.astype(np.float64), signed, size, pattern, pair, block)

    @cached_property
    def shared_votes(self) -> Floats:
        """(G,) weighted number of votes of each group that share their pair with another vote of it."""
        inside = self.block >= 0
        of = self.group[self.evidence.annotator[inside]]
        weight = None if self.evidence.weight is None else self.evidence.weight[inside]
        return np.bincount(of, weight, minlength=self.groups).astype(np.float64)

    @cached_property
    def transposed(self) -> tuple[Any, Any]:
        """``signed`` and ``size``, transposed: (K, U)."""
        return csr_matrix(self.signed.T), csr_matrix(self.size.T)

    @cached_property
    def members(self) -> npt.NDArray[np.int64]:
        """Codes of the annotators who have a vote in a block."""
        return np.unique(self.evidence.annotator[self.block >= 0]).astype(np.int64)


def _patterns(
    block: npt.NDArray[np.int64], annotator: Ints, value: Floats
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(B,) code of each block's pattern and (U,) one block of each; the votes are sorted by block."""
    if len(block) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    if not (np.abs(value) == 1).all():  # blocks that also differ in weights seldom repeat
        each = np.arange(block[-1] + 1)
        return each, each
    # Two patterns have equal sums with a probability of 2^-64, for a million of them 3 in 100 million.
    draws = np.random.default_rng(0).integers(0, 2**64, (int(annotator.max()) + 1, 2), dtype=np.uint64)
    with np.errstate(over="ignore"):
        of_vote = draws[annotator, (value > 0).astype(np.int64)]
        sums = np.add.reduceat(of_vote, np.flatnonzero(np.diff(block, prepend=-1)))
    _, first, code = np.unique(sums, return_index=True, return_inverse=True)
    return code.astype(np.int64), first.astype(np.int64)


@dataclass(frozen=True, eq=False)
class SharedErrors:
    """What the E-step finds at one point.

    Attributes:
        posterior: (M,) log-odds that +1 is truly better.
        log_likelihood: of the votes, with truth and shared errors summed out, in nats.
        plus, minus: (U,) log-probability of each pattern where +1, or -1, is truly better.
        errors_plus, errors_minus: (U, Q) probability of each node then, given the pattern.
    """

    posterior: Floats
    log_likelihood: float
    plus: Floats = field(repr=False)
    minus: Floats = field(repr=False)
    errors_plus: Floats = field(repr=False)
    errors_minus: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class ExpectedVotes:
    """Expected votes: ``alone`` (K,) right ones in no block; (K, Q) ``right`` and ``wrong`` ones in blocks, by node."""

    alone: Floats
    right: Floats
    wrong: Floats


def scores_at_nodes(log_odds: Floats, share: Floats) -> Floats:
    """(K, Q) u, the normal score of a right vote; ``log_odds`` (K,) = logit(eta), ``share`` (K,) = r of each."""
    nodes, _ = shared_error_nodes()
    z = ndtri(np.clip(expit(log_odds), EDGE, 1 - EDGE))
    return np.asarray((z[:, None] + np.sqrt(share)[:, None] * nodes) / np.sqrt(1 - share)[:, None])


def shares_of(votes: GroupedVotes, r: Floats) -> Floats:
    """(K,) r of each annotator's group, 0 for those in none; ``r`` (G,)."""
    return np.append(r, 0.0)[votes.group]


def expect_errors(votes: GroupedVotes, log_odds: Floats, r: Floats, temperature: float = 1.0) -> SharedErrors:
    """E-step: the truth of each pair and the shared error of each block.

    Args:
        votes: the votes and their groups.
        log_odds: (K,) logit of each reliability.
        r: (G,) share of each group's error that is common to its votes on one pair, in [0, ``LARGEST_SHARE``].
        temperature: factor on margins.
    """
    evidence = votes.evidence
    u = scores_at_nodes(log_odds, shares_of(votes, r))
    log_right, log_wrong = log_ndtr(u), log_ndtr(-u)
    middle = np.asarray(votes.size @ ((log_right + log_wrong) / 2)) + shared_error_nodes()[1]
    half = np.asarray(votes.signed @ ((log_right - log_wrong) / 2))
    (plus, errors_plus), (minus, errors_minus) = sum_out(middle + half), sum_out(middle - half)
    margin = temperature * evidence.margin
    posterior = np.asarray(votes.alone @ log_odds) + margin
    posterior += np.bincount(votes.pair, (plus - minus)[votes.pattern], minlength=len(posterior))
    likelihood = log_cosh2(posterior).sum() - log_cosh2(margin).sum() - (votes.alone_counts * log_cosh2(log_odds)).sum()
    likelihood += ((plus + minus)[votes.pattern] / 2).sum()
    return SharedErrors(posterior, float(likelihood), plus, minus, errors_plus, errors_minus)


def expected_votes(votes: GroupedVotes, found: SharedErrors) -> ExpectedVotes:
    """The sufficient statistics of the M-step."""
    alone = 0.5 * (votes.alone.T @ np.tanh(found.posterior / 2) + votes.alone_counts)
    p = expit(found.posterior)[votes.pair]
    number = len(found.plus)
    if_plus = np.bincount(votes.pattern, p, minlength=number)[:, None] * found.errors_plus
    if_minus = np.bincount(votes.pattern, 1 - p, minlength=number)[:, None] * found.errors_minus
    signed, size = votes.transposed
    both, gap = np.asarray(size @ (if_plus + if_minus)), np.asarray(signed @ (if_plus - if_minus))
    return ExpectedVotes(np.asarray(alone), np.maximum(both + gap, 0) / 2, np.maximum(both - gap, 0) / 2)


def score(u: Floats) -> Floats:
    """The slope of log Phi at u: the hazard phi(u) / Phi(u), without underflow."""
    return np.asarray(np.exp(-0.5 * u * u - _HALF_LOG_2PI - log_ndtr(u)))


def most_likely_log_odds(
    log_odds: Floats, share: Floats, expected: ExpectedVotes, pull: tuple[Floats, Floats], alone: Floats
) -> Floats:
    """M-step: (K,) logits of the reliabilities that maximise the expected log-posterior, by safeguarded Newton steps.

    Args:
        log_odds: (K,) where to begin.
        share: (K,) r of each annotator's group, 0 for none.
        expected: expected votes of these K annotators.
        pull: (K,) right and (K,) wrong votes that the prior counts for.
        alone: (K,) weighted number of votes in no block.
    """
    right, wrong = expected.alone + pull[0], alone - expected.alone + pull[1]
    together = expected.right.sum(axis=1) + expected.wrong.sum(axis=1)
    number = right + wrong
    with np.errstate(invalid="ignore", divide="ignore"):
        closed = np.where(number > 0, clipped_logit(right / number), log_odds)
    closed = np.where(
        (share == 0) & (number + together > 0),
        clipped_logit((right + expected.right.sum(axis=1)) / np.maximum(number + together, 1e-300)),
        closed,
    )
    inside = np.flatnonzero((together > 0) & (share > 0))
    if len(inside) == 0:
        return np.asarray(closed)
    tables = expected.right[inside], expected.wrong[inside]
    closed[inside] = _climb(log_odds[inside], share[inside], tables, right[inside], wrong[inside])
    return np.asarray(closed)


def _climb(log_odds: Floats, share: Floats, tables: tuple[Floats, Floats], right: Floats, wrong: Floats) -> Floats:
    nodes, _ = shared_error_nodes()
    scale, shift = 1 / np.sqrt(1 - share), np.sqrt(share / (1 - share))[:, None] * nodes
    most = ndtri(1 - EDGE)

    def value(z: Floats) -> Floats:
        u = scale[:, None] * z[:, None] + shift
        found = (tables[0] * log_ndtr(u) + tables[1] * log_ndtr(-u)).sum(axis=1)
        return np.asarray(found + right * log_ndtr(z) + wrong * log_ndtr(-z))

    z = ndtri(np.clip(expit(log_odds), EDGE, 1 - EDGE))
    now = value(z)
    for _ in range(NEWTON_STEPS):
        u = scale[:, None] * z[:, None] + shift
        up, down = score(u), score(-u)
        own_up, own_down = score(z), score(-z)
        slope = scale * (tables[0] * up - tables[1] * down).sum(axis=1) + right * own_up - wrong * own_down
        bend = scale**2 * (tables[0] * up * (up + u) + tables[1] * down * (down - u)).sum(axis=1)
        bend += right * own_up * (own_up + z) + wrong * own_down * (own_down - z)
        move = np.clip(slope / np.maximum(bend, 1e-12), -1.0, 1.0)
        for _ in range(HALVINGS):
            trial = np.clip(z + move, -most, most)
            new = value(trial)
            worse = new < now
            if not worse.any():
                break
            move = np.where(worse, move / 2, move)
        z, now = np.where(worse, z, trial), np.where(worse, now, new)
        if np.abs(move).max() < 1e-7:
            break
    # log_ndtr keeps both tails, where 1 - Phi(z) would lose one.
    return np.asarray(log_ndtr(z) - log_ndtr(-z))


def error_correlation(log_odds: Floats, r: float) -> float:
    """Mean correlation of the errors of two annotators of one group, over all couples; ``log_odds`` (J,) of its members."""
    if len(log_odds) < 2:
        return 0.0
    weight = np.exp(shared_error_nodes()[1])
    right = np.exp(log_ndtr(scores_at_nodes(log_odds, np.full(len(log_odds), r))))
    mean = right @ weight
    spread = (right - mean[:, None]) / np.sqrt(mean * (1 - mean))[:, None]
    total, own = np.square(spread.sum(axis=0)) @ weight, (np.square(spread) @ weight).sum()
    return float((total - own) / (len(log_odds) * (len(log_odds) - 1)))


def effective_number(members: int, correlation: float) -> float:
    """How many independent annotators ``members`` with this correlation of errors are worth: J / (1 + (J - 1) phi)."""
    return members / (1 + (members - 1) * max(correlation, 0.0))


def sum_out(log_joint: Floats) -> tuple[Floats, Floats]:
    """(U,) log of the sum over nodes of (U, Q) log-probabilities, and (U, Q) the share of each node in it."""
    top = log_joint.max(axis=1, keepdims=True)
    shares = np.exp(log_joint - top)
    total = shares.sum(axis=1, keepdims=True)
    shares /= total
    return np.asarray((top + np.log(total))[:, 0]), shares
