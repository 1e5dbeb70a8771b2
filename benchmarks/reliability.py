"""Speed, memory and accuracy of `estimate_reliability` compared with crowd-kit's one-coin and full Dawid-Skene.

The same simulated votes (5 per pair, 50 per annotator, reliabilities from Beta(5, 2)) go to all estimators in one process,
in turns; times are medians over the repeats, and every claim is a ratio. Memory is the peak of a fresh process.

    python benchmarks/reliability.py [--votes 1000000] [--repeats 5] [--large 10000000]

Needs `pip install 'votewise[bench]'` for the peers; without it only our own figures are printed.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

from votewise.annotators.estimate import estimate_reliability
from votewise.data.votes import Votes
from votewise.inference.priors import Beta

OURS = {
    "prior=Beta(5, 2), intervals=False": {"prior": Beta(5, 2), "intervals": False},
    "prior='fit', intervals=False": {"intervals": False},
    "prior='fit' with intervals (the default)": {},
}


def simulate(n: int) -> tuple[Votes, np.ndarray]:
    """N votes, n / 5 pairs, n / 50 annotators, and the truth of the pairs."""
    rng = np.random.default_rng(0)
    pair = np.repeat(np.arange(n // 5, dtype=np.int32), 5)
    annotator = rng.integers(0, n // 50, n).astype(np.int32)
    truth = rng.choice(np.array([-1, 1], np.int8), n // 5)
    right = rng.random(n) < rng.beta(5, 2, n // 50)[annotator]
    sign = np.where(right, truth[pair], -truth[pair]).astype(np.int8)
    return Votes.from_arrays(pair, annotator, sign), truth


def timed(run: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    value = run()
    return time.perf_counter() - start, value


def ours(votes: Votes, truth: np.ndarray, repeats: int) -> dict[str, float]:
    """Median seconds per setting, printed with accuracy and cost per EM step."""
    seconds: dict[str, list[float]] = {name: [] for name in OURS}
    results = {}
    for _ in range(repeats):
        for name, settings in OURS.items():
            spent, results[name] = timed(lambda settings=settings: estimate_reliability(votes, **settings))
            seconds[name].append(spent)
    for name, result in results.items():
        right = ((result.pairs["p_a"].to_numpy() > 0.5) == (truth > 0)).mean()
        spread = f"{min(seconds[name]):.3f} to {max(seconds[name]):.3f}"
        print(
            f"  {name:<42}{np.median(seconds[name]):>8.3f} s ({spread})  pairs right {right:.4f}  steps {result.iterations}"
        )
    return {name: float(np.median(values)) for name, values in seconds.items()}


def peers(votes: Votes, truth: np.ndarray) -> dict[str, float]:
    """Seconds of crowd-kit's models on the same arrays, at their own defaults."""
    try:
        import pandas as pd
        from crowdkit.aggregation import DawidSkene, OneCoinDawidSkene
    except ImportError:
        print("  crowd-kit is not installed: pip install 'votewise[bench]'")
        return {}
    table = pd.DataFrame({"task": votes.pair, "worker": votes.annotator, "label": votes.sign})
    found = {}
    for model in (DawidSkene, OneCoinDawidSkene):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            spent, labels = timed(lambda model=model: model(n_iter=100).fit_predict(table))
        right = (labels.sort_index().to_numpy() == truth).mean()
        print(f"  crowd-kit {model.__name__:<32}{spent:>8.3f} s  pairs right {right:.4f}")
        found[model.__name__] = spent
    return found


def step_cost(sizes: list[int]) -> None:
    """Cost of one EM step against the number of votes."""
    print("cost of one EM step (prior=Beta(5, 2), 20 steps more, so set-up cancels):")
    for n in sizes:
        votes = simulate(n)[0]
        spent = {}
        for steps in (5, 25):
            settings = {"prior": Beta(5, 2), "intervals": False, "tolerance": 1e-300, "max_iterations": steps}
            spent[steps] = min(timed(lambda s=settings, v=votes: estimate_reliability(v, **s))[0] for _ in range(5))
        print(f"  {n:>11,} votes {1e9 * (spent[25] - spent[5]) / 20 / n:>8.2f} ns per vote")


def large(n: int) -> None:
    """Peak memory of a fresh process that makes n votes and estimates; printed by that process itself."""
    votes = simulate(n)[0]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    for name, settings in OURS.items():
        spent = timed(lambda settings=settings: estimate_reliability(votes, **settings))[0]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"  {name:<42}{spent:>8.2f} s  peak {peak:.2f} GB (before: {before:.2f})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--large", type=int, default=10_000_000, help="0 skips the memory run")
    parser.add_argument("--only-large", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only_large:
        large(args.large)
        return
    votes, truth = simulate(args.votes)
    print(f"{args.votes:,} votes, {votes.n_pairs:,} pairs, {votes.n_annotators:,} annotators")
    first = ours(votes, truth, args.repeats)
    other = peers(votes, truth)
    again = ours(votes, truth, args.repeats)
    print("ratios:")
    for name in OURS:
        mean = (first[name] + again[name]) / 2
        for peer, spent in other.items():
            print(f"  {name:<42}{spent / mean:>7.0f}x faster than {peer}")
    bare, full = "prior='fit', intervals=False", "prior='fit' with intervals (the default)"
    added = (first[full] + again[full]) / (first[bare] + again[bare]) - 1
    print(f"  intervals, flags, tests and calibration add {added:.1f}x the cost of the estimates")
    step_cost([args.votes // 10, args.votes, 4 * args.votes])
    if args.large:
        print(f"{args.large:,} votes in one process:", flush=True)
        command = [sys.executable, __file__, "--only-large", "--large", str(args.large)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
