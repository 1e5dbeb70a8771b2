"""Time of the beliefs of a stream beside its number of rows: four times as many rows should take four times as long.

Rows of 200 annotators arrive 32 at a time; margins are simulated, so nothing is trained. Prints seconds of the beliefs,
and the ratio of each number of rows to the one before, alternating over the repeats.

    python benchmarks/streamed_beliefs.py [--rows 20000] [--repeats 1]
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from votewise.train.running_beliefs import BeliefSettings
from votewise.train.streamed_beliefs import StreamedBeliefs

STEP = 32
ANNOTATORS = 200
GROWTH = 4


def seconds(rows: int) -> float:
    """Time of all steps of a stream of so many rows."""
    rng = np.random.default_rng(0)
    who = rng.integers(0, ANNOTATORS, rows)
    margins = np.where(rng.random(rows) < 0.8, 1.0, -1.0) * rng.exponential(1.0, rows)
    names = np.array([f"annotator {k}" for k in range(ANNOTATORS)])[who].tolist()
    beliefs = StreamedBeliefs(BeliefSettings())
    start = time.perf_counter()
    for i in range(0, rows, STEP):
        beliefs.evidence_for(names[i : i + STEP])
        beliefs.absorb(names[i : i + STEP], margins[i : i + STEP])
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    sizes = [options.rows * GROWTH**i for i in range(3)]
    found = [[seconds(size) for size in sizes] for _ in range(options.repeats)]
    best = np.min(found, axis=0)
    for i, size in enumerate(sizes):
        ratio = "" if i == 0 else f"   {best[i] / best[i - 1]:.2f}x for {GROWTH} times the rows"
        print(f"{size:>10,} rows {best[i]:>8.2f} s{ratio}")


if __name__ == "__main__":
    main()
