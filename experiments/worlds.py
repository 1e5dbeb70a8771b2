"""What the experiments that train have in common: where they train, simulated annotators, intervals, verdicts.

A place to train is a made-up world with its tiny model (``MadeUp``) or a real model and a preference file
(``downloaded.Downloaded``); votes and training work in the same way for both. In a made-up world a policy is scored by
its win rate: its sampled answers against those of the model before training, about entities that nobody voted on,
judged by the truth, with ties counting half.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from harness import RESULTS
from outcomes import Outcome
from scipy import stats

from votewise.arrays import Floats
from votewise.data.votes import Votes
from votewise.demo.facts import RANGES
from votewise.demo.methods import CLEAN, OURS, PLAIN, PUBLISHED, Method
from votewise.demo.world import World, held_out_shares, make_world, train_on
from votewise.errors import VotewiseError
from votewise.simulate import SimulatedVotes
from votewise.train.running_beliefs import WorseThanChanceError

__all__ = ["CLEAN", "OURS", "PLAIN", "PUBLISHED", "Method", "Outcome"]

ANNOTATORS = 40
WIN_RATE = (
    "Win rate: sampled answers about entities without votes against those of the model before training, judged by the "
    "truth, with ties counting half; 50% means no gain, and one point means two points more right answers."
)
ONE_BETA = (
    "All methods are trained at one beta per loss, as in the paper. At its own best beta each of them is in "
    "[frontier](frontier.md)."
)
ACCURACY = "Accuracy of the implicit reward on held-out prompts, by the labels of the file."


class Place(Protocol):
    """Pairs with their truth, and a model to train on votes about them."""

    texts: pa.Table
    truth: Any

    def train(self, cast: SimulatedVotes, method: Method, *, loss: str = "dpo", **settings: Any) -> Outcome:
        """Train a copy of the model with a method and score it."""


class MadeUp:
    """A made-up world of facts with its tiny model.

    Attributes:
        world: facts, tokenizer and model.
        before: (E,) share of right answers about each held-out entity before training.
        texts: (M,) the pairs' texts.
        truth: (M,) +1 where response_a is right, else -1.
    """

    score_means = WIN_RATE

    def __init__(self, seed: int, *, pairs: int = 3000, texts: int = 60_000) -> None:
        self.seed = seed
        self.world: World = make_world(votes=pairs, texts=texts, seed=seed)
        self.before = held_out_shares(self.world, self.world.model, seed=seed + 1)
        self.texts, self.truth = self.world.cast.votes.texts, self.world.cast.truth

    def train(self, cast: SimulatedVotes, method: Method, *, loss: str = "dpo", **settings: Any) -> Outcome:
        """Train a copy of the model with a method and score it."""
        start = np.full(cast.votes.n_annotators, np.nan)
        try:
            ending = train_on(replace(self.world, cast=cast), method, loss=loss, seed=self.seed, **settings)
        except WorseThanChanceError:
            return Outcome(0.5, start, np.nan, stopped=True)
        return Outcome(
            win_rate(ending.right, self.before),
            ending.trainer.beliefs.reliability,
            ending.error,
            trainer=ending.trainer,
        )


def win_rate(after: Floats, before: Floats) -> float:
    """Share of comparisons that answers with shares ``after`` of right ones win against answers with ``before``, (E,).

    Answers about one entity are drawn independently; a tie, both right or both wrong, counts half. Of shares that
    were themselves counted from independent answers it is unbiased.
    """
    return float(np.mean(after * (1 - before) + (after * before + (1 - after) * (1 - before)) / 2))


# Votes


def mixed_annotators(noise: float, *, annotators: int = ANNOTATORS, seed: int = 0) -> Floats:
    """(K,) reliabilities of reliable, sloppy and adversarial annotators, together with a share ``noise`` of wrong votes.

    Their shares of wrong votes are in proportion to those of the demo's annotators.
    """
    rng = np.random.default_rng([seed, 1])
    shares, low, high = np.array(RANGES).T
    kind = rng.permutation(np.searchsorted(shares.cumsum(), (np.arange(annotators) + 0.5) / annotators))
    wrong = 1 - rng.uniform(low[kind], high[kind])
    return np.asarray(1 - noise * wrong / wrong.mean())


def vote(texts: pa.Table, truth: Any, reliability: Floats, *, seed: int = 0) -> SimulatedVotes:
    """One vote on each of M pairs, by annotators of reliabilities (K,), who cast equally many votes.

    With one seed the same annotator votes on the same pair, and votes that are wrong with better annotators are also wrong
    with worse ones.
    """
    rng = np.random.default_rng([seed, 2])
    m = len(truth)
    return _cast(texts, truth, reliability, np.arange(m), rng.permutation(np.arange(m) % len(reliability)), rng)


def vote_on_copies(texts: pa.Table, truth: Any, reliability: Floats, *, seed: int = 0) -> SimulatedVotes:
    """One vote by each annotator on each of M pairs."""
    rng = np.random.default_rng([seed, 2])
    k, m = len(reliability), len(truth)
    return _cast(texts, truth, reliability, np.repeat(np.arange(m), k), np.tile(np.arange(k), m), rng)


def _cast(texts: pa.Table, truth: Any, reliability: Floats, pair: Any, annotator: Any, rng: Any) -> SimulatedVotes:
    reliability, truth = np.asarray(reliability, np.float64), np.asarray(truth, np.int8)
    correct = rng.random(len(pair)) < reliability[annotator]
    votes = Votes.from_arrays(
        pair,
        annotator,
        np.where(correct, truth[pair], -truth[pair]),
        pair_ids=[f"p{i + 1:05}" for i in range(len(truth))],
        annotator_ids=[f"w{i + 1:03}" for i in range(len(reliability))],
        gold=truth,
    )
    return SimulatedVotes(replace(votes, texts=texts), reliability, truth, correct)


def nameless(cast: SimulatedVotes) -> SimulatedVotes:
    """The same votes without names: by one annotator, who is right as often as all of them together."""
    votes = replace(cast.votes, annotator=np.zeros(len(cast.votes), np.int32), annotator_ids=pa.array(["everybody"]))
    return replace(cast, votes=votes, reliability=np.array([cast.correct.mean()]))


# Intervals and verdicts


class Interval(NamedTuple):
    """A mean over worlds with its 95% interval, by Student's t."""

    mean: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """In points (hundredths); with the spec ``+`` it has a sign."""
        if not np.isfinite(self.high):
            return f"{100 * self.mean:{spec}.1f}"
        return " to ".join(
            [f"{100 * self.mean:{spec}.1f} ({100 * self.low:{spec}.1f}", f"{100 * self.high:{spec}.1f})"]
        )


