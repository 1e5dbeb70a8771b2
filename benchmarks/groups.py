"""Time of an estimate with groups of annotators who err together, as a multiple of the estimate without.

Two kinds of votes, one million each: six judges on every pair beside three of many people (few patterns), and a crowd of
which a third is one group (nearly every pair is a pattern of its own). Medians over the repeats, in turns, in one process.

    python benchmarks/groups.py [--votes 1000000] [--repeats 3]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.stats import norm

from votewise.annotators.estimate import estimate_reliability
from votewise.data.votes import Votes

SHARE = 0.58


def judged(n: int) -> Votes:
    """N votes: on each pair six judges who err together and three people."""
    rng, pairs = np.random.default_rng(0), n // 9
    people = pairs * 3 // 50
    truth, eta = rng.choice(np.array([-1, 1]), pairs), rng.beta(8, 3, people + 6)
    who = rng.integers(6, people + 6, (pairs, 3))
    said = np.where(rng.random(who.shape) < eta[who], truth[:, None], -truth[:, None])
    error = np.sqrt(SHARE) * rng.standard_normal((pairs, 1)) + np.sqrt(1 - SHARE) * rng.standard_normal((pairs, 6))
    judges = np.where(error < norm.ppf(eta[:6]), truth[:, None], -truth[:, None])
    annotator = np.hstack([np.broadcast_to(np.arange(6), (pairs, 6)), who]).ravel()
    return Votes.from_arrays(
        np.repeat(np.arange(pairs), 9),
        annotator,
        np.hstack([judges, said]).ravel(),
        annotator_ids=[f"j{k}" if k < 6 else f"p{k}" for k in range(people + 6)],
    )


def crowd(n: int) -> Votes:
    """N votes, five a pair and about fifty an annotator; a third of the annotators err together."""
    rng, pairs, people = np.random.default_rng(0), n // 5, n // 50
    truth, eta = rng.choice(np.array([-1, 1]), pairs), rng.beta(8, 3, people)
    who = rng.integers(0, people, (pairs, 5))
    error = rng.standard_normal((pairs, 5))
    shared = np.sqrt(SHARE) * rng.standard_normal((pairs, 1)) + np.sqrt(1 - SHARE) * error
    error = np.where(who < people // 3, shared, error)
    sign = np.where(error < norm.ppf(eta[who]), truth[:, None], -truth[:, None])
    names = [f"j{k}" if k < people // 3 else f"p{k}" for k in range(people)]
    return Votes.from_arrays(np.repeat(np.arange(pairs), 5), who.ravel(), sign.ravel(), annotator_ids=names)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    for name, make in (("judges", judged), ("crowd", crowd)):
        votes = make(args.votes)
        for intervals in (False, True):
            seconds: dict[str, list[float]] = {"without": [], "with": []}
            for _ in range(args.repeats):
                for method, groups in (("without", None), ("with", {"together": "j*"})):
                    start = time.perf_counter()
                    result = estimate_reliability(votes, groups=groups, intervals=intervals)
                    seconds[method].append(time.perf_counter() - start)
            plain, grouped = (float(np.median(seconds[method])) for method in ("without", "with"))
            print(
                f"{name}, {len(votes):,} votes, intervals={intervals}: {plain:.2f} s without groups, {grouped:.2f} s with, "
                f"{grouped / plain:.1f} times; {result.iterations} EM steps, correlation {result.groups[0].correlation:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
