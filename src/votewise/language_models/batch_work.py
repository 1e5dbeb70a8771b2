"""Work in batches that can be interrupted: which batches are left, and what happens to a finished one."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from votewise.errors import BadInputError
from votewise.storage.journal import Journal
from votewise.storage.staging import temporary_folder

BatchProgress = Callable[[str, int, int, int, float], None]
"""Called after every batch: what is being done, finished items, all items, tokens and seconds of this run."""


def batches_left(lengths: Sequence[int], size: int, done: Container[int]) -> list[list[int]]:
    """The batches that are not done, of items with similar lengths.

    The longest come first, so that a batch that is too large for the memory shows at once. The batches depend only on the
    lengths and the size, and one that is partly done is there as a whole: a resumed run has the same batches.

    Args:
        lengths: of all items.
        size: how many go into a batch.
        done: the numbers of the finished items.

    Raises:
        BadInputError: ``size`` below 1.
    """
    if size < 1:
        raise BadInputError("a batch holds at least one", parameter="batch_size", value=size)
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    return [batch for batch in batches if not all(i in done for i in batch)]


@contextmanager
def open_journal(out: Path | None, settings: Mapping[str, Any], *, restart: bool = False) -> Iterator[Journal]:
    """The journal beside ``out``, or one in a temporary folder if nothing is written."""
    if out is not None:
        with Journal(out, settings, restart=restart) as journal:
            yield journal
        return
    with temporary_folder() as folder, Journal(Path(folder, "out"), settings) as journal:
        yield journal


class BatchWork:
    """Finished batches: writes them to a journal, counts tokens and seconds, and reports the progress.

    Attributes:
        tokens: tokens of all batches.
        seconds: time that the batches took, without loading the models.
    """

    def __init__(self, journal: Journal, progress: BatchProgress | None = None) -> None:
        self.tokens, self.seconds = 0, 0.0
        self._journal, self._progress = journal, progress

    def start(self, what: str, keys: Sequence[str], done: Iterable[int]) -> None:
        """Start the work on some items.

        Args:
            what: a name for the progress.
            keys: names of the items in the journal.
            done: the numbers of those that are finished.
        """
        self._what, self._keys, self._finished = what, keys, set(done)
        self._clock = time.monotonic()

    def add(self, batch: Sequence[tuple[int, dict[str, Any], int]]) -> None:
        """Take a finished batch: numbers of items, their records for the journal, and their tokens.

        An empty batch says that the model is ready: the time before it is not counted.
        """
        self._clock, before = time.monotonic(), self._clock
        if not batch:
            return
        self.seconds += self._clock - before
        self._journal.extend((self._keys[number], record) for number, record, _ in batch)
        self._finished |= {number for number, _, _ in batch}
        self.tokens += sum(tokens for _, _, tokens in batch)
        if self._progress is not None:
            self._progress(self._what, len(self._finished), len(self._keys), self.tokens, self.seconds)
