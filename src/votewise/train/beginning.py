"""The start of a run: its rows, the beliefs before the first step, and what is plugged into TRL's trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset, IterableDataset
from peft import PeftModel
from transformers import TrainerCallback

from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.train.audited import audited_reliability
from votewise.train.config import RobustPreferenceConfig
from votewise.train.streamed_beliefs import SOMEBODY, StreamedBeliefs
from votewise.train.training_beliefs import TrainingBeliefs
from votewise.train.training_rows import ROW, TrainingRows, training_rows, votes_of_dataset


def begin(
    train_dataset: Any, args: RobustPreferenceConfig
) -> tuple[TrainingRows | None, TrainingBeliefs | StreamedBeliefs]:
    """The rows to train on (None for a stream) and the beliefs about their votes.

    Raises:
        BadInputError: a dataset of another type, votes that cannot be read, or a folder without an audit.
    """
    settings = args.belief_settings()
    audited = {} if args.beliefs is None else audited_reliability(Path(args.beliefs))
    if isinstance(train_dataset, IterableDataset):
        streamed = StreamedBeliefs(settings)
        streamed.start_at(audited)
        return None, streamed
    source = None
    if not isinstance(train_dataset, Votes):
        if not isinstance(train_dataset, Dataset):
            raise BadInputError(
                "train_dataset", value=type(train_dataset).__name__, expected="a votewise.Votes or a datasets.Dataset"
            )
        source = train_dataset
        train_dataset = votes_of_dataset(source, annotator_column=args.annotator_column)
    rows = training_rows(train_dataset, one_row_per=args.one_row_per, source=source)  # type: ignore[arg-type]
    beliefs = TrainingBeliefs(rows.votes, settings)
    if audited:
        names = rows.votes.annotator_ids.to_pylist()
        beliefs.start_at(np.array([audited.get(name, np.nan) for name in names], float))
    return rows, beliefs


def needs_copy(model: Any, args: RobustPreferenceConfig, others: dict[str, Any]) -> bool:
    """Whether the model was never saved, so TRL could not load the reference model's weights and needs a copy."""
    if isinstance(model, str | PeftModel) or args.precompute_ref_log_probs or others.get("peft_config") is not None:
        return False
    return not getattr(model.config, "_name_or_path", "")


class RowCollator:
    """A collator that passes on the number of each row, or the annotator in a stream."""

    def __init__(self, collator: Any, annotator_column: str | None, *, stream: bool) -> None:
        self.collator, self.annotator_column, self.stream = collator, annotator_column, stream

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch of rows."""
        batch: dict[str, Any] = self.collator(examples)
        if self.stream:
            batch[ROW] = [str(example.get(self.annotator_column or "", SOMEBODY)) for example in examples]
        elif ROW in examples[0]:
            batch[ROW] = torch.tensor([example[ROW] for example in examples])
        return batch


class EndOfEpoch(TrainerCallback):
    """Tells the beliefs when an epoch is over, also if a run is resumed exactly there."""

    def __init__(self, beliefs: TrainingBeliefs | StreamedBeliefs) -> None:
        self.beliefs = beliefs

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The previous epoch is over, unless the run was resumed in the middle of this one."""
        if abs((state.epoch or 0.0) - round(state.epoch or 0.0)) < 1e-9:
            self.beliefs.end_epoch()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The last epoch is over."""
        self.beliefs.end_epoch()
