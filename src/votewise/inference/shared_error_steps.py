"""What is done with the E-step under shared errors: the M-step, and the slope of the log-posterior.

With a_kq, b_kq the expected right and wrong votes of annotator k at node q, the M-step maximises

    sum_q a_kq log Phi(u_kq) + b_kq log Phi(-u_kq) + right_k log eta_k + wrong_k log(1 - eta_k)

over z_k = Phi^-1(eta_k); right and wrong hold the votes that share no error, and the prior's. It is concave in z_k, and
needs tables of annotators by nodes, not votes. At the point of the E-step the slope of this is that of the log-posterior
itself [Fisher's identity], also in s = sqrt(r), with du/ds = c / sqrt(1 - r) + u s / (1 - r).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_ndtr, ndtri

from votewise.arrays import Floats
from votewise.inference.grouped_votes import GroupedVotes
from votewise.inference.observation import EDGE, clipped_logit
from votewise.inference.shared_error import (
    ExpectedVotes,
    SharedErrors,
    VotesAtNodes,
    shared_error_nodes,
    shares_of,
)

HALVINGS = 12
"""How often a Newton step is halved until it helps."""

SAFE = 0.1
"""A Newton step that moves no normal score by more than this helps for certain."""

_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


def score(u: Floats) -> Floats:
    """The slope of log Phi at u: the hazard phi(u) / Phi(u), without underflow."""
    return np.asarray(np.exp(-0.5 * u * u - _HALF_LOG_2PI - log_ndtr(u)))


def normal_slope(log_odds: Floats) -> tuple[Floats, Floats]:
    """Z = Phi^-1(eta) and its derivative in logit(eta)."""
    eta = np.clip(expit(log_odds), EDGE, 1 - EDGE)
    z = ndtri(eta)
    return z, np.asarray(eta * (1 - eta) * np.sqrt(2 * np.pi) * np.exp(z * z / 2))


def most_likely_log_odds(
    votes: GroupedVotes,
    log_odds: Floats,
    r: Floats,
    at_nodes: VotesAtNodes,
    expected: ExpectedVotes,
    pull: tuple[Floats, Floats],
) -> Floats:
    """M-step: (K,) logits of the reliabilities that maximise the expected log-posterior; one Newton step in blocks.

    Args:
        votes: the votes and their groups.
        log_odds: (K,) where the E-step was.
        r: (G,) r of each group.
        at_nodes: probabilities of the members' votes there.
        expected: expected votes there.
        pull: (K,) right and (K,) wrong votes that the prior counts for.
    """
    members, share = votes.members, shares_of(votes, r)
    right, wrong = expected.alone + pull[0], votes.alone_counts - expected.alone + pull[1]
    number = right + wrong
    together = np.zeros((2, len(log_odds)))
    together[0, members], together[1, members] = expected.right.sum(axis=1), expected.wrong.sum(axis=1)
    # Where nothing is shared, and of those who share nothing, it is in closed form.
    all_right, all_votes = right + together[0], number + together.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        closed = np.where(all_votes > 0, clipped_logit(all_right / all_votes), log_odds)
    inside = np.flatnonzero(share[members] > 0)
    if len(inside):
        at = members[inside]
        nodes = VotesAtNodes(at_nodes.score[inside], at_nodes.right[inside], at_nodes.wrong[inside])
        tables = ExpectedVotes(expected.alone, expected.right[inside], expected.wrong[inside])
        closed[at] = _climb(log_odds[at], share[at], nodes, tables, right[at], wrong[at])
    return np.asarray(closed)


def _climb(
    log_odds: Floats, share: Floats, at_nodes: VotesAtNodes, tables: ExpectedVotes, right: Floats, wrong: Floats
) -> Floats:
    """One Newton step of J annotators, halved where it would not help."""
    scale, u = 1 / np.sqrt(1 - share), at_nodes.score
    z, most = ndtri(np.clip(expit(log_odds), EDGE, 1 - EDGE)), ndtri(1 - EDGE)
    up, down = at_nodes.hazards
    own_up, own_down = score(z), score(-z)
    slope = scale * (tables.right * up - tables.wrong * down).sum(axis=1) + right * own_up - wrong * own_down
    bend = scale**2 * (tables.right * up * (up + u) + tables.wrong * down * (down - u)).sum(axis=1)
    bend += right * own_up * (own_up + z) + wrong * own_down * (own_down - z)
    move = np.clip(slope / np.maximum(bend, 1e-12), -1.0, 1.0)

    def value(at: npt.NDArray[np.intp], z: Floats) -> Floats:
        moved = scale[at, None] * (z - start[at])[:, None] + u[at]
        found = (tables.right[at] * log_ndtr(moved) + tables.wrong[at] * log_ndtr(-moved)).sum(axis=1)
        return np.asarray(found + right[at] * log_ndtr(z) + wrong[at] * log_ndtr(-z))

    start, z = z, np.clip(z + move, -most, most)
    doubtful = np.flatnonzero(np.abs(move) * scale > SAFE)
    now = value(doubtful, start[doubtful])
    for _ in range(HALVINGS):
        worse = value(doubtful, z[doubtful]) < now
        doubtful, now = doubtful[worse], now[worse]
        if not len(doubtful):
            break
        z[doubtful] = (z[doubtful] + start[doubtful]) / 2
    else:
        z[doubtful] = start[doubtful]
    # log_ndtr keeps both tails, where 1 - Phi(z) would lose one.
    return np.asarray(log_ndtr(z) - log_ndtr(-z))


def log_posterior_slope(
    votes: GroupedVotes,
    log_odds: Floats,
    r: Floats,
    found: SharedErrors,
    expected: ExpectedVotes,
    pull: tuple[Floats, Floats],
) -> tuple[Floats, Floats]:
    """(K,) slope of the log-posterior in logit(eta), and (G,) in s = sqrt(r).

    Args:
        votes: the votes and their groups.
        log_odds: (K,) logit of each reliability.
        r: (G,) r of each group.
        found: ``expect_errors`` there.
        expected: ``expected_votes`` there.
        pull: (K,) right and (K,) wrong votes that the prior counts for there.
    """
    members, share, eta = votes.members, shares_of(votes, r), np.asarray(expit(log_odds))
    slope = expected.alone + pull[0] - (votes.alone_counts + pull[0] + pull[1]) * eta
    up, down = found.at_nodes.hazards
    of_score = expected.right * up - expected.wrong * down
    own = share[members]
    slope[members] += of_score.sum(axis=1) / np.sqrt(1 - own) * normal_slope(log_odds[members])[1]
    by_root = (of_score @ shared_error_nodes(fine=votes.fine)[0]) / np.sqrt(1 - own)
    by_root += (of_score * found.at_nodes.score).sum(axis=1) * np.sqrt(own) / (1 - own)
    return slope, np.bincount(votes.group[members], by_root, minlength=votes.groups).astype(np.float64)
