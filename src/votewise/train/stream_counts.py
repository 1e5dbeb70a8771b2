"""What became of the rows of a stream, counted as they arrive in batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from votewise.train.beginning import Beginning
from votewise.train.data_counts import DataCounts
from votewise.train.streamed_beliefs import SOMEBODY
from votewise.train.streamed_rows import Reader, StreamedVote

COUNTED = (
    "rows",
    "votes",
    "trained",
    "equal_answers",
    "weightless",
    "too_long",
    "cut",
    "no_answer",
    "unknown_people",
)
"""Numbers that grow while a stream is read."""


class StreamCounts:
    """Counts the rows of a stream as they arrive, whoever reads them.

    Every reader (a worker of a process's data loader) numbers the rows that it reads, before TRL leaves out those that are
    too long. So a gap in the numbers of a reader's rows is rows that were left out, and so is what it read after its last
    row. With ``dataloader_drop_last`` what comes after the last row is unknown, and is not counted.

    Args:
        start: what the run starts with.
        processes: of the run.
        workers: of the data loader of each process.
    """

    def __init__(self, start: Beginning, *, processes: int = 1, workers: int = 0) -> None:
        self.now = DataCounts(unused=start.unused, streamed=True)
        self._split = (processes, workers)
        self._next: dict[Reader, int] = {}

    def state(self) -> npt.NDArray[np.int64]:
        """The numbers, for a checkpoint."""
        readers = [number for reader, place in self._next.items() for number in (*reader, place)]
        unknown = self.now.too_long is None
        return np.array(
            [*self._split, unknown, *(getattr(self.now, name) or 0 for name in COUNTED), *readers], np.int64
        )

    def load(self, state: npt.NDArray[np.int64]) -> None:
        """Resume from the ``state`` of a checkpoint; without one, and with other readers, the rows left out are unknown."""
        first = len(self._split) + 1
        end = first + len(COUNTED)
        if len(state) < end or (len(state) - end) % 3:
            self.now = replace(self.now, too_long=None)
            return
        self.now = replace(self.now, **dict(zip(COUNTED, state[first:end].tolist(), strict=True)))
        if state[first - 1] or tuple(state[: first - 1].tolist()) != self._split:
            self.now = replace(self.now, too_long=None)
        self._next = {(process, worker): place for process, worker, place in state[end:].reshape(-1, 3).tolist()}

    def add(
        self, votes: Iterable[StreamedVote], *, alike: bool = False, ended: Mapping[Reader, int] | None = None
    ) -> None:
        """Count rows that have arrived, from all ranks.

        Args:
            votes: one for each row.
            alike: whether all processes read the same rows, and each trains on a part of them.
            ended: at the end of a pass over the stream, how many rows each reader has read, as far as known; else None.
        """
        now, counted, gone = self.now, [], 0
        for reader, rows in _by_reader(votes, alike=alike).items():
            known = self._next.get(reader, 0)
            # Accelerate fills up the last batches of several processes with rows that were trained on before.
            new = [vote for place, vote in rows.items() if place >= known]
            if new:
                counted += new
                gone += max(rows) + 1 - known - len(new)
                self._next[reader] = max(rows) + 1
        if ended is not None:
            read = {reader: number for reader, number in ended.items() if not (alike and reader[0] > 0)}
            gone += sum(max(number - self._next.get(reader, 0), 0) for reader, number in read.items())
            self._next = {}
        equal = sum(vote.equal for vote in counted)
        counting = [vote for vote in counted if vote.weight > 0]
        more: dict[str, int] = {
            "rows": len(counted) + (0 if now.too_long is None else gone),
            "votes": len(counting),
            "trained": len(counting),
            "equal_answers": equal,
            "weightless": len(counted) - len(counting) - equal,
            "too_long": gone,
            "cut": sum(vote.cut for vote in counting),
            "no_answer": sum(vote.no_answer for vote in counting),
            "unknown_people": sum(vote.annotator == SOMEBODY for vote in counting),
        }
        totals = {name: getattr(now, name) + number for name, number in more.items() if getattr(now, name) is not None}
        self.now = replace(now, **totals)


def _by_reader(votes: Iterable[StreamedVote], *, alike: bool) -> dict[Reader, dict[int, StreamedVote]]:
    """The rows of each reader by their places, each once."""
    found: dict[Reader, dict[int, StreamedVote]] = {}
    for vote in votes:
        if vote.counted:
            continue
        found.setdefault((0, vote.reader[1]) if alike else vote.reader, {})[vote.place] = vote
    return found
