"""A made-up world with a tiny model and votes of good and bad annotators, and training of the model in it.

Needs the [train] extra.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import datasets
import numpy as np
import torch
import transformers

from votewise.arrays import Floats
from votewise.data.votes import Votes
from votewise.demo.facts import Facts, held_out_questions, make_facts, simulate_fact_votes
from votewise.demo.methods import LOSS_SETTINGS, Method
from votewise.demo.tiny_model import make_tokenizer, pretrain, sampled_shares
from votewise.simulate import SimulatedVotes
from votewise.storage.staging import temporary_folder
from votewise.train import RobustPreferenceConfig, RobustPreferenceTrainer
from votewise.train.objectives import CONFIDENCE_OBJECTIVES

TRAINING: dict[str, Any] = {
    "learning_rate": 6e-4,  # with a third of it there are too few steps to learn from the labels (docs/log.md)
    "lr_scheduler_type": "cosine",
    "num_train_epochs": 1,
    "per_device_train_batch_size": 64,
    "write_beliefs": False,
    "report_to": "none",
    "save_strategy": "no",
    "logging_strategy": "no",
    "disable_tqdm": True,
    "bf16": False,
    "gradient_checkpointing": False,
}
"""Settings of every training run, unless the method or the caller sets others."""


@dataclass(frozen=True, eq=False)
class World:
    """Facts, a model that has read about them, and votes.

    Attributes:
        facts: what is true.
        tokenizer: one token per word.
        model: the pre-trained model; training uses copies of it.
        cast: the votes, with their truth and the annotators' true reliabilities.
    """

    facts: Facts
    tokenizer: Any
    model: Any
    cast: SimulatedVotes


@dataclass(frozen=True, eq=False)
class Ending:
    """The result of a training run.

    Attributes:
        right: (E,) share of right answers among the sampled answers about each held-out entity.
        error: mean absolute error of the annotators' reliabilities; NaN if the method does not learn them.
        trainer: the trainer.
    """

    right: Floats
    error: float
    trainer: Any = field(repr=False)

    @property
    def rate(self) -> float:
        """Share of right answers."""
        return float(self.right.mean())


def make_world(
    *, votes: int = 3000, annotators: int = 30, votes_per_pair: int = 1, texts: int = 60_000, seed: int = 0
) -> World:
    """A random world with its votes, and a model pre-trained on ``texts`` texts about it."""
    facts = make_facts(seed=seed)
    tokenizer = make_tokenizer(facts)
    with one_thread():
        model = pretrain(facts, tokenizer, texts=texts, seed=seed)
    cast = simulate_fact_votes(facts, votes=votes, annotators=annotators, votes_per_pair=votes_per_pair, seed=seed)
    return World(facts, tokenizer, model, cast)


def held_out_shares(world: World, model: Any, *, seed: int = 0) -> Floats:
    """(E,) share of right answers among a model's sampled answers about each held-out entity."""
    questions = held_out_questions(world.facts)
    with one_thread():
        shares = sampled_shares(model, world.tokenizer, questions.prompts, questions.answers, seed=seed)
    return np.asarray(shares.reshape((~world.facts.voted).sum(), -1).mean(axis=1))


def train_on(
    world: World,
    method: Method,
    *,
    loss: str = "dpo",
    seed: int = 0,
    on_step: Callable[[Any], None] = lambda trainer: None,
    **settings: Any,
) -> Ending:
    """Train a copy of the world's model with one method, and let it answer questions about the held-out entities.

    Args:
        world: from ``make_world``.
        method: one of the ``METHODS``, or another.
        loss: ``dpo``, ``ipo``, ``simpo`` or ``cpo``.
        seed: seed of the order of the votes and of the answers.
        on_step: called with the trainer after every step.
        settings: more settings of the trainer; they override those of ``TRAINING`` and of the method.
    """
    votes = corrected_votes(world.cast) if method.clean else world.cast.votes
    # For a model this small a second thread of PyTorch makes training slower, much slower on a busy machine.
    with one_thread(), quiet(), temporary_folder() as folder:
        settings = TRAINING | LOSS_SETTINGS[loss] | method.settings | settings
        trainer = RobustPreferenceTrainer(
            copy.deepcopy(world.model),
            args=RobustPreferenceConfig(output_dir=str(folder), preference_loss=loss, seed=seed, **settings),
            train_dataset=votes,
            processing_class=world.tokenizer,
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.add_callback(_AfterStep(lambda: on_step(trainer)))
        trainer.train()
    learnt = trainer.args.objective in CONFIDENCE_OBJECTIVES
    error = np.abs(trainer.beliefs.reliability - world.cast.reliability).mean() if learnt else np.nan
    return Ending(held_out_shares(world, trainer.model, seed=seed), float(error), trainer)


class _AfterStep(transformers.TrainerCallback):  # type: ignore[misc]
    """Calls a function after every step."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self.tell = tell

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Call it."""
        self.tell()


def corrected_votes(cast: SimulatedVotes) -> Votes:
    """The same votes without errors: every vote agrees with the truth."""
    return replace(cast.votes, sign=cast.truth[cast.votes.pair])


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread of PyTorch in this block."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def quiet() -> Iterator[None]:
    """Hide the libraries' progress bars and messages in this block."""
    verbosity, bars = transformers.logging.get_verbosity(), datasets.utils.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    logging.getLogger("trl").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.logging.set_verbosity(verbosity)
        if bars:
            datasets.enable_progress_bars()
