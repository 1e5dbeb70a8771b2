"""Annotators who err together: within a group, votes on one pair share a part of their error.

    P(k right | c) = Phi((Phi^-1(eta_k) + sqrt(r) c) / sqrt(1 - r)),    c ~ N(0, 1) for each pair and group

so that a vote alone is right with probability eta_k whatever r is, and at r = 0 this is the observation model. c is summed
over a few Gauss-Hermite nodes. Given the truth, groups are independent, so a group's votes on a pair add log L(+) - log L(-)
to its log-odds, L(t) = sum over c of the product of the votes' probabilities.

The E-step is here; what is done with it is in ``votewise.inference.shared_error_steps``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtr, ndtri

from votewise.arrays import Floats
from votewise.inference.grouped_votes import CHUNK, GroupedVotes
from votewise.inference.observation import EDGE, log_cosh2

COARSE = 11
"""Values of the shared error, of Gauss and Hermite's rule: enough for r up to 0.7 and few votes in a block."""

SPACING, WIDEST = 0.2, 5.0
"""Distance of the values otherwise, and the largest: the trapezoidal rule, exact to 1e-5 for two votes at the largest r."""

LARGEST_SHARE = 0.97
"""Largest r: beyond it, probabilities change between two values of the shared error."""

LEAST, FAR = 1e-300, 36.0
"""No vote is less likely than this, which is so from this normal score on."""


@cache
def shared_error_nodes(*, fine: bool) -> tuple[Floats, Floats]:
    """(Q,) values of the shared error c and (Q,) logs of their probabilities."""
    if fine:
        nodes = np.arange(-round(WIDEST / SPACING), round(WIDEST / SPACING) + 1) * SPACING
        log_weights: Floats = -nodes * nodes / 2
        return np.asarray(nodes, np.float64), log_weights - np.log(np.exp(log_weights).sum())
    nodes, weights = np.polynomial.hermite_e.hermegauss(COARSE)
    return nodes, np.log(weights / weights.sum())


@dataclass(frozen=True, eq=False)
class VotesAtNodes:
    """Probabilities of the votes of J annotators at each node.

    Attributes:
        score: (J, Q) u, the normal score of a right vote.
        right, wrong: (J, Q) Phi(u) and Phi(-u), probabilities of a right vote and of a wrong one.
    """

    score: Floats
    right: Floats
    wrong: Floats

    @classmethod
    def of(cls, log_odds: Floats, share: Floats, *, fine: bool) -> VotesAtNodes:
        """At ``log_odds`` (J,) = logit(eta) and ``share`` (J,) = r of each."""
        z = ndtri(np.clip(expit(log_odds), EDGE, 1 - EDGE))
        nodes = shared_error_nodes(fine=fine)[0]
        u = np.asarray((z[:, None] + np.sqrt(share)[:, None] * nodes) / np.sqrt(1 - share)[:, None])
        return cls(u, np.maximum(ndtr(u), LEAST), np.maximum(ndtr(-u), LEAST))

    @property
    def hazards(self) -> tuple[Floats, Floats]:
        """(J, Q) phi(u) / Phi(u) and phi(u) / Phi(-u): the slopes of the logs of both probabilities, up and down."""
        density = np.exp(-0.5 * self.score * self.score) / np.sqrt(2 * np.pi)
        # Far out, where both vanish, the slope is the distance itself.
        up = np.where(self.score < -FAR, -self.score, density / self.right)
        return up, np.where(self.score > FAR, self.score, density / self.wrong)


