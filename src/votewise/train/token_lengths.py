"""Lengths of rows in tokens, as TRL's own data preparation makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from votewise.train.loading import tokenizer_of
from votewise.train.trl_adapter import tokenize_pairs

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lengths:
    """Lengths of R rows in tokens: (R,) of the prompts and of the answers, which include their end token."""

    prompt: Counts
    chosen: Counts
    rejected: Counts

    @property
    def sequence(self) -> Counts:
        """(R,) prompt and longer answer together."""
        return self.prompt + np.maximum(self.chosen, self.rejected)

    def of(self, rows: Counts) -> Lengths:
        """The lengths of these rows."""
        return Lengths(self.prompt[rows], self.chosen[rows], self.rejected[rows])

    def too_long(self, max_length: int | None) -> Counts:
        """Rows whose prompt leaves no room for answers within ``max_length``; TRL drops them without a message."""
        return np.flatnonzero(self.prompt >= max_length) if max_length is not None else np.empty(0, np.int64)


def lengths_of(tokenized: Any) -> Lengths:
    """The lengths of rows with ``prompt_ids``, ``chosen_ids`` and ``rejected_ids``."""
    names = ("prompt_ids", "chosen_ids", "rejected_ids")
    rows = tokenized.select_columns(list(names)).with_format("arrow")[:]
    return Lengths(*(pc.list_value_length(rows[name]).to_numpy().astype(np.int64) for name in names))


def measure_lengths(dataset: Any, processor: Any, training: Any) -> Lengths:
    """Tokens of each row, counted by TRL's own data preparation, so chat templates are included."""
    return lengths_of(tokenize_pairs(dataset, processor, tokenizer_of(processor), processes=training.dataset_num_proc))
