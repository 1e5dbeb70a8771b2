"""Who votes on which pair: every pair by as many different annotators, every annotator as often as drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from votewise.errors import BadInputError
from votewise.simulate.profiles import Profile
from votewise.simulate.shuffle import Shuffle

Codes = npt.NDArray[np.int64]
BLOCK = 2**18
"""Votes that are drawn at once, about; it decides how much memory a simulation takes, however many votes there are."""

USUAL = (20, 200)
"""Fewest and most votes of an annotator, where nobody says."""

TRIES = 200
"""How often two annotators change places to get two votes of one annotator off a pair."""


@dataclass(frozen=True, eq=False)
class Design:
    """How many votes there are and by whom.

    Attributes:
        pairs: M, the number of pairs voted on.
        votes_per_pair: votes on each.
        counts: (K,) places of each annotator; a few may stay empty, see ``blocks``.
        seed: what the order of votes depends on.
    """

    pairs: int
    votes_per_pair: int
    counts: Codes
    seed: int

    @property
    def places(self) -> int:
        """How many votes there are to be."""
        return self.pairs * self.votes_per_pair

    def blocks(self) -> Iterator[tuple[Codes, Codes, Codes]]:
        """Votes in the order of their pairs: (n,) pair, annotator, and how manyth of the annotator's own votes each is.

        Where an annotator stands on a pair twice, places are exchanged with other pairs. What is left after ``TRIES``
        rounds (in crowds hardly larger than ``votes_per_pair``) is dropped, so that a pair may have a vote fewer.
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
        """As ``blocks``, where every annotator votes on every pair."""
        k = len(self.counts)
        orders = [Shuffle(self.pairs, [self.seed, 4, i]) for i in range(k)]
        for first in range(0, self.pairs, max(1, BLOCK // k)):
            pair = np.arange(first, min(first + max(1, BLOCK // k), self.pairs))
            place = np.stack([order.at(pair) for order in orders], axis=1).ravel()
            yield np.repeat(pair, k), np.tile(np.arange(k), len(pair)), place


def make_design(profile: Profile, pairs: int | None, *, seed: int) -> Design:
    """How many annotators vote how often.

    Args:
        profile: ``annotators``, ``votes_per_annotator`` and ``votes_per_pair`` decide.
        pairs: how many there are. With both numbers of annotators and of their votes given, pairs are used as far as the
            votes reach; None for just as many as that.
        seed: seed.

    Raises:
        BadInputError: numbers that do not fit together.
    """
    rng = np.random.default_rng([seed, 3])
    size, range_, per_pair = profile.annotators, profile.votes_per_annotator, profile.votes_per_pair
    if size is None:
        if pairs is None:
            raise BadInputError("how many votes?", expected="a number of pairs or of annotators")
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
        raise BadInputError(f"an annotator with {counts.max():,} votes on {used:,} pairs", expected="one vote a pair")
    return Design(used, per_pair, counts.astype(np.int64), seed)


def _enough(pairs: int, range_: tuple[int, int] | None, per_pair: int, rng: np.random.Generator) -> Codes:
    """Annotators until their votes suffice, ``per_pair`` of them at least; the last have fewer votes."""
    votes = pairs * per_pair
    low, high = USUAL if range_ is None else range_
    low, high = low if range_ else min(low, pairs), min(high, pairs)
    if low > high:
        raise BadInputError(f"{low:,} votes by an annotator on {pairs:,} pairs", expected="one vote a pair at most")
    counts = np.empty(0, np.int64)
    while counts.sum() < votes or len(counts) < per_pair:
        # The middle of the range is more than most draws come to, so that this is seldom too many at once.
        more = int((votes - counts.sum()) // max(1, (low + high) // 2)) + per_pair
        counts = np.append(counts, _spread((low, high), max(1, more), rng))
    needed = int(np.searchsorted(np.cumsum(counts), votes)) + 1
    return _cut(counts[: max(needed, per_pair)], votes)


def _cut(counts: Codes, votes: int) -> Codes:
    """Take away the votes that are too many, from the last annotators first; nobody loses the last vote."""
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
    """Exchange places within a block until no annotator stands on a pair twice; also tell where one still does."""
    twice = _twice(annotator, per_pair)
    for i in range(TRIES if per_pair > 1 else 0):
        these = np.flatnonzero(twice)
        if len(these) == 0:
            break
        if i % 2:
            # In a small crowd the only partners may be on other pairs that have somebody twice.
            others = rng.choice(these, len(these)) // per_pair * per_pair + rng.integers(0, per_pair, len(these))
        else:
            others = rng.integers(0, len(place), len(these))
        # Each place moves once a round: a partner that is drawn twice, or is one of these, waits.
        free = ~np.isin(others, these)
        _, first = np.unique(others, return_index=True)
        alone = np.zeros(len(others), bool)
        alone[first] = True
        these, others = these[free & alone], others[free & alone]
        # Not where the partner's pair has this annotator too, or this pair the partner's.
        good = ~(
            _has(annotator, others, annotator[these], per_pair) | _has(annotator, these, annotator[others], per_pair)
        )
        these, others = these[good], others[good]
        for column in (place, annotator):
            column[these], column[others] = column[others], column[these].copy()
        twice = _twice(annotator, per_pair)
    return place, annotator, twice


def _twice(annotator: Codes, per_pair: int) -> npt.NDArray[np.bool_]:
    """Where an annotator stands on a pair for a second time."""
    table = annotator.reshape(-1, per_pair)
    order = np.argsort(table, axis=1, kind="stable")
    ordered = np.take_along_axis(table, order, axis=1)
    found = np.zeros(table.shape, bool)
    np.put_along_axis(found, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return found.ravel()


def _has(annotator: Codes, places: Codes, wanted: Codes, per_pair: int) -> npt.NDArray[np.bool_]:
    """Whether the pair at each of these places has the annotator wanted there."""
    return np.asarray((annotator.reshape(-1, per_pair)[places // per_pair] == wanted[:, None]).any(axis=1))
