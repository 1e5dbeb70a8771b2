"""Selective DPO: train on the pairs that are easiest for a model of this size, from easy to hard [Selective DPO].

How hard a pair is, is the loss that models have on it which were trained on other pairs. A wrong vote is hard, and so is
a right one that is beyond the model: the method does not tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from datasets import Dataset

from votewise.arrays import Floats
from votewise.data.identity import seen_digest
from votewise.errors import BadInputError, many
from votewise.train.gathered import gathered

SPLITS = 3
"""Random halvings of the data, each of which trains two models."""


def easiest(loss: npt.ArrayLike, share: float) -> npt.NDArray[np.int64]:
    """(m,) the rows with the lowest losses, from easy to hard; m is ``share`` of all, at least 1.

    Args:
        loss: (n,) held-out loss of each row; equal losses keep their order.
        share: how much to keep, above 0 and at most 1 [Selective DPO: 0.5].

    Raises:
        BadInputError: a share out of range, or a loss that is not a number.
    """
    value = np.asarray(loss, np.float64)
    if not 0 < share <= 1:
        raise BadInputError("share of rows to keep", value=share, expected="above 0 and at most 1")
    if len(value) == 0 or np.isnan(value).any():
        where = int(np.isnan(value).argmax()) + 1 if len(value) else 0
        raise BadInputError(f"the loss of row {where:,} is not a number" if where else "there are no rows")
    return np.argsort(value, kind="stable")[: max(1, round(share * len(value)))]


def held_out_losses(rows: Any, train: Callable[[Any], Any], *, splits: int = SPLITS, seed: int = 0) -> Floats:
    """(n,) mean loss of each row under models that were not trained on it.

    Each of ``splits`` random halvings trains one model on either half and measures it on the other: every row is measured
    ``splits`` times, at the cost of ``splits`` trainings on all rows. Rows with the same prompt stay together.

    Args:
        rows: a ``datasets.Dataset`` of n rows.
        train: trains a new model on some rows and returns its ``RobustPreferenceTrainer``.
        splits: number of halvings, at least 1.
        seed: seed of the halvings.

    Raises:
        BadInputError: fewer than 2 prompts, no halvings, or as for ``pair_losses``.
    """
    prompt = _prompts(rows)
    n = int(prompt.max(initial=-1)) + 1
    if n < 2 or splits < 1:
        raise BadInputError(f"{many(n, 'prompt')} and {many(splits, 'halving')}", expected="at least 2 and 1")
    rng = np.random.default_rng(seed)
    total = np.zeros(len(prompt))
    for _ in range(splits):
        first_half = np.isin(prompt, rng.permutation(n)[: n // 2])
        one, other = np.flatnonzero(first_half), np.flatnonzero(~first_half)
        for seen, hidden in ((one, other), (other, one)):
            total[hidden] += pair_losses(train(rows.select(seen)), rows.select(hidden))
    return total / splits


def _prompts(rows: Any) -> npt.NDArray[np.int64]:
    """(n,) number of each row's prompt, a text or messages; every row has its own where there is no such column."""
    if "prompt" not in rows.column_names:
        return np.arange(len(rows))
    codes: dict[str, int] = {}
    return np.array([codes.setdefault(seen_digest(value), len(codes)) for value in rows["prompt"]], np.int64)


def easiest_rows(dataset: Any, args: Any) -> Any:
    """The share ``keep_easiest`` of a dataset's rows with the lowest ``loss_column``, from easy to hard, without the column.

    Args:
        dataset: what is to be trained on; as it is where ``keep_easiest`` is 1.
        args: a ``RobustPreferenceConfig``.

    Raises:
        BadInputError: a stream or ``Votes``, or no such column.
    """
    if args.keep_easiest == 1:
        return dataset
    if not isinstance(dataset, Dataset):
        raise BadInputError(
            "keep_easiest sorts all rows before training",
            value=type(dataset).__name__,
            expected=f"a dataset in memory with the column {args.loss_column}, neither a stream nor votes",
        )
    if args.loss_column not in dataset.column_names:
        raise BadInputError(
            f"has no column {args.loss_column}, which keep_easiest sorts by",
            source="train_dataset",
            expected="losses of votewise.train.selective.held_out_losses, or loss_column with another name",
        )
    kept = easiest(dataset[args.loss_column][:], args.keep_easiest)
    return gathered(dataset.remove_columns(args.loss_column), kept)


def pair_losses(trainer: Any, rows: Any) -> Floats:
    """(n,) loss of each row's vote under the trainer's model as it is, L(chosen > rejected).

    Args:
        trainer: a ``RobustPreferenceTrainer`` in one process.
        rows: a ``datasets.Dataset`` with ``prompt``, ``chosen`` and ``rejected``.

    Raises:
        BadInputError: several processes, or rows that are too long for the model.
    """
    if trainer.accelerator.num_processes > 1:
        raise BadInputError(
            "losses of single rows are measured in one process",
            value=trainer.accelerator.num_processes,
            expected="1 process; training on the rows that are kept may use more",
        )
    columns = [name for name in ("prompt", "chosen", "rejected") if name in rows.column_names]
    with trainer.losses_heard() as heard:
        trainer.evaluate(rows.select_columns(columns))
    found = np.asarray(torch.cat(heard).double().cpu().numpy())
    if len(found) != len(rows):
        raise BadInputError(
            f"{many(len(rows) - len(found), 'row')} of {len(rows):,} left no room for an answer",
            expected="a larger max_length",
        )
    return found
