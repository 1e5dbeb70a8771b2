"""Who votes on which pair: every pair has equally many different annotators, every annotator as many votes as drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from votewise.errors import BadInputError, many
from votewise.simulate.profiles import Profile
from votewise.simulate.shuffle import Shuffle

Codes = npt.NDArray[np.int64]
BLOCK = 2**18
"""About how many votes are drawn at once; this decides how much memory a simulation takes, however many votes there are."""

USUAL = (20, 200)
"""Fewest and most votes of an annotator by default."""

TRIES = 200
"""Most rounds in which annotators swap places until no annotator has two votes on one pair."""


@dataclass(frozen=True, eq=False)
class Design:
    """How many votes there are and by whom.

    Attributes:
        pairs: M, the number of pairs voted on.
        votes_per_pair: votes on each.
        counts: (K,) votes of each annotator; a few may be dropped, see ``blocks``.
        seed: decides the order of votes.
    """

    pairs: int
    votes_per_pair: int
    counts: Codes
    seed: int

    @property
    def places(self) -> int:
        """How many votes there are, if none is dropped."""
        return self.pairs * self.votes_per_pair

    def blocks(self) -> Iterator[tuple[Codes, Codes, Codes]]:
        """Votes in the order of their pairs: (n,) pair, annotator, and each vote's number among those of its annotator.

        If an annotator is on a pair twice, places are swapped with other pairs. What is left after ``TRIES`` rounds (when
        there are hardly more annotators than ``votes_per_pair``) is dropped, so a pair may have one vote fewer.
        """
        if len(self.counts) == self.votes_per_pair:
            yield from self._everybody()
            return
        shuffle = Shuffle(self.places, [self.seed, 4])
        ends = np.cumsum(self.counts)
        starts = ends - self.counts
        at_once = max(1, BLOCK // self.votes_per_pair)
        for block, first in enumerate(range(0, self.pairs, at_once)):
            last = min(first + at_once, self.pairs)
            place = shuffle.at(np.arange(first * self.votes_per_pair, last * self.votes_per_pair))
            annotator = np.searchsorted(ends, place, side="right")
            rng = np.random.default_rng([self.seed, 5, block])
            place, annotator, twice = _apart(place, annotator, self.votes_per_pair, rng)
            pair = np.repeat(np.arange(first, last), self.votes_per_pair)
            if twice.any():
                pair, place, annotator = pair[~twice], place[~twice], annotator[~twice]
            yield pair, annotator, place - starts[annotator]

    def _everybody(self) -> Iterator[tuple[Codes, Codes, Codes]]:
        """As ``blocks``, if every annotator votes on every pair."""
        k = len(self.counts)
        orders = [Shuffle(self.pairs, [self.seed, 4, i]) for i in range(k)]
        for first in range(0, self.pairs, max(1, BLOCK // k)):
            pair = np.arange(first, min(first + max(1, BLOCK // k), self.pairs))
            place = np.stack([order.at(pair) for order in orders], axis=1).ravel()
            yield np.repeat(pair, k), np.tile(np.arange(k), len(pair)), place


def make_design(profile: Profile, pairs: int | None, *, seed: int) -> Design:
    """Decide how many annotators there are, and how often each votes.

    Args:
        profile: ``annotators``, ``votes_per_annotator`` and ``votes_per_pair`` decide.
        pairs: how many there are. If both the number of annotators and that of their votes are given, as many pairs are
            used as the votes suffice for; None for exactly that many.
        seed: seed.

    Raises:
        BadInputError: numbers that do not fit together.
    """
    rng = np.random.default_rng([seed, 3])
    size, range_, per_pair = profile.annotators, profile.votes_per_annotator, profile.votes_per_pair
    if size is None:
        if pairs is None:
            raise BadInputError("the number of votes is not determined", expected="a number of pairs or of annotators")
        return Design(pairs, per_pair, _enough(pairs, range_, per_pair, rng), seed)
    if range_ is None:
        used = 100 * size // per_pair if pairs is None else pairs
        counts = np.full(size, used * per_pair // size)
        counts[: used * per_pair - counts.sum()] += 1
    else:
        counts = _spread(range_, size, rng)
        used = int(counts.sum()) // per_pair
        if pairs is not None and used > pairs:
            raise BadInputError(
                f"{counts.sum():,} votes by {size:,} annotators are more than {per_pair} on each of {pairs:,} pairs",
                expected="fewer annotators or votes, more pairs, or more votes per pair",
            )
        counts = _cut(counts, used * per_pair)
    if used < 1 or counts.max() > used:
        raise BadInputError(
            f"an annotator with {many(counts.max(), 'vote')} on {many(used, 'pair')}",
            expected="at most one vote on each pair",
        )
    return Design(used, per_pair, counts.astype(np.int64), seed)


def _enough(pairs: int, range_: tuple[int, int] | None, per_pair: int, rng: np.random.Generator) -> Codes:
    """Annotators until their votes suffice, at least ``per_pair`` of them; the last ones have fewer votes."""
    votes = pairs * per_pair
    low, high = USUAL if range_ is None else range_
    low, high = low if range_ else min(low, pairs), min(high, pairs)
    if low > high:
        raise BadInputError(
            f"{many(low, 'vote')} by an annotator on {many(pairs, 'pair')}", expected="at most one vote on each pair"
        )
    counts = np.empty(0, np.int64)
    while counts.sum() < votes or len(counts) < per_pair:
        # Most draws are below the middle of the range, so this is seldom too many at once.
        more = int((votes - counts.sum()) // max(1, (low + high) // 2)) + per_pair
        counts = np.append(counts, _spread((low, high), max(1, more), rng))
    needed = int(np.searchsorted(np.cumsum(counts), votes)) + 1
    return _cut(counts[: max(needed, per_pair)], votes)


def _cut(counts: Codes, votes: int) -> Codes:
    """Remove surplus votes, from the last annotators first; every annotator keeps at least one vote."""
    counts = counts.copy()
    surplus = int(counts.sum()) - votes
    for k in range(len(counts) - 1, -1, -1):
        if surplus <= 0:
            break
        taken = min(surplus, int(counts[k]) - 1)
        counts[k] -= taken
        surplus -= taken
    return counts


def _spread(range_: tuple[int, int], size: int, rng: np.random.Generator) -> Codes:
    low, high = range_
    drawn = np.exp(rng.uniform(np.log(low), np.log(high + 1), size)).astype(np.int64)
    return np.asarray(np.clip(drawn, low, high))


def _apart(
    place: Codes, annotator: Codes, per_pair: int, rng: np.random.Generator
) -> tuple[Codes, Codes, npt.NDArray[np.bool_]]:
    """Swap places within a block until no annotator is on a pair twice; also returns where one still is."""
    twice = _twice(annotator, per_pair)
    for i in range(TRIES if per_pair > 1 else 0):
        these = np.flatnonzero(twice)
        if len(these) == 0:
            break
        if i % 2:
            # With few annotators the only partners may be on other pairs that have somebody twice.
            others = rng.choice(these, len(these)) // per_pair * per_pair + rng.integers(0, per_pair, len(these))
        else:
            others = rng.integers(0, len(place), len(these))
        # Each place moves once per round: a partner that is drawn twice, or is one of these, waits.
        free = ~np.isin(others, these)
        _, first = np.unique(others, return_index=True)
        alone = np.zeros(len(others), bool)
        alone[first] = True
        these, others = these[free & alone], others[free & alone]
        # Not if the partner's pair has this annotator, too, or this pair has the partner's.
        good = ~(
            _has(annotator, others, annotator[these], per_pair) | _has(annotator, these, annotator[others], per_pair)
        )
        these, others = these[good], others[good]
        for column in (place, annotator):
            column[these], column[others] = column[others], column[these].copy()
        twice = _twice(annotator, per_pair)
    return place, annotator, twice


def _twice(annotator: Codes, per_pair: int) -> npt.NDArray[np.bool_]:
    """Where an annotator is on a pair for the second time."""
    table = annotator.reshape(-1, per_pair)
    order = np.argsort(table, axis=1, kind="stable")
    ordered = np.take_along_axis(table, order, axis=1)
    found = np.zeros(table.shape, bool)
    np.put_along_axis(found, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return found.ravel()


def _has(annotator: Codes, places: Codes, wanted: Codes, per_pair: int) -> npt.NDArray[np.bool_]:
    """Whether the pair at each of these places has the annotator wanted there."""
    return np.asarray((annotator.reshape(-1, per_pair)[places // per_pair] == wanted[:, None]).any(axis=1))
