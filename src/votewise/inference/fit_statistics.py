"""Statistics that show what the observation model does not describe: difficulty, copying, a preference for one side.

Under the model annotators are right independently of one another, given the truth of a pair. What is left of that where it
does not hold is summed up over pairs, over couples of annotators and over votes. What the sums are compared with is in
``votewise.annotators.fit_tests``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigvalsh_tridiagonal
from scipy.sparse import coo_matrix, csr_matrix
from scipy.special import expit

from votewise.arrays import Bools, Floats, Ints

LEAST_MEETINGS = 2
"""Pairs that two annotators must both have judged for copying to be looked for between them."""

MOST_MEETINGS = 20_000_000
"""Meetings of two annotators on a pair beyond which copying is looked for on the first pairs only."""

LEAST_VARIANCE = 0.02
"""Least variance of one agreement: of two who are always right, one disagreement is not taken for infinitely much."""

LANCZOS = 30
"""Products of a matrix with a vector in which its largest eigenvalue is sought."""

ROBUST_ROUNDS, ROBUST_SCALE = 100, 2.0
"""Rounds of the robust fit of agreement, and the standard deviations at which a couple counts for half."""


def largest_eigenvalue(matrix: csr_matrix) -> float:
    """Of a symmetric sparse matrix, from below: the largest in the span of ``LANCZOS`` products with it."""
    v = np.ones(matrix.shape[0]) / np.sqrt(max(matrix.shape[0], 1))
    before, across = np.zeros_like(v), 0.0
    diagonal, beside = [], []
    for _ in range(min(LANCZOS, matrix.shape[0])):
        w = matrix @ v - across * before
        diagonal.append(float(w @ v))
        w -= diagonal[-1] * v
        across = float(np.linalg.norm(w))
        if across < 1e-9:
            break
        beside.append(across)
        before, v = v, w / across
    return float(eigvalsh_tridiagonal(diagonal, beside[: len(diagonal) - 1])[-1]) if diagonal else 0.0


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

    def difficulty(self, sign: Floats, log_odds: Floats, posterior: Floats) -> float:
        """The score of difficulty: the slope of the log-likelihood in tau^2 at 0, times two.

        With log-odds of a right vote a_k e^u and u ~ N(0, tau^2) for each pair, that slope is the sum over pairs of
        E[(sum s)^2 + sum s] - sum a^2 eta (1 - eta), where s is the slope of a vote's log-probability in u, a (1 - eta) if
        it is right and -a eta if it is wrong, and the mean is over the pair's truth. No test is more powerful against
        small differences, and at the fitted reliabilities their errors do not matter at first order.

        Args:
            sign: (n,) +1 or -1.
            log_odds: (K,) a, the logit of each reliability eta.
            posterior: (M,) log-odds that +1 is right, given the votes.
        """
        a = log_odds[self.annotator]
        eta = expit(a)
        total = -float((a * a * eta * (1 - eta)).sum())
        for truth in (1.0, -1.0):
            slope = np.bincount(self.pair, np.where(sign == truth, a * (1 - eta), -a * eta), minlength=self.pairs)
            total += float(expit(truth * posterior) @ (slope * slope + slope))
        return total

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

    def copying(self, sign: Floats, rho: Floats) -> tuple[float, float]:
        """How much more couples agree than their rhos explain: over all couples, and in the group that stands out most.

        Returns:
            The sum over couples of (R^2 - sum e^2) / v, see ``agreement``, with v the variance of R under the model;
            and the largest eigenvalue of the annotators-by-annotators matrix of R / sqrt(v). Copying is seen in the
            first where a few couples agree far too often, in the second where many annotators have one source.
        """
        at = self.meetings
        agreement, squares = self.agreement(sign, rho)
        variance = at.times * np.maximum(1 - (rho[at.first] * rho[at.second]) ** 2, LEAST_VARIANCE)
        matrix = coo_matrix(
            (agreement / np.sqrt(variance), (at.first, at.second)), shape=(self.annotators,) * 2
        ).tocsr()
        return float(((agreement**2 - squares) / variance).sum()), largest_eigenvalue(matrix + matrix.T)

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
