"""The story of the demo: in made-up worlds with many wrong votes, a tiny model is trained in several ways.

Then its answers to other questions are checked. Needs the [train] extra.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from votewise.arrays import Floats
from votewise.demo.methods import CLEAN, METHODS, OURS, PLAIN, RDPO
from votewise.demo.world import World, held_out_shares, make_world, train_on
from votewise.errors import BadInputError


@dataclass(frozen=True, eq=False)
class Story:
    """Results of all methods in several worlds.

    Attributes:
        before: share of right answers before training, and half the width of its 95% interval.
        wrong: share of wrong votes.
        endings: for each method its share of right answers, half the width of the interval, and the share that it closes
            of the gap between all votes believed and clean labels (NaN if there is no gap).
        world: the last world.
        trainer: the trainer of votewise's own method in that world.
    """

    before: tuple[float, float]
    wrong: float
    endings: dict[str, tuple[float, float, float]]
    world: World
    trainer: Any


def tell_story(
    *,
    worlds: int,
    loss: str = "dpo",
    seed: int = 0,
    on_stage: Callable[[str], None] = lambda what: None,
    **sizes: int,
) -> Story:
    """Train with every method in several worlds.

    Args:
        worlds: number of worlds.
        loss: ``dpo``, ``ipo``, ``simpo`` or ``cpo``.
        seed: seed of the first world; the others have the following numbers.
        on_stage: called with the name of each stage of the work.
        sizes: sizes of the worlds, as for ``make_world``.

    Raises:
        BadInputError: no world.
    """
    if worlds < 1:
        raise BadInputError("no world", parameter="worlds", value=worlds, expected="at least 1")
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
    gap = high - low if high > low else np.nan  # clean labels do not help: there is no gap to close
    endings = {
        name: (float(share.mean()), _half_width(share), float((share.mean() - low) / gap))
        for name, share in shares.items()
    }
    start = np.concatenate(before)
    return Story((float(start.mean()), _half_width(start)), float(np.mean(wrong)), endings, world, trainer)


def _half_width(shares: Floats) -> float:
    """Half the width of a 95% interval of the mean; all answers about one entity count as one observation."""
    return float(1.96 * shares.std(ddof=1) / np.sqrt(len(shares)))
