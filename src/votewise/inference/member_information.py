"""What votes and prior say about the reliabilities of some members of groups, without looking at anybody else's.

As ``posterior_information`` in ``votewise.inference.shared_error_scores`` does for everybody, from all votes.
A search for r needs their logarithms' sum at every r that it tries, and a sample of the members is enough for that.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from votewise.arrays import Floats
from votewise.inference.grouped_votes import GroupedVotes
from votewise.inference.shared_error import SharedErrors, VotesAtNodes, shares_of
from votewise.inference.shared_error_scores import CHUNK, prior_information
from votewise.inference.shared_error_steps import normal_slope


def member_information(
    votes: GroupedVotes,
    log_odds: Floats,
    r: Floats,
    found: SharedErrors,
    pull: tuple[Floats, Floats],
    chosen: npt.NDArray[np.int64],
) -> Floats:
    """(C,) information about the log-odds of each of ``chosen``, all else held fixed; never quite 0 [Louis].

    Args:
        votes: the votes.
        log_odds: (K,) logit of each reliability.
        r: (G,) r of each group.
        found: ``expect_errors`` there.
        pull: (K,) right and (K,) wrong votes that the prior counts for there.
        chosen: (C,) codes of some of ``votes.members``, in ascending order.
    """
    evidence, number = votes.evidence, len(chosen)
    place = np.full(len(log_odds), -1, np.int64)
    place[chosen] = np.arange(number)
    which = np.flatnonzero(place[evidence.annotator] >= 0)
    weight = np.ones(len(which)) if evidence.weight is None else evidence.weight[which]
    who, inside = place[evidence.annotator[which]], votes.block[which] >= 0
    p = np.asarray(expit(found.posterior[evidence.pair[which]]))
    eta, share = np.asarray(expit(log_odds[chosen])), shares_of(votes, r)[chosen]
    z, change = normal_slope(log_odds[chosen])
    scale = change / np.sqrt(1 - share)
    right = np.where(evidence.sign[which] > 0, p, 1 - p)
    score = weight * (right - eta[who])
    own = np.zeros(number)
    lost = weight**2 * right * (1 - right)
    own += votes.alone_counts[chosen] * eta * (1 - eta) - np.bincount(who[~inside], lost[~inside], minlength=number)
    of_blocks = np.flatnonzero(inside)
    bent = np.empty(len(of_blocks))
    slopes, bends = _tables(found.at_nodes, np.searchsorted(votes.members, chosen))
    for start in range(0, len(of_blocks), CHUNK):
        some = of_blocks[start : start + CHUNK]
        of, row = votes.pattern[votes.block[which[some]]], who[some] + number * (evidence.sign[which[some]] < 0)
        chance = weight[some, None] * np.stack([p[some], 1 - p[some]], axis=1) / found.sums[of]
        nodes = found.nodes[of]
        score[some] = scale[who[some]] * (chance * np.einsum("ntq,ntq->nt", nodes, slopes[row])).sum(axis=1)
        bent[start : start + CHUNK] = (chance * np.einsum("ntq,ntq->nt", nodes, bends[row])).sum(axis=1)
    own += scale**2 * np.bincount(who[of_blocks], bent, minlength=number)
    own += np.bincount(who[of_blocks], score[of_blocks] ** 2, minlength=number)
    # The scale of normal scores is not linear in log-odds: z'' = z' ((1 - 2 eta) + z z').
    own -= np.bincount(who[of_blocks], score[of_blocks], minlength=number) * ((1 - 2 * eta) + z * change)
    squares = np.bincount(who, score**2, minlength=number)
    prior = prior_information(log_odds, pull)[chosen]
    return np.asarray(np.maximum(own, 0.05 * squares + 1e-12) + prior)


def _tables(at_nodes: VotesAtNodes, members: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
    """(2 C, 2, Q) slopes of a vote's log-probability where +1 is better, and where -1 is, and these times its normal score.

    In the normal score; of votes for +1 of each of ``members``, then of those for -1.
    """
    own = VotesAtNodes(at_nodes.score[members], at_nodes.right[members], at_nodes.wrong[members])
    up, down = own.hazards
    slopes = np.stack([np.concatenate([up, -down]), np.concatenate([-down, up])], axis=1)
    return slopes, slopes * np.tile(own.score, (2, 1))[:, None]
