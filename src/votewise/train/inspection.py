"""What a run would train on, without training: rows, lengths in tokens, steps, memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from votewise.data.votes import UNKNOWN, Votes
from votewise.errors import many
from votewise.train.data_counts import DataCounts, given_in, merged_in, remarks_about
from votewise.train.memory import Memory
from votewise.train.shown_rows import ShownRow
from votewise.train.token_lengths import Counts, Lengths
from votewise.train.training_rows import ROW, TrainingRows

LISTED = 5
"""Most rows that are listed by number."""


@dataclass(frozen=True)
class Steps:
    """``epoch``: optimiser steps per epoch; ``total``: steps of the run; ``batch``: rows per step."""

    epoch: int
    total: int
    batch: int


@dataclass(frozen=True, eq=False)
class RunFacts:
    """Everything that a dry run reports; ``render`` and, for the ``first`` rows, ``render_rows`` turn it into text.

    ``counts`` are those that ``trainer.data_counts`` would have, ``lengths`` those of all rows, too long ones as well.
    """

    rows: TrainingRows
    counts: DataCounts
    lengths: Lengths
    left_out: str | None
    steps: Steps
    memory: Memory
    processes: int
    training: Any
    first: tuple[ShownRow, ...] = ()


def count_steps(rows: int, training: Any, processes: int) -> Steps:
    """Optimiser steps, counted as the trainer of transformers counts them."""
    each = training.per_device_train_batch_size * processes
    batches = rows // each if training.dataloader_drop_last else math.ceil(rows / each)
    epoch = max(math.ceil(batches / training.gradient_accumulation_steps), 1)
    total = training.max_steps if training.max_steps > 0 else math.ceil(training.num_train_epochs * epoch)
    return Steps(epoch, total, each * training.gradient_accumulation_steps)


def describe_left_out(rows: TrainingRows, gone: Counts, max_length: int | None) -> str | None:
    """One line about rows with too long prompts, by their row numbers in the source; None if there are none.

    Args:
        rows: the rows of the run.
        gone: which of them are left out.
        max_length: the longest sequence, in tokens.
    """
    if len(gone) == 0:
        return None
    votes = rows.votes
    first = np.full(votes.n_pairs, len(votes), np.int64)
    np.minimum.at(first, votes.pair, np.arange(len(votes)))
    of_vote = np.arange(len(votes)) if votes.row is None else votes.row
    numbers = sorted((of_vote[first[rows.pair[gone]]] + 1).tolist())
    named = ", ".join(f"{number:,}" for number in numbers[:LISTED])
    more = f" and {len(numbers) - LISTED:,} more" if len(numbers) > LISTED else ""
    return (
        f"{len(gone):,} of {len(rows.pair):,} {'rows are' if len(gone) > 1 else 'row is'} left out, because prompts of "
        f"max_length={max_length} tokens or more leave no room for an answer: source row"
        f"{'s' if len(numbers) > 1 else ''} {named}{more}"
    )


def missing_rows(rows: TrainingRows, dataset: Any) -> Counts:
    """Rows that a trainer left out of its dataset."""
    return np.setdiff1d(np.arange(len(rows.pair)), np.asarray(dataset[ROW], np.int64))


def render(facts: RunFacts) -> str:
    """The text that a dry run prints."""
    rows, lengths, steps = facts.rows, facts.lengths, facts.steps
    votes, training = rows.votes, facts.training
    ties = int((votes.sign == 0).sum())
    limit = training.max_length
    answers = np.concatenate([lengths.chosen, lengths.rejected])
    told = {remark.name: remark.text for remark in remarks_about(facts.counts, limit)}
    lines = [
        ("Given", given_in(facts.counts)),
        ("Rows", f"{facts.counts.trained:,}, one per {training.one_row_per}{merged_in(facts.counts)}"),
        ("Votes", f"{len(votes):,} on {many(votes.n_pairs, 'pair')}" + (f", {ties:,} of them ties" if ties else "")),
        ("Annotators", _people(votes)),
        ("Left out", told.pop("Left out", "")),
        ("Too long", facts.left_out or ""),
        ("Prompts", _quantiles(lengths.prompt)),
        ("Answers", _quantiles(answers)),
        *told.items(),
        (
            "Steps",
            f"{steps.total:,}, {steps.epoch:,} per epoch: {many(steps.batch, 'row')} each = "
            f"{training.per_device_train_batch_size} x {training.gradient_accumulation_steps} accumulated x "
            f"{facts.processes} process{'es' if facts.processes > 1 else ''}",
        ),
        ("Loss", f"{training.preference_loss}, objective {training.objective}"),
        ("Model", _parameters(facts.memory)),
        ("Memory", _memory(facts.memory, training)),
    ]  # fmt: skip
    return "\n".join(f"{name:<11} {text}" for name, text in lines if text)


def _people(votes: Votes) -> str:
    """How many annotators there are; votes without a name are by nobody in particular."""
    unknown = UNKNOWN in set(votes.annotator_ids.to_pylist())
    number = votes.n_annotators - unknown
    return ", and ".join([f"{number:,}"] * bool(number) + ["unknown people"] * unknown)


def _quantiles(lengths: Counts) -> str:
    median, most, longest = np.quantile(lengths, [0.5, 0.95, 1.0])
    return f"median {median:,.0f} tokens, 95% have at most {most:,.0f}, longest {longest:,.0f}"


def _parameters(memory: Memory) -> str:
    all_trained = "all trained" if memory.trained == memory.parameters else f"{memory.trained:,} of them trained"
    return f"{memory.parameters:,} parameters, {all_trained}"


def _memory(memory: Memory, training: Any) -> str:
    optimizer = getattr(training.optim, "value", training.optim)
    parts = [
        f"{_size(memory.weights)} weights",
        f"{_size(memory.gradients)} gradients",
        f"{_size(memory.optimizer)} {optimizer}",
        f"{_size(memory.reference)} reference model",
        f"{_size(memory.activations)} activations (roughly, at the longest rows)",
    ]
    return f"about {_size(memory.total)} per process: {', '.join(part for part in parts if not part.startswith('0 '))}"


def _size(number: float) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if number >= scale:
            return f"{number / scale:.1f} {unit}"
    return f"{number / 1e3:.0f} kB" if number >= 500 else "0 kB"
