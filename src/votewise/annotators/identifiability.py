"""What the votes cannot determine, whatever the estimator."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from votewise.arrays import Ints
from votewise.errors import many
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.observation import Evidence

SPREADING_ROUNDS = 12
"""Rounds of the quick search for annotators who are linked."""

COMPARABLE_SHARE = 0.95
"""Share of the votes that must come from one set of linked annotators for reliabilities to be comparable."""

ALL_TIES = Diagnostic("all-ties", "error", "Every vote is a tie, so nothing says which annotator is right.")

VOTES_FOLLOW_MARGINS = Diagnostic(
    "votes-follow-margins",
    "warning",
    "Every vote agrees with the sign of its margin, as if the votes had been made from the margins; the reliability then "
    "only says how large the margins are.",
)

NOT_IDENTIFIABLE = Diagnostic(
    "not-identifiable",
    "error",
    "No pair was judged by two annotators and no margins are given, so no vote can be checked against anything and every "
    "reliability stays at its prior. Supply votes that share pairs, or margins from a reward model.",
)

TWO_ANNOTATORS = Diagnostic(
    "two-annotators",
    "warning",
    "The votes of two annotators show how often they agree and not which of them is right: both get the same reliability, "
    "which follows from that one number and the prior. A third annotator on the same pairs, or margins, would tell them "
    "apart.",
)

MIRROR_IMAGE = Diagnostic(
    "mirror-image",
    "info",
    "Votes alone cannot tell annotators who are mostly right from their mirror image, annotators who are mostly wrong about "
    "the opposite truths. These annotators were taken to be mostly right, according to the prior.",
)


def identifiability(evidence: Evidence) -> Iterator[Diagnostic]:
    """What the votes cannot determine; nothing where they determine everything."""
    if len(evidence.sign) == 0:
        yield ALL_TIES
    elif evidence.informed:
        agree = evidence.sign * evidence.margin[evidence.pair] > 0
        if len(agree) > 1 and agree.all():
            yield VOTES_FOLLOW_MARGINS
    elif len(evidence.counts) == 1 or np.diff(evidence.matrix.indptr).max() < 2:
        yield NOT_IDENTIFIABLE
    else:
        if np.count_nonzero(evidence.counts) == 2:
            yield TWO_ANNOTATORS
        yield MIRROR_IMAGE
        yield from separate_components(evidence)


def separate_components(evidence: Evidence) -> Iterator[Diagnostic]:
    """Whether some annotators are not linked with the others by votes on the same pairs."""
    component = linked_components(evidence)
    if not component.any():
        return
    weight = np.bincount(component[evidence.annotator])
    members = np.bincount(component[np.unique(evidence.annotator)], minlength=len(weight))
    largest = int(np.argmax(weight))
    outside = 1 - weight[largest] / weight.sum()
    if outside == 0:
        return
    strays = int(members.sum() - members[largest])
    alone = int((members == 1).sum())
    percentage = f"{outside:.1%}" if outside >= 0.001 else "less than 0.1%"
    text = (
        f"{int((members > 0).sum()):,} sets of annotators share no pair with one another: "
        f"{many(int(members[largest]), 'annotator')} in the largest, "
        f"{strays:,} outside it ({alone:,} of them alone) with {percentage} of the votes."
    )
    if outside > 1 - COMPARABLE_SHARE:
        advice = "Only the prior makes their reliabilities comparable; have some annotators vote across the sets."
        yield Diagnostic("disconnected", "error", f"{text} {advice}")
    else:
        advice = "The reliabilities of those outside depend on the prior more than those of the others."
        yield Diagnostic("small-components", "warning", f"{text} {advice}")


def linked_components(evidence: Evidence) -> Ints:
    """(K,) number of each annotator's component: annotators linked, directly or not, by voting on the same pair."""
    votes = evidence.pattern
    k = votes.shape[1]
    # Spread from the most active annotator: nearly always all are reached in a few products.
    reached = np.zeros(k)
    reached[np.argmax(evidence.counts)] = 1.0
    for _ in range(SPREADING_ROUNDS):
        wider = (votes.T @ (votes @ reached) > 0).astype(np.float64)
        if (wider <= reached).all():
            break
        reached = np.maximum(reached, wider)
    if reached[evidence.counts > 0].all():
        return np.zeros(k, np.int32)
    m = votes.shape[0]
    graph = coo_matrix(
        (np.ones(len(evidence.pair), np.int8), (evidence.annotator, evidence.pair + np.int32(k))), (k + m, k + m)
    )
    return np.asarray(connected_components(graph, directed=False)[1][:k], np.int32)
