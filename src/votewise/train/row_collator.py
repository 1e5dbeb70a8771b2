"""What the collator adds to a batch: which rows or votes it holds, and how it is packed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from votewise.train.dataset_votes import ROW
from votewise.train.packing import PackingPlan
from votewise.train.scoring import PLAN, FastStep
from votewise.train.streamed_rows import StreamedVote, this_worker


class RowCollator:
    """A collator that passes on the number of each row, or in a stream its vote, and how to pack the batch.

    Numbers and votes stay on the host, in a list: reading them back from a GPU would make every micro-batch wait for it.

    Args:
        collator: makes the batch.
        how: the way of scoring that the run begins with.
        dispatched: whether accelerate takes batches to pieces and joins them again, so that they may hold only tensors.
        process: number of this process.
        max_length: the longest sequence, in tokens; None for no limit.
    """

    def __init__(
        self,
        collator: Any,
        how: FastStep = "off",
        *,
        dispatched: bool = False,
        process: int = 0,
        max_length: int | None = None,
    ) -> None:
        self.collator, self.how, self.dispatched = collator, how, dispatched
        self.process, self.max_length = process, max_length

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch of rows."""
        batch: dict[str, Any] = self.collator(examples)
        plan = self.how in ("shared", "packed") and not self.dispatched
        if plan and batch["input_ids"].device.type == "cpu":
            batch[PLAN] = PackingPlan(batch, share=self.how == "shared")
        if ROW in examples[0]:
            own = [example[ROW] for example in examples]
            if isinstance(own[0], dict):
                batch[ROW] = [self._vote(example) for example in examples]
            else:
                batch[ROW] = torch.tensor(own) if self.dispatched else [int(number) for number in own]
        return batch

    def _vote(self, example: dict[str, Any]) -> StreamedVote:
        """The vote of a row, with the lengths of which only its tokens tell."""
        prompt, *answers = (len(example.get(name) or ()) for name in ("prompt_ids", "chosen_ids", "rejected_ids"))
        return replace(
            StreamedVote(**example[ROW]),
            reader=(self.process, this_worker()),
            cut=self.max_length is not None and prompt + max(answers) > self.max_length,
            no_answer=min(answers) == 0,
        )
