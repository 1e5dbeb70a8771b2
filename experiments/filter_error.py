"""How far the Bayes filter's reliability of one annotator is off after one epoch, where only the policy's margins tell.

The filter (``votewise.train.rate_filter``) sees margins of pairs as they were before the policy was trained on them. The
truth is the share of right votes that was drawn, in the worlds of the frontier; the objective is ``score``.

    python experiments/filter_error.py [--draws 8] [--pairs 3000] [--facts 8]
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from fact_worlds import FactWorld
from frontier_cells import ONE, WORLDS
from harness import Page, each, parser
from side_by_side import Run, Training, batches, cast
from small_worlds import SmallWorld

NOISE = (0.0, 0.1, 0.2, 0.3, 0.4)


def errors(task: tuple[str, int], pairs: int, texts: int) -> list[float]:
    """The filter's reliability less the share of right votes, for each share of wrong votes in ``NOISE``."""
    import torch

    torch.set_num_threads(1)
    name, seed = task
    world: Any = FactWorld(seed, pairs, texts) if name == "facts" else SmallWorld(name, seed, pairs)
    runs = [Run("score", "score", 0.1, noise, ONE) for noise in NOISE]
    training = Training(world, runs, "dpo")
    training.train(list(batches(pairs, 1, seed)))
    right = []
    for noise in NOISE:
        votes, _ = cast(world, noise, ONE)
        right.append(float((votes.sign == world.truth[votes.pair]).mean()))
    return [float(eta - share) for eta, share in zip(training.filter.eta, right, strict=True)]


def main() -> None:
    arguments = parser(__doc__, draws=8, pairs=3000, texts=60_000, facts=8)
    args = arguments.parse_args()
    page = Page("The reliability of one annotator from margins alone", args)
    tasks = [(name, seed) for name in WORLDS for seed in range(args.facts if name == "facts" else args.draws)]
    found = each(partial(errors, pairs=args.pairs, texts=args.texts), tasks, args.workers)
    rows = []
    every = {
        name: np.array([e for (world, _), e in zip(tasks, found, strict=True) if world == name]) for name in WORLDS
    }
    every = {name: values for name, values in every.items() if len(values)}
    for name, values in [*every.items(), ("all", np.concatenate(list(every.values())))]:
        rows.append(
            [name, *(f"{m:+.3f}, {a:.3f}" for m, a in zip(values.mean(0), np.abs(values).mean(0), strict=True))]
        )
    page.table(
        ["", *(f"{noise:.0%} wrong" for noise in NOISE)],
        rows,
        "The filter's reliability less the share of right votes, after one epoch of `score`: mean, and mean absolute error.",
    )
    mean = np.concatenate(list(every.values())).mean(0)
    words = ", ".join(f"{value:+.3f}" for value in mean)
    page.write(f"Mean error of the reliability at 0, 10, 20, 30 and 40% wrong votes: {words}.")


if __name__ == "__main__":
    main()
