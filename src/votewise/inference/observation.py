"""The observation model: margins and reliabilities -> evidence, posterior log-odds, likelihood.

One line says it all: P(vote = +1 | pair i, annotator k) = 1/2 + rho_k (p_i - 1/2), with p_i = sigmoid(margin_i) and
rho_k = 2 eta_k - 1 [RE-PO eq. 3] [UAA eq. 5]. Given the truth of a pair its votes are independent, so evidence adds up in
log-odds:

    logit P(a truly better | votes) = margin_i + sum_j v_j logit(eta_j)                               (evidence rule)

which is [RE-PO eq. 4] for one vote per pair and one-coin [DS79] for margin 0. Everything here is a pure function of arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.special import expit, logit

from votewise.arrays import Bools, Floats, Ints, Signs

EDGE = 1e-9
"""How close a reliability may come to 0 or 1: beyond this a single vote would outweigh all other evidence."""


def to_attentiveness(reliability: Floats) -> Floats:
    """Rho = 2 eta - 1: from probability of a right vote to share of attentive votes (negative for an adversary)."""
    return 2 * reliability - 1


def to_reliability(attentiveness: Floats) -> Floats:
    """Eta = (1 + rho) / 2, the inverse of ``to_attentiveness``."""
    return (1 + attentiveness) / 2


def vote_probability(p: Floats, reliability: Floats) -> Floats:
    """P(vote = +1) where +1 is truly better with probability ``p``: 1/2 + rho (p - 1/2) [RE-PO eq. 3] [UAA eq. 5]."""
    return 0.5 + to_attentiveness(reliability) * (p - 0.5)


def log_cosh2(x: Floats) -> Floats:
    """log(2 cosh(x / 2)) = log(e^(x/2) + e^(-x/2)), without overflow."""
    size = np.abs(x)
    return np.asarray(size / 2 + np.log1p(np.exp(-size)))


@dataclass(frozen=True, eq=False)
class Evidence:
    """The votes as a matrix: an E-step is one sparse product, an M-step its transpose.

    Attributes:
        pair, annotator, sign: the n votes that are not ties, as in ``Votes``.
        weight: (n,) how many votes each counts for, or None for one each.
        matrix: (M, K) sparse, weight * sign of annotator k's vote on pair i; of several votes, their sum or one entry each.
        counts: (K,) weighted number of votes per annotator.
        margin: (M,) log-odds that +1 is right before any vote is looked at.
        informed: whether some margin is not 0.
        decided: (n,) positions of these votes in the ``Votes`` they came from, or None if no vote is a tie.
        judgement: (n,) code of the judgement that each vote comes from; None where each vote is its own.
    """

    pair: Ints
    annotator: Ints
    sign: Signs
    weight: Floats | None
    matrix: Any = field(repr=False)
    counts: Floats
    margin: Floats
    informed: bool
    decided: npt.NDArray[np.int64] | None = None
    judgement: Ints | None = None

    @classmethod
    def of(
        cls,
        pair: Ints,
        annotator: Ints,
        sign: Signs,
        *,
        margin: Floats,
        annotators: int,
        weight: Floats | None = None,
        judgement: Ints | None = None,
        shared_pairs: bool = True,
    ) -> Evidence:
        """Arrange n votes. Ties carry no evidence and are left out.

        Args:
            pair: (n,) code of each vote's pair, an index into ``margin``.
            annotator: (n,) code of each vote's annotator, below ``annotators``.
            sign: (n,) +1, -1 or 0 for a tie.
            margin: (M,) log-odds that +1 is right before any vote is looked at.
            annotators: K, the number of annotators.
            weight: (n,) how many votes each counts for; None for one each.
            judgement: (n,) code of the judgement that each vote comes from; None where each vote is its own.
            shared_pairs: ``False`` puts every vote on its own pair, which has the margin of the vote's pair, as in RE-PO.
        """
        decided = None
        if not sign.all():
            decided = np.flatnonzero(sign)
            pair, annotator, sign = pair[decided], annotator[decided], sign[decided]
            weight = None if weight is None else weight[decided]
            judgement = None if judgement is None else judgement[decided]
        if not shared_pairs:
            margin = margin[pair]
            pair = np.arange(len(sign), dtype=np.int32)
        data = sign.astype(np.float64)
        if weight is not None:
            data *= weight
        shape = (len(margin), annotators)
        counts = np.bincount(annotator, weight, minlength=shape[1]).astype(np.float64)
        if (pair[1:] >= pair[:-1]).all():
            # Votes sorted by pair, as in most files, are already in the order of the matrix.
            starts = np.zeros(shape[0] + 1, np.int32)
            np.cumsum(np.bincount(pair, minlength=shape[0]), out=starts[1:])
            matrix = csr_matrix((data, annotator.copy(), starts), shape=shape)
        else:
            matrix = csr_matrix((data, (pair, annotator)), shape=shape)
        return cls(pair, annotator, sign, weight, matrix, counts, margin, bool(margin.any()), decided, judgement)

    def select(self, pairs: Bools) -> Evidence:
        """The votes on some of the pairs, which are numbered anew; all annotators stay.

        Args:
            pairs: (M,) True for the pairs to keep.
        """
        if pairs.all():
            return self
        kept = np.flatnonzero(pairs[self.pair])
        code = (np.cumsum(pairs) - 1).astype(np.int32)
        annotator = self.annotator[kept]
        weight = None if self.weight is None else self.weight[kept]
        margin = self.margin[pairs]
        return Evidence(
            pair=code[self.pair[kept]],
            annotator=annotator,
            sign=self.sign[kept],
            weight=weight,
            matrix=self.matrix[pairs],
            counts=np.bincount(annotator, weight, minlength=len(self.counts)).astype(np.float64),
            margin=margin,
            informed=bool(margin.any()),
            decided=kept if self.decided is None else self.decided[kept],
            judgement=None if self.judgement is None else self.judgement[kept],
        )

    def with_margin(self, margin: Floats) -> Evidence:
        """The same votes with other margins (M,)."""
        return replace(self, margin=margin, informed=bool(margin.any()))

    def posterior_log_odds(self, log_odds: Floats, temperature: float = 1.0) -> Floats:
        """(M,) log-odds that +1 is truly better given all votes: the evidence rule; ``log_odds`` (K,) = logit(eta)."""
        votes = np.asarray(self.matrix @ log_odds)
        return votes + temperature * self.margin if self.informed else votes

    def expected_right(self, posterior: Floats) -> Floats:
        """(K,) expected number of right votes per annotator; ``posterior`` (M,) from the evidence rule."""
        # 2 P - 1 = tanh(posterior / 2), which NumPy computes faster than the logistic function.
        return np.asarray(0.5 * (self.by_annotator @ np.tanh(posterior / 2) + self.counts))

    def log_likelihood(self, posterior: Floats, log_odds: Floats, temperature: float = 1.0) -> float:
        """Marginal log-likelihood of the votes, the truth summed out; ``posterior`` (M,) from the evidence rule.

        A pair's likelihood is p prod eta^[v=+1] (1-eta)^[v=-1] + (1-p) prod eta^[v=-1] (1-eta)^[v=+1]; in log-odds that
        is cosh of the posterior over cosh of the margin and of each reliability.
        """
        before = log_cosh2(temperature * self.margin).sum() if self.informed else len(self.margin) * np.log(2.0)
        return float(log_cosh2(posterior).sum() - before - (self.counts * log_cosh2(log_odds)).sum())

    def confidence(self, posterior: Floats) -> Floats:
        """(n,) probability that each vote agrees with the truth [RE-PO eq. 4]."""
        either = np.concatenate([expit(-posterior), expit(posterior)])
        return np.asarray(either[self.pair + np.int32(len(posterior)) * (self.sign > 0)])

    def log_odds_without_own_vote(self, posterior: Floats, log_odds: Floats) -> Floats:
        """(n,) log-odds that each vote is right according to everything except this vote."""
        own = log_odds[self.annotator]
        if self.weight is not None:
            own *= self.weight
        return np.asarray(self.sign * posterior[self.pair] - own)

    @cached_property
    def weighted(self) -> bool:
        """Whether some entry of ``matrix`` is not one vote: weights were given, or an annotator voted twice on a pair."""
        return self.weight is not None or self.matrix.nnz < len(self.sign)

    @cached_property
    def mostly_shared(self) -> bool:
        """Whether at least half of the votes are on pairs with several votes."""
        votes = np.diff(self.matrix.indptr)
        return bool(2 * votes[votes > 1].sum() >= votes.sum())

    @cached_property
    def signs(self) -> Any:
        """(M, K) sparse, the signs of ``matrix``: ``matrix`` itself where every entry is one vote."""
        return self._with(np.sign(self.matrix.data)) if self.weighted else self.matrix

    @cached_property
    def pattern(self) -> Any:
        """(M, K) sparse, 1 where an annotator voted on a pair."""
        return self._with(np.ones_like(self.matrix.data))

    @cached_property
    def squares(self) -> Any:
        """(M, K) sparse, the squares of ``matrix``."""
        return self._with(self.matrix.data**2) if self.weighted else self.pattern

    def _with(self, data: Floats) -> Any:
        """``matrix`` with other data in the same places; scipy's own methods may reorder it in place."""
        return csr_matrix((data, self.matrix.indices, self.matrix.indptr), shape=self.matrix.shape)

    @cached_property
    def by_annotator(self) -> Any:
        """(K, M) sparse: ``matrix`` transposed and stored annotator by annotator, for passes in that order."""
        return csr_matrix(self.matrix.T)


def clipped_logit(reliability: Floats) -> Floats:
    """logit(eta) with eta kept within ``EDGE`` of 0 and 1."""
    return np.asarray(logit(np.clip(reliability, EDGE, 1 - EDGE)))
