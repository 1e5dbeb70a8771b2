"""The story of the demo: in made-up worlds with many wrong votes, a tiny model is trained in several ways.

Then its answers to other questions are checked. Needs the [train] extra.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from votewise.arrays import Floats
from votewise.demo.methods import BETA_FACTORS, CLEAN, DPO_ONLY, LOSS_SETTINGS, METHODS, OURS, PLAIN
from votewise.demo.world import World, held_out_shares, make_world, train_on
from votewise.errors import BadInputError


@dataclass(frozen=True, eq=False)
class RightAnswers:
    """How often a method's models are right about held-out entities.

    Attributes:
        shares: by beta, in the order of ``BETA_FACTORS``, (E,) share of right answers about each entity.
    """

    shares: dict[float, Floats]

    def rate(self, beta: float) -> tuple[float, float]:
        """Share of right answers at a beta, and half the width of its 95% interval."""
        return float(self.shares[beta].mean()), _half_width(self.shares[beta])

    @property
    def best(self) -> float:
        """The beta with most right answers."""
        return max(self.shares, key=lambda beta: float(self.shares[beta].mean()))

    @property
    def lost(self) -> float:
        """What the worst of the betas loses against the best one."""
        return self.rate(self.best)[0] - min(self.rate(beta)[0] for beta in self.shares)


@dataclass(frozen=True, eq=False)
class Story:
    """Results of all methods in several worlds.

    Attributes:
        before: share of right answers before training, and half the width of its 95% interval.
        wrong: share of wrong votes.
        endings: the answers after training with each method.
        world: the last world.
        trainer: the trainer of votewise's own method in that world, at the loss's usual beta.
    """

    before: tuple[float, float]
    wrong: float
    endings: dict[str, RightAnswers]
    world: World
    trainer: Any

    @property
    def usual_beta(self) -> float:
        """The beta that all methods are compared at in the first place."""
        return next(iter(self.endings[PLAIN.name].shares))

    def closed(self, name: str) -> float:
        """Share of the gap between all votes believed and clean labels, all at their best betas; NaN without a gap."""
        mine, low, high = (a.rate(a.best)[0] for a in (self.endings[n] for n in (name, PLAIN.name, CLEAN.name)))
        return (mine - low) / (high - low) if high > low else float("nan")


def tell_story(
    *,
    worlds: int,
    loss: str = "dpo",
    seed: int = 0,
    on_stage: Callable[[str], None] = lambda what: None,
    **sizes: int,
) -> Story:
    """Train with every method at three betas in several worlds.

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
    methods = [method for method in METHODS if loss == "dpo" or method not in DPO_ONLY]
    betas = [round(LOSS_SETTINGS[loss]["beta"] * factor, 6) for factor in BETA_FACTORS]
    right: dict[str, dict[float, list[Floats]]] = {method.name: {beta: [] for beta in betas} for method in methods}
    before, wrong = [], []
    for number in range(worlds):
        where = f", world {number + 1} of {worlds}" if worlds > 1 else ""
        on_stage(f"Making a language model{where}")
        world = make_world(seed=seed + number, **sizes)
        before.append(held_out_shares(world, world.model))
        wrong.append(float(1 - world.cast.correct.mean()))
        for method, beta in product(methods, betas):
            on_stage(f"Training: {method.name}, beta {beta:g}{where}")
            ending = train_on(world, method, loss=loss, seed=seed + number, beta=beta)
            right[method.name][beta].append(ending.right)
            if method is OURS and beta == betas[0]:
                trainer = ending.trainer
    endings = {
        name: RightAnswers({beta: np.concatenate(found) for beta, found in shares.items()})
        for name, shares in right.items()
    }
    start = np.concatenate(before)
    return Story((float(start.mean()), _half_width(start)), float(np.mean(wrong)), endings, world, trainer)


def _half_width(shares: Floats) -> float:
    """Half the width of a 95% interval of the mean; all answers about one entity count as one observation."""
    return float(1.96 * shares.std(ddof=1) / np.sqrt(len(shares)))
