"""Shared errors, vote by vote: how likely each is given everything else, and how its likelihood moves with the reliability.

With p the posterior of a pair and e(q | t) that of a block's shared error where t is the truth, all votes considered,
leaving a vote out multiplies the likelihood of t by S(t) = sum_q e(q | t) / P(vote | t, q), and

    P(vote | all others) = 1 / (p S(+) + (1 - p) S(-))
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.special import expit

from votewise.arrays import Floats
from votewise.inference.grouped_votes import GroupedVotes
from votewise.inference.observation import log_cosh2, vote_probability
from votewise.inference.shared_error import (
    LARGEST_SHARE,
    SharedErrors,
    expect_errors,
    expected_votes,
    shares_of,
)
from votewise.inference.shared_error_steps import normal_slope

CHUNK = 20_000
"""Votes whose nodes are in memory at a time."""

MOST_PARAMETERS = 1500
"""Annotators and groups beyond which their joint information is not inverted."""

STEP = 1e-3
"""Step in r of a difference."""


@dataclass(frozen=True, eq=False)
class VoteScores:
    """One number per vote: (n,) each.

    Attributes:
        by_others: log-odds that the vote is right according to everything except itself.
        predicted: probability of the vote being as it is, given all others.
        score: the vote's part of the slope of the pair's log-likelihood in the log-odds of its annotator's reliability.
    """

    by_others: Floats
    predicted: Floats
    score: Floats


def vote_scores(votes: GroupedVotes, log_odds: Floats, r: Floats, found: SharedErrors) -> VoteScores:
    """Leave each vote out in turn; ``found`` is ``expect_errors`` at ``log_odds`` (K,) and ``r`` (G,)."""
    evidence = votes.evidence
    eta = np.asarray(expit(log_odds))
    weight = np.ones(len(evidence.sign)) if evidence.weight is None else evidence.weight
    by_others = evidence.log_odds_without_own_vote(found.posterior, log_odds)
    slopes = weight * (evidence.confidence(found.posterior) - eta[evidence.annotator])
    predicted = vote_probability(np.asarray(expit(by_others)), eta[evidence.annotator])
    inside = np.flatnonzero(votes.block >= 0)
    left_plus, left_minus, own_plus, own_minus = _without_each(votes, log_odds, r, found)[:, _shown_as(votes, inside)]
    posterior = found.posterior[evidence.pair[inside]]
    p = expit(posterior)
    by_others[inside] = evidence.sign[inside] * (posterior + np.log(left_plus) - np.log(left_minus))
    predicted[inside] = 1 / (p * left_plus + (1 - p) * left_minus)
    slopes[inside] = weight[inside] * (p * own_plus + (1 - p) * own_minus)
    return VoteScores(np.asarray(by_others), np.asarray(predicted), np.asarray(slopes))


def _without_each(votes: GroupedVotes, log_odds: Floats, r: Floats, found: SharedErrors) -> Floats:
    """(4, V) of each vote in a pattern: S where +1 is better and where -1 is, and the slopes of its logarithm there."""
    evidence, members, right, wrong = votes.evidence, votes.members, found.at_nodes.right, found.at_nodes.wrong
    change = normal_slope(log_odds[members])[1] / np.sqrt(1 - shares_of(votes, r)[members])
    up, down = (hazard * change[:, None] for hazard in found.at_nodes.hazards)
    down = -down
    place = np.zeros(len(log_odds), np.int64)
    place[members] = np.arange(len(members))
    numbers = np.empty((4, len(votes.shown)))
    for start in range(0, len(votes.shown), CHUNK):
        rows = slice(start, start + CHUNK)
        at = votes.shown[rows]
        who, plus = place[evidence.annotator[at]], (evidence.sign[at] > 0)[:, None]
        of = votes.pattern[votes.block[at]]
        e_plus, e_minus = found.errors_of(of)
        if_plus, if_minus = np.where(plus, right[who], wrong[who]), np.where(plus, wrong[who], right[who])
        if evidence.weight is not None:
            power = evidence.weight[at][:, None]
            if_plus, if_minus = if_plus**power, if_minus**power
        numbers[0, rows], numbers[1, rows] = (e_plus / if_plus).sum(axis=1), (e_minus / if_minus).sum(axis=1)
        numbers[2, rows] = (e_plus * np.where(plus, up[who], down[who])).sum(axis=1)
        numbers[3, rows] = (e_minus * np.where(plus, down[who], up[who])).sum(axis=1)
    return numbers


def _shown_as(votes: GroupedVotes, inside: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """(n,) of votes in blocks, which of ``votes.shown`` is the same vote in the same pattern."""
    evidence = votes.evidence
    if evidence.weight is not None:  # every block is its own pattern
        place = np.empty(len(evidence.sign), np.intp)
        place[votes.shown] = np.arange(len(votes.shown))
        return place[inside]
    patterns = votes.pattern[votes.block[inside]] * len(votes.group)
    key = (patterns + evidence.annotator[inside]) * 2 + (evidence.sign[inside] > 0)
    shown = votes.pattern[votes.block[votes.shown]] * len(votes.group)
    of_shown = (shown + evidence.annotator[votes.shown]) * 2 + (evidence.sign[votes.shown] > 0)
    order = np.argsort(of_shown, kind="stable")
    return np.asarray(order[np.searchsorted(of_shown[order], key)])


def own_information(
    votes: GroupedVotes, log_odds: Floats, r: Floats, found: SharedErrors, each: VoteScores, slope: Floats
) -> Floats:
    """(K,) minus the second derivative of the log-likelihood in logit(eta_k), all else held fixed [Louis].

    Args:
        votes: the votes.
        log_odds: (K,) logit of each reliability.
        r: (G,) r of each group.
        found: ``expect_errors`` there.
        each: ``vote_scores`` there.
        slope: (K,) first derivative of the log-likelihood there.
    """
    evidence, eta = votes.evidence, np.asarray(expit(log_odds))
    k = len(eta)
    inside = votes.block >= 0
    weight = np.ones(len(inside)) if evidence.weight is None else evidence.weight
    confidence = evidence.confidence(found.posterior)
    lost = (weight**2 * confidence * (1 - confidence))[~inside]
    alone = votes.alone_counts * eta * (1 - eta) - np.bincount(evidence.annotator[~inside], lost, minlength=k)
    expected = expected_votes(votes, found)
    members, u = votes.members, found.at_nodes.score
    up, down = found.at_nodes.hazards
    complete = np.zeros(k)
    # Minus the derivative of a score, less its square, is u times the score; what was lost comes back with the mean.
    own = (expected.right * up * u - expected.wrong * down * u).sum(axis=1)
    complete[members] = own / (1 - shares_of(votes, r)[members])
    z, change = normal_slope(log_odds)
    together = complete * change**2
    squares = np.bincount(evidence.annotator[inside], each.score[inside] ** 2, minlength=k)
    # The scale is not linear: z'' = z' ((1 - 2 eta) + z z').
    of_blocks = slope - np.bincount(evidence.annotator[~inside], each.score[~inside], minlength=k)
    bend = of_blocks * ((1 - 2 * eta) + z * change)
    return np.asarray(alone + together + squares - bend)


def prior_information(log_odds: Floats, pull: tuple[Floats, Floats]) -> Floats:
    """(K,) information of the prior about each log-odds; ``pull`` (K,) right and (K,) wrong votes that it counts for."""
    eta = np.asarray(expit(log_odds))
    return np.asarray((pull[0] + pull[1]) * eta * (1 - eta))


def posterior_information(
    votes: GroupedVotes,
    log_odds: Floats,
    r: Floats,
    found: SharedErrors,
    each: VoteScores,
    pull: tuple[Floats, Floats],
) -> Floats:
    """(K,) information of votes and prior about each log-odds, all else held fixed; never quite 0.

    Args:
        votes: the votes.
        log_odds: (K,) logit of each reliability.
        r: (G,) r of each group.
        found: ``expect_errors`` there.
        each: ``vote_scores`` there.
        pull: (K,) right and (K,) wrong votes that the prior counts for there.
    """
    annotator, k = votes.evidence.annotator, len(log_odds)
    slope = np.bincount(annotator, each.score, minlength=k).astype(np.float64)
    squares = np.bincount(annotator, each.score**2, minlength=k)
    own = np.maximum(own_information(votes, log_odds, r, found, each, slope), 0.05 * squares + 1e-12)
    return np.asarray(own + prior_information(log_odds, pull))


def log_odds_variance(
    votes: GroupedVotes, log_odds: Floats, r: Floats, pull: tuple[Floats, Floats], temperature: float = 1.0
) -> tuple[Floats, VoteScores, SharedErrors]:
    """(K,) variance of each log-odds, those of all others and of r being unknown, too; and what it was made of.

    Args:
        votes: the votes.
        log_odds: (K,) logit of each reliability.
        r: (G,) r of each group.
        pull: (K,) right and (K,) wrong votes that the prior counts for there.
        temperature: factor on margins.
    """
    evidence = votes.evidence
    found = expect_errors(votes, log_odds, r, temperature)
    each = vote_scores(votes, log_odds, r, found)
    k, m = len(log_odds), len(evidence.margin)
    both = posterior_information(votes, log_odds, r, found, each, pull)
    free = np.flatnonzero((r > 0) & (r < LARGEST_SHARE))
    size = k + len(free)
    if size > MOST_PARAMETERS:
        return 1 / both, each, found
    rows = coo_matrix((each.score, (evidence.pair, evidence.annotator)), shape=(m, size)).tocsr()
    by_share = [_slope_in_share(votes, log_odds, r, int(g), temperature) for g in free]
    information = np.zeros((size, size))
    information[:k, :k] = (rows.T @ rows).toarray()[:k, :k]
    for i, slopes in enumerate(by_share):
        information[k + i, :k] = information[:k, k + i] = np.asarray(rows.T @ slopes)[:k]
        for j, others in enumerate(by_share):
            information[k + i, k + j] = slopes @ others
    # The outer products give the correlations; each diagonal entry is known better.
    spread = np.sqrt(np.maximum(information.diagonal(), 1e-300))
    information /= np.outer(spread, spread)
    own = both - prior_information(log_odds, pull)
    scale = np.concatenate([np.sqrt(np.maximum(own, 0.0)), spread[k:]])
    information *= np.outer(scale, scale)
    information[np.arange(k), np.arange(k)] = both
    information[np.arange(k, size), np.arange(k, size)] += 1e-9
    return np.asarray(np.linalg.inv(information).diagonal()[:k]), each, found


def _slope_in_share(votes: GroupedVotes, log_odds: Floats, r: Floats, g: int, temperature: float) -> Floats:
    """(M,) derivative of each pair's log-likelihood in r of group ``g``."""
    ends, found = [max(r[g] - STEP, 0.0), min(r[g] + STEP, LARGEST_SHARE)], []
    for end in ends:
        at = expect_errors(votes, log_odds, np.where(np.arange(len(r)) == g, end, r), temperature)
        blocks = np.bincount(votes.pair, (at.log_patterns.sum(axis=1) / 2)[votes.pattern], minlength=len(at.posterior))
        found.append(log_cosh2(at.posterior) + blocks)
    return np.asarray((found[1] - found[0]) / (ends[1] - ends[0]))
