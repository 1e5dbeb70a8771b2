"""The end of a pass over a stream, and what is counted then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from accelerate.data_loader import IterableDatasetShard
from accelerate.utils import gather_object
from transformers import TrainerCallback

from votewise.train.batch_votes import BatchVotes, StepPart
from votewise.train.streamed_rows import RowsRead


def reads_alike(loader: Any) -> bool:
    """Whether each process reads a whole stream to train on its part, as accelerate does where there are few files."""
    shard = getattr(loader, "dataset", None)
    return isinstance(shard, IterableDatasetShard) and getattr(shard.dataset, "_distributed", None) is None


class EndOfPass(TrainerCallback):
    """Counts what is left at the end of a pass over a stream.

    That is rows after the last one that is trained on, and rows whose optimiser step ends in the next pass.

    Args:
        accelerator: of the run.
        votes: count the rows.
        read: how many rows this process has read.
        waiting: gives the micro-batches that wait for the end of their optimiser step.
    """

    def __init__(
        self, accelerator: Any, votes: BatchVotes, read: RowsRead, waiting: Callable[[], list[StepPart]]
    ) -> None:
        self.accelerator, self.votes, self.read, self.waiting = accelerator, votes, read, waiting

    def on_epoch_end(self, args: Any, state: Any, control: Any, train_dataloader: Any = None, **kwargs: Any) -> None:
        """The pass is over, unless training stopped before."""
        loading = self.accelerator.gradient_state
        if loading.in_dataloader and not loading.end_of_dataloader:
            return
        parts = self.waiting()
        # With drop_last, what comes after the last row may be rows that the data loader has dropped.
        read = {} if args.dataloader_drop_last else self.read.by_reader(self.accelerator.process_index)
        ranks = [([vote for who, *_ in parts for vote in who], read)]
        if self.accelerator.num_processes > 1:
            ranks = gather_object(ranks)
        votes = [vote for who, _ in ranks for vote in who]
        ended = {reader: number for _, each in ranks for reader, number in each.items()}
        self.votes.count(votes, alike=reads_alike(train_dataloader), ended=ended)
        parts[:] = [([replace(vote, counted=True) for vote in who], margin, loss) for who, margin, loss in parts]
