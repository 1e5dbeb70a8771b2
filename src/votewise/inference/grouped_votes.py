"""Votes of annotators in groups: which votes share an error, arranged so that equal ones are computed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from votewise.arrays import Floats, Ints
from votewise.inference.observation import Evidence

MOST_VOTES = 30
"""Votes of a pattern up to which the product of their probabilities is far from the smallest number."""

CHUNK = 2048
"""Patterns computed at a time, so that their nodes stay in the processor's cache."""

FEW_PATTERNS = 5000
"""Patterns up to which shared errors have many values from the beginning."""

PART = 65_536
"""Patterns whose expected votes are added up at a time."""


class Alike(NamedTuple):
    """Patterns of s votes each.

    Attributes:
        rows: their codes.
        votes: (s, U_s) their votes, as ``places_shown``.
    """

    rows: slice
    votes: Ints


@dataclass(frozen=True, eq=False)
class GroupedVotes:
    """Votes, and which of them share an error.

    A block is what one group said about one pair, if it is two votes or more. Blocks in which the same annotators said
    the same are one pattern, and are computed once: six judges have at most 64.

    Attributes:
        evidence: all votes.
        group: (K,) code of each annotator's group, -1 for none.
        groups: G, their number.
        alone: (M, K) sparse, the signed votes in no block.
        alone_counts: (K,) their weighted number per annotator.
        signed: (U, K) sparse, the signed votes of each pattern; patterns of fewer votes come first.
        size: (U, K) sparse, the same without signs.
        pattern: (B,) code of each block's pattern.
        pair: (B,) code of each block's pair.
        block: (n,) code of the block of each vote, -1 for none.
        shown: the votes that make the patterns, pattern by pattern.
        fine: whether shared errors have many values, which a large r or many votes in a block need.
    """

    evidence: Evidence
    group: Ints
    groups: int
    alone: Any = field(repr=False)
    alone_counts: Floats = field(repr=False)
    signed: Any = field(repr=False)
    size: Any = field(repr=False)
    pattern: npt.NDArray[np.int64] = field(repr=False)
    pair: npt.NDArray[np.int64] = field(repr=False)
    block: npt.NDArray[np.int64] = field(repr=False)
    shown: npt.NDArray[np.int64] = field(repr=False)
    fine: bool = False

    @classmethod
    def of(cls, evidence: Evidence, group: Ints) -> GroupedVotes:
        """Arrange ``evidence``, whose annotators are in the groups ``group`` (K,), -1 for none."""
        k, m, groups = len(evidence.counts), len(evidence.margin), int(group.max(initial=-1)) + 1
        of_vote = group[evidence.annotator].astype(np.int64)
        key = np.where(of_vote >= 0, evidence.pair.astype(np.int64) * max(groups, 1) + of_vote, -1)
        inside = np.flatnonzero(key >= 0)
        number = np.bincount(key[inside], minlength=m * max(groups, 1))
        inside = inside[number[key[inside]] > 1]
        block = np.full(len(key), -1, np.int64)
        names = np.flatnonzero(number > 1)
        code = np.zeros(len(number), np.int64)
        code[names] = np.arange(len(names))
        block[inside] = code[key[inside]]
        value = evidence.sign.astype(np.float64)
        value = value if evidence.weight is None else value * evidence.weight
        outside = block < 0
        alone = csr_matrix((value[outside], (evidence.pair[outside], evidence.annotator[outside])), shape=(m, k))
        alone_counts = np.bincount(evidence.annotator[outside], np.abs(value[outside]), minlength=k)
        order = inside[np.argsort(block[inside], kind="stable")]
        pattern, first = _patterns(block[order], evidence.annotator[order], value[order])
        # By size, so that patterns of as many votes are computed together.
        by_size = np.argsort(number[names][first], kind="stable")
        first, pattern = first[by_size], np.argsort(by_size, kind="stable")[pattern]
        chosen = order[first[pattern[block[order]]] == block[order]]
        chosen = chosen[np.argsort(pattern[block[chosen]], kind="stable")]
        where = (pattern[block[chosen]], evidence.annotator[chosen])
        shape = (len(first), k)
        signed = csr_matrix((value[chosen], where), shape=shape)
        size = csr_matrix((np.abs(value[chosen]), where), shape=shape)
        pair = names // max(groups, 1)
        counts, fine = alone_counts.astype(np.float64), len(first) <= FEW_PATTERNS
        return cls(evidence, group, groups, alone, counts, signed, size, pattern, pair, block, chosen, fine)

    @cached_property
    def shared_votes(self) -> Floats:
        """(G,) weighted number of votes of each group that share their pair with another vote of it."""
        inside = self.block >= 0
        of = self.group[self.evidence.annotator[inside]]
        weight = None if self.evidence.weight is None else self.evidence.weight[inside]
        return np.bincount(of, weight, minlength=self.groups).astype(np.float64)

    @cached_property
    def of_members(self) -> tuple[Any, Any]:
        """``signed`` and ``size`` of the ``members`` alone: (U, J)."""
        return self.signed[:, self.members], self.size[:, self.members]

    @cached_property
    def parts(self) -> list[tuple[slice, Any]]:
        """Patterns, some at a time: their codes, and (2 J, U') sizes of members' votes for +1, and then of those for -1."""
        evidence, patterns, number = self.evidence, self.signed.shape[0], len(self.members)
        size = np.bincount(self.pattern[self.block[self.shown]], minlength=patterns)
        data = np.ones(len(self.shown)) if evidence.weight is None else np.abs(evidence.weight[self.shown])
        starts = np.concatenate([[0], np.cumsum(size)])
        of_patterns = csr_matrix((data, self.places_shown, starts), shape=(patterns, 2 * number))
        # As the transpose of its rows, so that a product goes through the patterns, of which there are many, in turn.
        every = [slice(start, min(start + PART, patterns)) for start in range(0, patterns, PART)]
        return [(rows, of_patterns[rows].T) for rows in every]

    @cached_property
    def places_shown(self) -> npt.NDArray[np.int64]:
        """The votes ``shown``, as places in a table of the votes for +1 of J members and then of those for -1."""
        place = np.zeros(len(self.group), np.int64)
        place[self.members] = np.arange(len(self.members))
        against = self.evidence.sign[self.shown] < 0
        return np.asarray(place[self.evidence.annotator[self.shown]] + len(self.members) * against)

    @cached_property
    def blocks(self) -> Floats:
        """(U,) how many blocks have each pattern."""
        return np.bincount(self.pattern, minlength=self.signed.shape[0]).astype(np.float64)

    @cached_property
    def by_size(self) -> list[Alike] | None:
        """Patterns of equally many votes, some at a time.

        None where votes have weights, or a pattern has so many votes that the product of their
        probabilities might vanish.
        """
        size = np.bincount(self.pattern[self.block[self.shown]], minlength=self.signed.shape[0])
        if self.evidence.weight is not None or size.max(initial=0) > MOST_VOTES:
            return None
        starts, places = np.concatenate([[0], np.cumsum(size)]), self.places_shown
        found = []
        for s in np.unique(size):
            start, end = np.searchsorted(size, s), np.searchsorted(size, s, side="right")
            for first in range(start, end, CHUNK):
                rows = slice(first, min(first + CHUNK, int(end)))
                at, shape = slice(starts[rows.start], starts[rows.stop]), (rows.stop - rows.start, s)
                found.append(Alike(rows, np.ascontiguousarray(places[at].reshape(shape).T)))
        return found

    @cached_property
    def members(self) -> npt.NDArray[np.int64]:
        """Codes of the annotators who have a vote in a block."""
        inside = np.bincount(self.evidence.annotator[self.block >= 0], minlength=len(self.group))
        return np.flatnonzero(inside).astype(np.int64)


def _patterns(
    block: npt.NDArray[np.int64], annotator: Ints, value: Floats
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(B,) code of each block's pattern and (U,) one block of each; the votes are sorted by block."""
    if len(block) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    if not (np.abs(value) == 1).all():  # blocks that also differ in weights seldom repeat
        each = np.arange(block[-1] + 1)
        return each, each
    # Two patterns have equal sums with a probability of 2^-64, for a million of them 3 in 100 million.
    draws = np.random.default_rng(0).integers(0, 2**64, (int(annotator.max()) + 1, 2), dtype=np.uint64)
    with np.errstate(over="ignore"):
        of_vote = draws[annotator, (value > 0).astype(np.int64)]
        sums = np.add.reduceat(of_vote, np.flatnonzero(np.diff(block, prepend=-1)))
    _, first, code = np.unique(sums, return_index=True, return_inverse=True)
    return code.astype(np.int64), first.astype(np.int64)
