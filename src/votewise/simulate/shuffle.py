"""A random order of any number of things, looked up piece by piece and never held in memory.

A Feistel network over just enough bits is a permutation of all numbers of so many bits. Results beyond the last thing are
sent through it again until they are inside, which makes it a permutation of the things.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from votewise.errors import BadInputError

Numbers = npt.NDArray[np.uint64]
ROUNDS = 8
MOST = 2**62

_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)


class Shuffle:
    """A permutation of 0 to ``size`` - 1.

    Args:
        size: how many things there are, at least 1.
        seed: what ``numpy.random.default_rng`` takes.
    """

    def __init__(self, size: int, seed: int | list[int]) -> None:
        if not 1 <= size <= MOST:
            raise BadInputError("too many or too few to shuffle", value=size, expected=f"1 to {MOST:,}")
        self.size = size
        bits = max(2, (size - 1).bit_length())
        self._right = np.uint64(bits // 2)
        self._masks = (np.uint64((1 << (bits - bits // 2)) - 1), np.uint64((1 << (bits // 2)) - 1))
        self._keys = np.random.default_rng(seed).integers(0, 2**64, ROUNDS, np.uint64)

    def at(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Which thing is at each of these places; places count from 0."""
        found = self._once(places.astype(np.uint64))
        while True:
            outside = np.flatnonzero(found >= self.size)
            if len(outside) == 0:
                return found.astype(np.int64)
            found[outside] = self._once(found[outside])

    def _once(self, x: Numbers) -> Numbers:
        left, right = x >> self._right, x & self._masks[1]
        for i in range(0, ROUNDS, 2):
            left ^= _mixed(right, self._keys[i]) & self._masks[0]
            right ^= _mixed(left, self._keys[i + 1]) & self._masks[1]
        return np.asarray((left << self._right) | right)


def _mixed(x: Numbers, key: np.uint64) -> Numbers:
    mixed = (x ^ key) * _FIRST
    mixed ^= mixed >> _HALF
    mixed *= _SECOND
    return np.asarray(mixed >> _HALF)
