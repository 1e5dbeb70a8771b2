"""What a reader of the numbers should know: what kind of annotator each one is, and what the votes cannot determine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.special import bdtr, bdtrc

from votewise.annotators.beliefs import Beliefs
from votewise.arrays import Bools, Floats, Ints
from votewise.data.votes import Votes
from votewise.defaults import INFORMED
from votewise.inference.calibration import expected_calibration_error
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.observation import Evidence

FLAGS = ("reliable", "unsure", "casual", "adversarial", "position-biased")
FALSE_ALARMS = 0.05
"""Probability that anybody at all is called position-biased when nobody is (Holm's correction)."""

NOTABLE_BIAS = 0.1
"""How far the share of first-position votes must lie from what the answers explain to be worth a flag."""

SPREADING_ROUNDS = 12
POOR_FIT = 0.03

COMPARABLE_SHARE = 0.95
"""Share of the votes that must hang together in one group for reliabilities to be comparable."""


@dataclass(frozen=True, eq=False)
class PositionTest:
    """First-position votes per annotator: (K,) ``first`` votes among ``votes``, ``expected`` share, ``p_value``.

    ``expected`` is what the annotator's reliability and everybody else's votes on the same pairs predict, so that
    somebody who happened to see the better answer first is not blamed. ``biased`` is corrected for the number of tests.
    """

    first: Floats
    votes: Floats
    expected: Floats
    p_value: Floats
    biased: Bools


def position_test(votes: Votes, evidence: Evidence, predicted: Floats) -> PositionTest | None:
    """Exact two-sided binomial test per annotator, Holm-corrected; None where positions are unknown.

    The number of first-position votes is a sum of unequal Bernoulli variables; the binomial with their mean has a larger
    variance, so that the test errs on the side of silence. ``predicted`` (n,) is each vote's own probability.
    """
    shown_first = votes.first
    if shown_first is None:
        return None
    if evidence.decided is not None:
        shown_first = shown_first[evidence.decided]
    k = votes.n_annotators
    is_first = shown_first > 0
    first = np.bincount(evidence.annotator, is_first, minlength=k).astype(np.float64)
    number = np.bincount(evidence.annotator, minlength=k).astype(np.float64)
    predicted_first = np.where(is_first, predicted, 1 - predicted)
    expected = np.bincount(evidence.annotator, predicted_first, minlength=k) / np.maximum(number, 1)
    below = bdtr(first, number.astype(int), expected)
    above = np.where(first > 0, bdtrc(np.maximum(first - 1, 0), number.astype(int), expected), 1.0)
    p_value = np.where(number > 0, np.minimum(1.0, 2 * np.minimum(below, above)), 1.0)
    notable = np.abs(first / np.maximum(number, 1) - expected) >= NOTABLE_BIAS
    return PositionTest(first, number, expected, p_value, holm(p_value, int((number > 0).sum())) & notable)


def holm(p_value: Floats, tests: int) -> Bools:
    """Which p-values are significant at ``FALSE_ALARMS`` over all ``tests`` together (Holm's step-down procedure)."""
    order = np.argsort(p_value, kind="stable")
    limits = FALSE_ALARMS / np.maximum(tests - np.arange(len(p_value)), 1)
    passed = np.logical_and.accumulate(p_value[order] <= limits)
    significant = np.zeros(len(p_value), bool)
    significant[order] = passed
    return significant


def annotator_flags(
    low_high: tuple[Floats, Floats], position: PositionTest | None, *, reliable_from: float, prior_width: float
) -> list[str]:
    """One of ``FLAGS`` per annotator.

    The whole interval above ``reliable_from``: reliable, unless the interval is hardly narrower than the prior's, for then
    it is the crowd that is reliable; below ``reliable_from``: casual; below 1/2: adversarial (worse than a coin); else
    unsure. Position bias goes before all but adversarial.
    """
    low, high = low_high
    known = high - low < INFORMED * prior_width
    code = np.where((low >= reliable_from) & known, 0, np.where(high < reliable_from, 2, 1))
    if position is not None:
        code = np.where(position.biased, 4, code)
    code = np.where(high < 0.5, 3, code)
    return [FLAGS[i] for i in code]


def comparable_groups(evidence: Evidence) -> Ints:
    """(K,) number of the group each annotator belongs to: people linked, directly or not, by voting on the same pair."""
    votes = evidence.pattern
    k = votes.shape[1]
    # Spread from the most active annotator: nearly always everybody is reached in a few products.
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


def identifiability(votes: Votes, evidence: Evidence) -> Iterator[Diagnostic]:
    """What the votes cannot determine, whatever the estimator."""
    if len(evidence.sign) == 0:
        yield Diagnostic("all-ties", "error", "Every vote is a tie, so nothing says which annotator is right.")
        return
    if evidence.informed:
        agree = evidence.sign * evidence.margin[evidence.pair] > 0
        if len(agree) > 1 and agree.all():
            yield Diagnostic(
                "votes-follow-margins",
                "warning",
                "Every vote agrees with the sign of its margin, as if the votes had been made from the margins; the "
                "reliability then only says how large the margins are.",
            )
        return
    if votes.n_annotators == 1 or np.diff(evidence.matrix.indptr).max() < 2:
        yield Diagnostic(
            "not-identifiable",
            "error",
            "No pair was judged by two annotators and no margins are given, so that no vote can be checked against "
            "anything and every reliability stays at its prior. Supply votes that share pairs, or margins from a reward "
            "model.",
        )
        return
    if np.count_nonzero(evidence.counts) == 2:
        yield Diagnostic(
            "two-annotators",
            "warning",
            "Two annotators tell how often they agree and not who of them is right: their reliabilities are what the prior "
            "makes of that one number, alike for both. A third annotator on the same pairs, or margins, would tell them "
            "apart.",
        )
    yield Diagnostic(
        "mirror-image",
        "info",
        "Votes alone cannot tell a crowd that is mostly right from its mirror image, a crowd that is mostly wrong about the "
        "opposite truths. This crowd was taken to be mostly right, as the prior has it.",
    )
    group = comparable_groups(evidence)
    if not group.any():
        return
    weight = np.bincount(group[evidence.annotator])
    members = np.bincount(group[np.unique(evidence.annotator)], minlength=len(weight))
    largest = int(np.argmax(weight))
    outside = 1 - weight[largest] / weight.sum()
    if outside == 0:
        return
    strays = int(members.sum() - members[largest])
    lone = int((members == 1).sum())
    percentage = f"{outside:.1%}" if outside >= 0.001 else "less than 0.1%"
    text = (
        f"{int((members > 0).sum()):,} groups of annotators share no pair with one another: {members[largest]:,} people "
        f"in the largest, {strays:,} outside it ({lone:,} of them alone) with {percentage} of the votes."
    )
    if outside > 1 - COMPARABLE_SHARE:
        advice = "Only the prior makes their reliabilities comparable; have some annotators vote across the groups."
        yield Diagnostic("disconnected", "error", f"{text} {advice}")
    else:
        advice = "Their reliabilities rest on the prior more than those of the others."
        yield Diagnostic("small-groups", "warning", f"{text} {advice}")


def soundness(
    evidence: Evidence, beliefs: Beliefs, low_high: tuple[Floats, Floats], prior_width: float, calibration: pa.Table
) -> Iterator[Diagnostic]:
    """Where the estimate is possible but should be read with care."""
    total = evidence.counts.sum()
    if total == 0:
        return
    crowd = float(evidence.counts @ beliefs.reliability / total)
    if crowd < 0.5:
        yield Diagnostic(
            "worse-than-chance",
            "warning",
            f"The crowd as a whole is estimated to be wrong more often than right (reliability {crowd:.2f}). Check that "
            "the label column says which response was preferred, not which was rejected.",
        )
    unmoved = evidence.counts[low_high[1] - low_high[0] > 0.95 * prior_width].sum() / total
    if unmoved > 0.5:
        yield Diagnostic(
            "prior-dominated",
            "warning",
            f"{unmoved:.0%} of the votes come from annotators whose intervals are about as wide as before any vote was "
            "seen: their reliabilities are the prior's, not findings.",
        )
    error = expected_calibration_error(calibration)
    if error > POOR_FIT and sum(calibration["votes"].to_pylist()) >= 500:
        yield Diagnostic(
            "poor-fit",
            "warning",
            f"Votes predicted from all other votes are off by {100 * error:.0f} points on average: the model does not "
            "describe these votes well (pairs may differ in difficulty, or annotators may copy one another).",
        )


def position_findings(position: PositionTest | None) -> Iterator[Diagnostic]:
    """What the position tests found, for single annotators and for the crowd."""
    if position is None or position.votes.sum() == 0:
        return
    yield Diagnostic(
        "position-tests",
        "info",
        f"{int((position.votes > 0).sum()):,} annotators were tested for position bias, corrected for the number of "
        f"tests (Holm, {FALSE_ALARMS:.0%} for any false alarm): {int(position.biased.sum()):,} found.",
    )
    total = position.votes.sum()
    share = position.first.sum() / total
    if abs(share - 0.5) > max(0.02, 4 * 0.5 / np.sqrt(total)):
        yield Diagnostic(
            "crowd-position",
            "warning",
            f"{share:.1%} of all votes went to the response shown first. If the order was drawn at random, the crowd as "
            "a whole leans to one side, which no vote of this crowd can correct.",
        )
