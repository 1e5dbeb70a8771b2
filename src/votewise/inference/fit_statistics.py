"""Statistics that show what the observation model does not describe: difficulty, copying, a preference for one side.

Given the truth t of a pair, annotators are right independently of one another. With rho_k = 2 eta_k - 1 the product of m
votes on one pair has the mean t^m times the product of their rhos. For an even m the unknown truth drops out. So these sums
have mean 0 under the model and need no truth; what they are compared with is in ``votewise.annotators.fit_tests``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt

from votewise.arrays import Bools, Floats, Ints

LEAST_MEETINGS = 2
"""Pairs that two annotators must both have judged for copying to be looked for between them."""

MOST_MEETINGS = 20_000_000
"""Meetings of two annotators on a pair beyond which copying is looked for on the first pairs only."""

ROBUST_ROUNDS, ROBUST_SCALE = 100, 2.0
"""Rounds of the robust fit of agreement, and the standard deviations at which a couple counts for half."""


def elementary_sums(value: Floats, pair: Ints, pairs: int) -> tuple[Floats, Floats]:
    """(M,) e2 and (M,) e4 of each pair: the sums over all sets of 2 and of 4 of its values of their products.

    By Newton's identities from the sums of powers; 0 where a pair has too few values.

    Args:
        value: (n,) a number per vote.
        pair: (n,) the pair of each, below ``pairs``.
        pairs: M.
    """
    square = value * value
    p1, p2, p3, p4 = (np.bincount(pair, v, minlength=pairs) for v in (value, square, square * value, square * square))
    e2 = (p1 * p1 - p2) / 2
    e4 = (p1**4 - 6 * p1 * p1 * p2 + 3 * p2 * p2 + 8 * p1 * p3 - 6 * p4) / 24
    return e2, e4


def fours_weight(votes: npt.NDArray[np.integer], square: float) -> Floats:
    """(M,) weight of a pair's e4: its number of fours over the variance of e4 if all votes had rho^2 = ``square``.

    Two fours that share c votes have a product with mean square^(4 - c), and c votes can be shared in
    C(4, c) C(n - 4, 4 - c) ways. 0 for pairs with fewer than four votes.
    """
    number, place = np.unique(votes, return_inverse=True)
    weight = np.zeros(len(number))
    for i, n in enumerate(number.tolist()):
        if n >= 4:
            shared = (comb(4, c) * comb(n - 4, 4 - c) * (square ** (4 - c) - square**4) for c in range(1, 5))
            weight[i] = 1 / max(sum(shared), 1e-12)
    return np.asarray(weight[place])


@dataclass(frozen=True, eq=False)
class Meetings:
    """Where two annotators judged the same pair, for couples who met at least ``LEAST_MEETINGS`` times.

    Attributes:
        one, other: (J,) positions of the two votes.
        couple: (J,) number of the couple, below C.
        first, second: (C,) the two annotators of each couple.
        times: (C,) how often they met.
    """

    one: Ints
    other: Ints
    couple: Ints
    first: Ints
    second: Ints
    times: Floats

    @classmethod
    def of(cls, pair: Ints, annotator: Ints) -> Meetings:
        """All meetings of n votes, sorted by ``pair`` (n,); ``annotator`` (n,)."""
        starts = np.flatnonzero(np.append(True, pair[1:] != pair[:-1])) if len(pair) else np.zeros(0, np.int64)
        ends = np.append(starts[1:], len(pair))
        later = np.repeat(ends, ends - starts) - np.arange(len(pair)) - 1
        later[np.cumsum(later) > MOST_MEETINGS] = 0
        one = np.repeat(np.arange(len(pair)), later)
        other = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(later) - later, later)
        low, high = (f(annotator[one], annotator[other]) for f in (np.minimum, np.maximum))
        size = int(annotator.max(initial=0)) + 1
        key, couple, times = np.unique(low.astype(np.int64) * size + high, return_inverse=True, return_counts=True)
        kept = (times >= LEAST_MEETINGS) & (key // size != key % size)
        number = np.cumsum(kept) - 1
        use = kept[couple]
        return cls(
            one[use],
            other[use],
            number[couple[use]],
            (key[kept] // size).astype(np.int32),
            (key[kept] % size).astype(np.int32),
            times[kept].astype(np.float64),
        )


@dataclass(frozen=True, eq=False)
class FitStatistics:
    """Where votes stand, which never changes, and the statistics of what they say.

    Attributes:
        pair: (n,) pair of each vote, ascending.
        annotator: (n,) annotator of each vote.
        pairs, annotators: M and K.
        side: (n,) +1 where response_a was shown first, -1 where response_b was; None where that is unknown.
        votes: (M,) votes per pair.
        meetings: where two annotators judged the same pair.
    """

    pair: Ints
    annotator: Ints
    pairs: int
    annotators: int
    side: Floats | None
    votes: npt.NDArray[np.int64]
    meetings: Meetings

    @classmethod
    def of(cls, pair: Ints, annotator: Ints, pairs: int, annotators: int, side: Floats | None = None) -> FitStatistics:
        """Arrange n votes, sorted by ``pair``."""
        votes = np.bincount(pair, minlength=pairs)
        return cls(pair, annotator, pairs, annotators, side, votes, Meetings.of(pair, annotator))

    @property
    def with_four(self) -> Bools:
        """(M,) which pairs have four votes or more."""
        return self.votes >= 4

    def difficulty(self, sign: Floats, rho: Floats) -> float:
        """Sum of W (e4(votes) - e4(rhos)) - beta W (e2(votes) - e2(rhos)) over pairs with four votes or more.

        Where pairs differ in difficulty, four votes agree more often than agreement of two explains, and the sum is above
        0. With beta = 2 sum W e4(rhos) / sum W e2(rhos) a common error in the size of all rhos drops out.

        Args:
            sign: (n,) +1 or -1.
            rho: (K,) attentiveness of each annotator.
        """
        said, expected = (elementary_sums(v, self.pair, self.pairs) for v in (sign, rho[self.annotator]))
        couples = self.votes * (self.votes - 1) / 2
        square = float(np.clip(expected[0].sum() / max(couples.sum(), 1), 0, 0.999))
        weight = fours_weight(self.votes, square)
        weighted_two = weight @ expected[0]
        beta = 2 * (weight @ expected[1]) / weighted_two if weighted_two > 0 else 0.0
        return float(weight @ (said[1] - expected[1] - beta * (said[0] - expected[0])))

    def together(self, sign: Floats) -> Floats:
        """(C,) how much oftener each couple agreed than it disagreed."""
        at = self.meetings
        return np.bincount(at.couple, sign[at.one] * sign[at.other], minlength=len(at.times)).astype(np.float64)

    def agreement(self, sign: Floats, rho: Floats) -> tuple[Floats, Floats]:
        """(C,) R and (C,) sum of e^2 per couple: e = v_k v_l - rho_k rho_l over the pairs they share, and R = sum e."""
        at, times = self.meetings, self.meetings.times
        together = self.together(sign)
        expected = rho[at.first] * rho[at.second]
        return together - times * expected, times * (1 + expected**2) - 2 * expected * together

    def robust_rho(self, sign: Floats) -> Floats:
        """(K,) attentiveness that explains how often most couples agree, whatever the others do.

        Least squares of rho_k rho_l on the shares of agreement, in turns, with Cauchy's weights: couples far off count
        less and less. Copying pulls an ordinary fit so far that those who do not copy stand out; from these rhos copiers do.
        """
        at = self.meetings
        agreed = self.together(sign) / at.times
        rho = np.full(self.annotators, np.sqrt(np.clip(np.average(agreed, weights=at.times), 0.01, 1)))
        people = np.concatenate([at.first, at.second])
        others = np.concatenate([at.second, at.first])
        for _ in range(ROBUST_ROUNDS):
            expected = rho[at.first] * rho[at.second]
            score = (agreed - expected) ** 2 * at.times / np.maximum(1 - expected**2, 0.05)
            weight = np.tile(at.times / (1 + score / ROBUST_SCALE**2), 2)
            number = np.bincount(people, weight * rho[others] ** 2, minlength=self.annotators)
            total = np.bincount(people, weight * rho[others] * np.tile(agreed, 2), minlength=self.annotators)
            # Half a step: whole steps of both members of a couple overshoot. One meeting's worth pulls towards before.
            rho = np.clip((rho + (total + rho) / (number + 1)) / 2, -1, 1)
        return rho

    def copying(self, sign: Floats, rho: Floats) -> float:
        """Sum of R^2 - sum e^2 over couples, see ``agreement``: above 0 where some agree more than their rhos explain."""
        agreement, squares = self.agreement(sign, rho)
        return float((agreement**2 - squares).sum())

    def sides(self, sign: Floats, expected: Floats) -> tuple[Floats, Floats]:
        """(K,) sum and (K,) sum of squares, per annotator, of what is left of the votes for the response shown first.

        Args:
            sign: (n,) +1 or -1.
            expected: (n,) mean of each vote according to its annotator's rho and the other votes on the pair.
        """
        if self.side is None:
            raise ValueError("which response was shown first is unknown")
        left = self.side * (sign - expected)
        total, squares = (np.bincount(self.annotator, v, minlength=self.annotators) for v in (left, left**2))
        return np.asarray(total, np.float64), np.asarray(squares, np.float64)
