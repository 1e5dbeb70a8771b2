"""An order of pairs and annotators that depends on the votes alone: not on rows, names or which response is called a.

Random draws are dealt out in some order, so results that depend on draws depend on that order. Here pairs and annotators
are ordered by numbers that describe their place among the votes: how many votes they have and who agreed; then what these
numbers are for those they share votes with, and so on (colour refinement). Two that get the same number play the same
part, so that it does not matter which comes first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from votewise.arrays import Floats, Ints

ROUNDS = 3
"""Times that the numbers of neighbours are taken up."""

Codes = npt.NDArray[np.uint64]


def canonical_order(
    pair: Ints, annotator: Ints, sign: npt.NDArray[np.integer], side: Floats | None, *, pairs: int, annotators: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(M,) and (K,) the place of each pair and of each annotator.

    Args:
        pair: (n,) the pair of each vote.
        annotator: (n,) the annotator of each vote.
        sign: (n,) +1 or -1.
        side: (n,) +1 where the first response was shown first, -1 where the second was; None where that is unknown.
        pairs: M.
        annotators: K.
    """
    balance = np.bincount(pair, sign, minlength=pairs).astype(np.int64)
    # A vote by whether it is with its pair's majority, and by whether it is for what was shown first: neither changes
    # when the two responses change places.
    said = sign * np.sign(balance)[pair] + 1
    if side is not None:
        said = said + 3 * (np.asarray(side * sign, np.int64) + 1)
    vote = _mixed(said.astype(np.uint64))
    of_annotator = _mixed(np.bincount(annotator, minlength=annotators).astype(np.uint64))
    of_pair = _mixed(np.abs(balance).astype(np.uint64))
    for _ in range(ROUNDS):
        # Sums, because they do not depend on the order either; of whole numbers, because those of fractions do.
        of_pair = _mixed(of_pair + _sums(pair, _mixed(of_annotator[annotator] ^ vote), pairs))
        of_annotator = _mixed(of_annotator + _sums(annotator, _mixed(of_pair[pair] ^ vote), annotators))
    return _places(of_pair), _places(of_annotator)


def _sums(place: Ints, value: Codes, size: int) -> Codes:
    total = np.zeros(size, np.uint64)
    np.add.at(total, place, value)
    return total


def _mixed(code: Codes) -> Codes:
    """Other numbers, equal where the codes are equal (the finaliser of splitmix64); overflow is meant."""
    x = code + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def _places(code: Codes) -> npt.NDArray[np.int64]:
    places = np.empty(len(code), np.int64)
    places[np.argsort(code, kind="stable")] = np.arange(len(code))
    return places
