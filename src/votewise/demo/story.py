"""The whole story on a made-up world: a noisy crowd votes, a tiny model is trained in several ways, answers are checked.

Needs the [train] extra.
"""

from __future__ import annotations

import copy
import logging
import tempfile
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
from votewise.demo.tiny_model import make_tokenizer, pretrain, sampled_shares
from votewise.errors import BadInputError
from votewise.simulate import SimulatedVotes
from votewise.train import RobustPreferenceConfig, RobustPreferenceTrainer

TOLD = 0.3
"""Share of wrong votes that the methods are told which must be told one."""

LEARNING_RATE = 6e-4
"""Highest one of the cosine; at a third of it there are too few steps to learn what the labels tell (docs/log.md)."""

SETTINGS: dict[str, dict[str, float]] = {
    "dpo": {"beta": 0.5},
    "ipo": {"beta": 0.3},
    "simpo": {"beta": 2.0, "simpo_gamma": 1.0},
    "cpo": {"beta": 0.3, "cpo_alpha": 0.3},
}
"""Parameters of the losses, as in docs/method.md."""


@dataclass(frozen=True)
class Method:
    """A way to train: its ``name``, settings of the trainer, and whether it is shown the truth instead of the votes."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    clean: bool = False


PLAIN = Method("all votes believed", {"objective": "plain"})
SMOOTHED = Method("label smoothing", {"objective": "smoothed", "label_smoothing": TOLD})
RDPO = Method("rDPO", {"objective": "rdpo", "label_smoothing": TOLD})
PUBLISHED = Method(
    "RE-PO as published", {"objective": "gibbs", "reliability_margins": "current", "one_row_per": "vote"}
)
OURS = Method("votewise")
CLEAN = Method("clean labels", {"objective": "plain"}, clean=True)
METHODS = (PLAIN, SMOOTHED, RDPO, PUBLISHED, OURS, CLEAN)


@dataclass(frozen=True, eq=False)
class World:
    """Facts, the model that has read about them, and the votes of a crowd.

    Attributes:
        facts: what is true.
        tokenizer: one token a word.
        model: the pre-trained model, never trained further itself.
        cast: the votes, with their truth and the annotators' true reliabilities.
    """

    facts: Facts
    tokenizer: Any
    model: Any
    cast: SimulatedVotes


@dataclass(frozen=True, eq=False)
class Ending:
    """How a training run ended.

    Attributes:
        right: (E,) share of right ones among the sampled answers about each held-out entity.
        error: mean absolute error of the annotators' reliabilities; NaN where none were learnt.
        trainer: the trainer itself.
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
    """A world drawn from a seed, its model pre-trained on the spot on so many ``texts``, its crowd asked."""
    facts = make_facts(seed=seed)
    tokenizer = make_tokenizer(facts)
    with one_thread():
        model = pretrain(facts, tokenizer, texts=texts, seed=seed)
    cast = simulate_fact_votes(facts, votes=votes, annotators=annotators, votes_per_pair=votes_per_pair, seed=seed)
    return World(facts, tokenizer, model, cast)


def held_out_shares(world: World, model: Any, *, seed: int = 0) -> Floats:
    """(E,) share of right ones among a model's sampled answers about each held-out entity."""
    questions = held_out_questions(world.facts)
    with one_thread():
        shares = sampled_shares(model, world.tokenizer, questions.prompts, questions.answers, seed=seed)
    return np.asarray(shares.reshape((~world.facts.voted).sum(), -1).mean(axis=1))