@dataclass(frozen=True, eq=False)
class SharedErrors:
    """What the E-step finds at one point.

    Attributes:
        posterior: (M,) log-odds that +1 is truly better.
        log_likelihood: of the votes, with truth and shared errors summed out, in nats.
        log_patterns: (U, 2) log-probability of each pattern where +1 is truly better, and where -1 is.
        nodes: (U, 2, Q) numbers in proportion to the probability of each node then, given the pattern.
        sums: (U, 2) their sums.
        at_nodes: probabilities of the votes of ``GroupedVotes.members``.
    """

    posterior: Floats
    log_likelihood: float
    log_patterns: Floats = field(repr=False)
    nodes: Floats = field(repr=False)
    sums: Floats = field(repr=False)
    at_nodes: VotesAtNodes = field(repr=False)

    def errors_of(self, patterns: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """(n, Q) probability of each node where +1 is truly better, given each of these patterns, and where -1 is."""
        found = self.nodes[patterns] / self.sums[patterns][:, :, None]
        return found[:, 0], found[:, 1]


@dataclass(frozen=True, eq=False)
class ExpectedVotes:
    """Expected votes: ``alone`` (K,) right ones in no block; (J, Q) ``right`` and ``wrong`` ones of members, by node."""

    alone: Floats
    right: Floats
    wrong: Floats


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
    evidence, members = votes.evidence, votes.members
    at_nodes = VotesAtNodes.of(log_odds[members], shares_of(votes, r)[members], fine=votes.fine)
    log_patterns, nodes, sums = pattern_likelihoods(votes, at_nodes)
    posterior = np.asarray(votes.alone @ log_odds)
    posterior += np.bincount(votes.pair, (log_patterns[:, 0] - log_patterns[:, 1])[votes.pattern], len(posterior))
    before = len(posterior) * np.log(2.0)
    if evidence.informed:
        margin = temperature * evidence.margin
        posterior += margin
        before = float(log_cosh2(margin).sum())
    likelihood = log_cosh2(posterior).sum() - before - (votes.alone_counts * log_cosh2(log_odds)).sum()
    likelihood += votes.blocks @ log_patterns.sum(axis=1) / 2
    return SharedErrors(posterior, float(likelihood), log_patterns, nodes, sums, at_nodes)


def pattern_likelihoods(votes: GroupedVotes, at_nodes: VotesAtNodes) -> tuple[Floats, Floats, Floats]:
    """``log_patterns``, ``nodes`` and ``sums`` of ``SharedErrors``."""
    if votes.by_size is not None:
        nodes, sums = _products(votes, at_nodes)
        if (sums > 0).all():
            return np.log(sums), nodes, sums
    return _sums(votes, at_nodes)


def _products(votes: GroupedVotes, at_nodes: VotesAtNodes) -> tuple[Floats, Floats]:
    """(U, 2, Q) probabilities of each pattern and node where +1 is truly better, and where -1 is; (U, 2) their sums."""
    assert votes.by_size is not None  # noqa: S101 - the caller has looked
    weight, patterns = np.exp(shared_error_nodes(fine=votes.fine)[1]), votes.signed.shape[0]
    # A vote for +1 is right where +1 is better and wrong where -1 is: one row has both.
    table = np.block([[at_nodes.right, at_nodes.wrong], [at_nodes.wrong, at_nodes.right]])
    first = table * np.tile(weight, 2)
    nodes = np.empty((patterns, table.shape[1]))
    room = np.empty((CHUNK, table.shape[1]))
    for rows, at in votes.by_size:
        product, factor = nodes[rows], room[: at.shape[1]]
        # Places are never outside the table, and without a look at that they are taken straight to where they belong.
        first.take(at[0], axis=0, out=product, mode="clip")
        for vote in at[1:]:
            product *= table.take(vote, axis=0, out=factor, mode="clip")
    # The product with a vector of ones adds short rows up several times as fast as a sum.
    sums = nodes.reshape(2 * patterns, len(weight)) @ np.ones(len(weight))
    return nodes.reshape(patterns, 2, len(weight)), sums.reshape(patterns, 2)


def _sums(votes: GroupedVotes, at_nodes: VotesAtNodes) -> tuple[Floats, Floats, Floats]:
    """As ``pattern_likelihoods``, by sums of logs: for votes with weights, and for many votes of one group on one pair."""
    log_right, log_wrong = np.log(at_nodes.right), np.log(at_nodes.wrong)
    middle = np.asarray(votes.of_members[1] @ ((log_right + log_wrong) / 2)) + shared_error_nodes(fine=votes.fine)[1]
    half = np.asarray(votes.of_members[0] @ ((log_right - log_wrong) / 2))
    (plus, if_plus), (minus, if_minus) = sum_out(middle + half), sum_out(middle - half)
    log_patterns = np.stack([plus, minus], axis=1)
    return log_patterns, np.stack([if_plus, if_minus], axis=1), np.ones_like(log_patterns)


def block_log_odds(votes: GroupedVotes, log_odds: Floats, r: Floats, blocks: npt.NDArray[np.int64]) -> Floats:
    """(b,) log L(+) - log L(-) of some blocks, given by their numbers: what each adds to the log-odds of its pair.

    Args:
        votes: the votes and their groups.
        log_odds: (K,) logit of each reliability.
        r: (G,) r of each group.
        blocks: (b,) numbers of blocks.
    """
    members = votes.members
    at_nodes = VotesAtNodes.of(log_odds[members], shares_of(votes, r)[members], fine=votes.fine)
    log_right, log_wrong = np.log(at_nodes.right), np.log(at_nodes.wrong)
    patterns, where = np.unique(votes.pattern[blocks], return_inverse=True)
    signed, size = (of[patterns] for of in votes.of_members)
    middle = np.asarray(size @ ((log_right + log_wrong) / 2)) + shared_error_nodes(fine=votes.fine)[1]
    half = np.asarray(signed @ ((log_right - log_wrong) / 2))
    return np.asarray((sum_out(middle + half)[0] - sum_out(middle - half)[0])[where])


def expected_votes(votes: GroupedVotes, found: SharedErrors) -> ExpectedVotes:
    """The sufficient statistics of the M-step."""
    alone = 0.5 * (votes.alone.T @ np.tanh(found.posterior / 2) + votes.alone_counts)
    p = np.bincount(votes.pattern, expit(found.posterior)[votes.pair], minlength=len(found.sums))
    chance = np.stack([p, votes.blocks - p], axis=1) / found.sums
    number, q = found.at_nodes.right.shape
    by_side = np.zeros((2 * number, 2 * q))
    for rows, votes_of in votes.parts:
        by_side += votes_of @ (chance[rows, :, None] * found.nodes[rows]).reshape(-1, 2 * q)
    for_plus, for_minus = by_side[:number], by_side[number:]
    right, wrong = for_plus[:, :q] + for_minus[:, q:], for_plus[:, q:] + for_minus[:, :q]
    return ExpectedVotes(np.asarray(alone), right, wrong)


def error_correlation(log_odds: Floats, r: float) -> float:
    """Mean correlation of the errors of two annotators of one group, over all couples; ``log_odds`` (J,) of its members."""
    if len(log_odds) < 2:
        return 0.0
    weight = np.exp(shared_error_nodes(fine=True)[1])
    right = VotesAtNodes.of(log_odds, np.full(len(log_odds), r), fine=True).right
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
