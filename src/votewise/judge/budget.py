"""What has been spent, and whether one more question could exceed a limit."""

from __future__ import annotations

import threading


class Budget:
    """Money, counted by several threads.

    Attributes:
        spent: by all replies so far, those of earlier runs included.
        stopped: whether a question was not sent because of the limit.
    """

    def __init__(self, limit: float | None, spent: float = 0.0) -> None:
        self.spent, self.stopped = spent, False
        self._limit, self._reserved, self._lock = limit, 0.0, threading.Lock()

    def reserve(self, cost: float) -> bool:
        """Set aside what a question may cost; False where that could exceed the limit."""
        with self._lock:
            if self._limit is not None and self.spent + self._reserved + cost > self._limit:
                self.stopped = True
                return False
            self._reserved += cost
            return True

    def pay(self, reserved: float, cost: float) -> None:
        """A reply has come: its cost takes the place of what was set aside for it."""
        with self._lock:
            self._reserved -= reserved
            self.spent += cost