def train_on(
    world: World,
    method: Method,
    *,
    loss: str = "dpo",
    learning_rate: float = LEARNING_RATE,
    epochs: float = 1,
    batch: int = 64,
    seed: int = 0,
    on_step: Callable[[Any], None] = lambda trainer: None,
    **settings: Any,
) -> Ending:
    """Train a copy of the world's model with one method, and let it answer questions about the held-out entities.

    Args:
        world: from ``make_world``.
        method: one of the ``METHODS``, or another.
        loss: ``dpo``, ``ipo``, ``simpo`` or ``cpo``.
        learning_rate: highest one of a cosine.
        epochs: passes over the votes.
        batch: pairs per step.
        seed: seed of their order and of the answers.
        on_step: called with the trainer after every step.
        settings: further settings of the trainer.
    """
    votes = world.cast.votes
    # A second thread of PyTorch's only gets in the way of a model this small, and badly so on a busy machine.
    with one_thread(), quiet(), tempfile.TemporaryDirectory() as folder:
        config = RobustPreferenceConfig(
            output_dir=folder,
            preference_loss=loss,
            learning_rate=learning_rate,
            lr_scheduler_type="cosine",
            num_train_epochs=epochs,
            per_device_train_batch_size=batch,
            seed=seed,
            write_beliefs=False,
            **_SILENT | SETTINGS[loss] | method.settings | settings,
        )
        trainer = RobustPreferenceTrainer(
            copy.deepcopy(world.model),
            args=config,
            train_dataset=told_the_truth(world.cast) if method.clean else votes,
            processing_class=world.tokenizer,
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.add_callback(_AfterStep(lambda: on_step(trainer)))
        trainer.train()
    learnt = method.settings.get("objective", "weighted") in ("weighted", "gibbs")
    error = np.abs(trainer.beliefs.reliability - world.cast.reliability).mean() if learnt else np.nan
    return Ending(held_out_shares(world, trainer.model, seed=seed), float(error), trainer)


class _AfterStep(transformers.TrainerCallback):  # type: ignore[misc]
    """Tells somebody that a step is done."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self.tell = tell

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Tell them."""
        self.tell()


@dataclass(frozen=True, eq=False)
class Story:
    """What became of several worlds.

    Attributes:
        before: share of right answers before training, with half the width of its 95% interval.
        wrong: share of wrong votes.
        endings: by method, its share of right answers, half the width of its interval, and the share of the gap between
            all votes believed and clean labels that it closes
            (NaN where there is no gap).
        world: the last world.
        trainer: the trainer that ended with votewise's own method there.
    """

    before: tuple[float, float]
    wrong: float
    endings: dict[str, tuple[float, float, float]]
    world: World
    trainer: Any


def tell_story(
    *,
    worlds: int = 2,
    loss: str = "dpo",
    seed: int = 0,
    on_stage: Callable[[str], None] = lambda what: None,
    **sizes: int,
) -> Story:
    """Train in every way in several worlds.

    Args:
        worlds: how many.
        loss: ``dpo``, ``ipo``, ``simpo`` or ``cpo``.
        seed: seed of the first world; the others have the next ones.
        on_stage: called with what is being done.
        sizes: of the worlds, as for ``make_world``.

    Raises:
        BadInputError: no world.
    """
    if worlds < 1:
        raise BadInputError("worlds", value=worlds, expected="at least 1")
    methods = [method for method in METHODS if loss == "dpo" or method is not RDPO]
    right: dict[str, list[Floats]] = {method.name: [] for method in methods}
    before, wrong = [], []
    for number in range(worlds):
        where = f", world {number + 1} of {worlds}" if worlds > 1 else ""
        on_stage(f"Making a language model{where}")
        world = make_world(seed=seed + number, **sizes)
        before.append(held_out_shares(world, world.model))
        wrong.append(float(1 - world.cast.correct.mean()))
        for method in methods:
            on_stage(f"Training: {method.name}{where}")
            ending = train_on(world, method, loss=loss, seed=seed + number)
            right[method.name].append(ending.right)
            if method is OURS:
                trainer = ending.trainer
    shares = {name: np.concatenate(found) for name, found in right.items()}
    low, high = shares[PLAIN.name].mean(), shares[CLEAN.name].mean()
    gap = high - low if high > low else np.nan  # there is none to close where clean labels teach nothing
    endings = {
        name: (float(share.mean()), _half_width(share), float((share.mean() - low) / gap))
        for name, share in shares.items()
    }
    start = np.concatenate(before)
    return Story((float(start.mean()), _half_width(start)), float(np.mean(wrong)), endings, world, trainer)


def _half_width(shares: Floats) -> float:
    """Half the width of a 95% interval of the mean; answers about one entity are taken together."""
    return float(1.96 * shares.std(ddof=1) / np.sqrt(len(shares)))


def told_the_truth(cast: SimulatedVotes) -> Votes:
    """The same votes, had nobody been wrong."""
    return replace(cast.votes, sign=cast.truth[cast.votes.pair])


_SILENT: dict[str, Any] = {
    "report_to": "none",
    "save_strategy": "no",
    "logging_strategy": "no",
    "disable_tqdm": True,
    "bf16": False,
    "gradient_checkpointing": False,
}


@contextmanager
def one_thread() -> Iterator[None]:
    """With one thread of PyTorch's."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the libraries' progress bars and remarks."""
    level, bars = transformers.logging.get_verbosity(), datasets.utils.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    logging.getLogger("trl").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.logging.set_verbosity(level)
        if bars:
            datasets.enable_progress_bars()
