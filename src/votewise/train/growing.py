"""Arrays that grow at their end, in time linear in what is appended."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

SPARE = 2
"""Room for so many times the values there are is made when there is no more."""


class GrowingArray:
    """A vector with room at its end: n appends move about 2 n values in all, where ``np.append`` moves n^2 / 2.

    Args:
        values: (n,) what is in it at first; copied.
    """

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self._room = values.copy()
        self._length = len(values)

    def __len__(self) -> int:
        return self._length

    @property
    def values(self) -> npt.NDArray[Any]:
        """(n,) the values, as a view that can be written to; valid until the next ``append``."""
        return self._room[: self._length]

    def append(self, more: npt.NDArray[Any] | list[Any]) -> None:
        """Add values at the end."""
        length = self._length + len(more)
        if length > len(self._room):
            room = np.empty(max(length, SPARE * len(self._room)), self._room.dtype)
            room[: self._length] = self.values
            self._room = room
        self._room[self._length : length] = more
        self._length = length
