"""How many requests may come: a bucket of tokens per caller, which fills as time passes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable


class Buckets:
    """A bucket for each caller, full at first; every request takes one token, and an empty bucket refuses.

    Args:
        per_minute: tokens of a full bucket, and how many come back in a minute.
        clock: seconds that only grow.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size, self._clock = float(per_minute), clock
        self._left: dict[Hashable, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def wait(self, caller: Hashable) -> float:
        """Take a token: 0, or the seconds until there is one."""
        now = self._clock()
        with self._lock:
            left, before = self._left.get(caller, (self._size, now))
            left = min(self._size, left + (now - before) * self._size / 60)
            enough = left >= 1
            self._left[caller] = (left - 1 if enough else left, now)
            return 0.0 if enough else (1 - left) * 60 / self._size
