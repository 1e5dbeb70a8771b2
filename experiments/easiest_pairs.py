"""Selective DPO side by side: train on the half of the pairs that is easiest for models which saw others, from easy to hard.

As ``votewise.train.selective`` does, with all votes on a pair together: three random halvings, each of which trains a model
on either half and measures its loss on the other one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from side_by_side import BATCH, Judged, Run, Training, World, batches

from votewise.arrays import Floats
from votewise.train.selective import SPLITS, easiest

SHARE = 0.5
JUDGES_BETA = 0.1
"""Of the models that say how hard a pair is, which beta the run itself has."""


def held_out_losses(world: World, runs: list[Run]) -> Floats:
    """(R, M) mean loss of the votes on each pair under models that were trained on others, for runs of one epoch."""
    rng = np.random.default_rng([world.seed, 8])
    total = np.zeros((len(runs), world.pairs))
    for _ in range(SPLITS):
        mixed = rng.permutation(world.pairs)
        one, other = np.sort(mixed[: world.pairs // 2]), np.sort(mixed[world.pairs // 2 :])
        for seen, hidden in ((one, other), (other, one)):
            judges = Training(world, runs, "dpo")
            judges.train([(epoch, seen[some]) for epoch, some in batches(len(seen), 1, world.seed)])
            total[:, hidden] += judges.vote_losses(hidden)
    return total / SPLITS


def train_easiest(world: World, runs: list[Run], epochs: int) -> Judged:
    """As ``side_by_side.train``, on each run's easiest pairs; all epochs go from easy to hard."""
    alike: dict[tuple[float, str], list[int]] = defaultdict(list)
    for i, run in enumerate(runs):
        alike[run.noise, run.crowd].append(i)
    judges = [Run("judge", "plain", JUDGES_BETA, *kind) for kind in alike]
    found: Any = np.zeros((3, len(runs)))
    for some, losses in zip(alike.values(), held_out_losses(world, judges), strict=True):
        kept = easiest(losses, SHARE)
        one_epoch = np.array_split(kept, -(-len(kept) // BATCH))
        steps = [(epoch, pairs) for epoch in range(epochs) for pairs in one_epoch]
        found[:, some] = Training(world, [runs[i] for i in some], "dpo").train(steps)
    return Judged(*found)
