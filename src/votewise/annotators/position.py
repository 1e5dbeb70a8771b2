"""Position bias: which annotators prefer the response shown first, or second, more often than the answers explain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, bdtrc, betainc

from votewise.arrays import Bools, Floats
from votewise.data.votes import Votes
from votewise.errors import many
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.observation import Evidence

FALSE_ALARMS = 0.05
"""Probability that any annotator is called position-biased when none is (Holm's correction)."""

NOTABLE_BIAS = 0.1
"""How far the share of first-position votes must lie from what the answers explain to be worth a flag."""


@dataclass(frozen=True, eq=False)
class PositionTest:
    """First-position votes per annotator: (K,) ``first`` votes among ``votes``, ``expected`` share, ``p_value``.

    Several votes of one judgement count for fewer votes here, as many as they are worth; both numbers may be fractions.

    ``expected`` is what the annotator's reliability and all other annotators' votes on the same pairs predict, so an
    annotator who happened to see the better answer first is not blamed. ``biased`` is corrected for the number of tests.
    """

    first: Floats
    votes: Floats
    expected: Floats
    p_value: Floats
    biased: Bools


def position_test(
    votes: Votes, evidence: Evidence, predicted: Floats, worth: Floats | None = None
) -> PositionTest | None:
    """Exact two-sided binomial test per annotator, Holm-corrected; None where positions are unknown.

    The number of first-position votes is a sum of unequal Bernoulli variables; the binomial with their mean has a larger
    variance, so the test raises too few alarms rather than too many. ``predicted`` (n,) is each vote's own probability,
    ``worth`` (K,) how many independent votes one vote of each annotator counts for; None for one each.
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
    if worth is None:
        below = bdtr(first, number.astype(int), expected)
        above = np.where(first > 0, bdtrc(np.maximum(first - 1, 0), number.astype(int), expected), 1.0)
    else:
        first, number = first * worth, number * worth
        below, above = _tails(first, number, expected)
    p_value = np.where(number > 0, np.minimum(1.0, 2 * np.minimum(below, above)), 1.0)
    notable = np.abs(first / np.where(number > 0, number, 1.0) - expected) >= NOTABLE_BIAS
    return PositionTest(first, number, expected, p_value, holm(p_value, int((number > 0).sum())) & notable)


def _tails(first: Floats, number: Floats, share: Floats) -> tuple[Floats, Floats]:
    """P(at most ``first``) and P(at least ``first``) of a binomial, continued to numbers that are fractions."""
    at_most = betainc(np.maximum(number - first, 1e-12), first + 1, 1 - share)
    at_least = betainc(np.maximum(first, 1e-12), np.maximum(number - first, 0) + 1, share)
    return np.where(first < number, at_most, 1.0), np.where(first > 0, at_least, 1.0)


def holm(p_value: Floats, tests: int) -> Bools:
    """Which p-values are significant at ``FALSE_ALARMS`` over all ``tests`` together (Holm's step-down procedure)."""
    order = np.argsort(p_value, kind="stable")
    limits = FALSE_ALARMS / np.maximum(tests - np.arange(len(p_value)), 1)
    passed = np.logical_and.accumulate(p_value[order] <= limits)
    significant = np.zeros(len(p_value), bool)
    significant[order] = passed
    return significant


def position_findings(position: PositionTest | None) -> Iterator[Diagnostic]:
    """What the position tests found, for single annotators and for all together."""
    if position is None or position.votes.sum() == 0:
        return
    yield Diagnostic(
        "position-tests",
        "info",
        f"Tested for position bias: {many(int((position.votes > 0).sum()), 'annotator')}, corrected for the number of "
        f"tests (Holm, {FALSE_ALARMS:.0%} for any false alarm): {int(position.biased.sum()):,} found.",
    )
    total = position.votes.sum()
    share = position.first.sum() / total
    if abs(share - 0.5) > max(0.02, 4 * 0.5 / np.sqrt(total)):
        yield Diagnostic(
            "crowd-position",
            "warning",
            f"{share:.1%} of all votes went to the response shown first. If the order was drawn at random, the annotators "
            "together prefer one position, which no vote of theirs can correct.",
        )