def interval(values: Sequence[float] | Floats) -> Interval:
    """Mean and 95% interval of independent values, one per world; an infinite interval for a single one."""
    seen = np.asarray(values, np.float64)
    seen = seen[np.isfinite(seen)]
    if not len(seen):
        return Interval(np.nan, np.nan, np.nan)
    half = stats.t.ppf(0.975, len(seen) - 1) * stats.sem(seen) if len(seen) > 1 else np.inf
    return Interval(float(seen.mean()), float(seen.mean() - half), float(seen.mean() + half))


def plus_minus(values: Sequence[float] | Floats, digits: int = 1, scale: float = 100.0) -> str:
    """Mean and half the width of its 95% interval, as a cell."""
    found = interval(values)
    if not np.isfinite(found.high):
        return f"{scale * found.mean:.{digits}f}"
    return f"{scale * found.mean:.{digits}f} ± {scale * (found.high - found.mean):.{digits}f}"


def verdict(differences: Sequence[float] | Floats) -> str:
    """Whether a claim that differences are positive holds, by their interval over worlds."""
    found = interval(differences)
    if found.low > 0:
        return "holds"
    return "the opposite" if found.high < 0 else "undecided"


# Arguments


def add_place(arguments: argparse.ArgumentParser) -> None:
    """The options of a place to train other than made-up worlds."""
    own = arguments.add_argument_group(
        "a model of your own in place of made-up worlds (a GPU is used where there is one)"
    )
    own.add_argument("--model", help="folder or name of a causal language model; its page goes to runs/experiments")
    own.add_argument("--data", type=Path, help="preference file with texts; its labels are taken for the truth")
    own.add_argument("--max-steps", type=int, help="stop every run after so many steps")


def options_of(args: argparse.Namespace) -> dict[str, Any]:
    """What ``place`` needs from the arguments, for other processes; pages about another model do not replace ours.

    Raises:
        SystemExit: a model without data, or data without a model.
    """
    if (args.model is None) != (args.data is None):
        raise SystemExit("--model and --data go together: a model to train and a preference file to train it on")
    if args.model is not None and args.out == RESULTS:
        args.out = Path("runs") / "experiments"
    return {name: getattr(args, name) for name in ("pairs", "texts", "model", "data", "max_steps")}


def place(seed: int, options: dict[str, Any]) -> Any:
    """Where to train: the made-up world of a seed, or the given model with a split of its data by the seed."""
    import torch

    if options["model"] is None:
        torch.set_num_threads(1)
        return MadeUp(seed, pairs=options["pairs"], texts=options["texts"])
    from downloaded import Downloaded

    try:
        return Downloaded(options["model"], options["data"], seed=seed, max_steps=options["max_steps"])
    except VotewiseError as error:
        raise SystemExit(f"{options['data']}: {error}") from None
