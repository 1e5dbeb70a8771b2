"""Pairs that differ, beside equal pairs: time and memory of the estimates on the same votes, in one process each.

    python benchmarks/pair_models.py [--votes 1000000] [--annotators 1000] [--models equal difficulty]
        [--weights none|few|many]

The time is that of ``estimate_reliability`` with intervals and without tests of fit, in processor seconds of one
thread, and the ratio to that of equal pairs. Votes follow the difficulty model with tau = 0.8, three on a pair; each
answer is in seven pairs. `few`: the weights are 0.5, 1 and 2; `many`: every vote has another one.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
from scipy.special import expit, logit


def make_votes(number: int, annotators: int, weights: str = "none"):
    from votewise.data.votes import Votes

    random = np.random.default_rng(0)
    pairs = number // 3
    pair = np.repeat(np.arange(pairs, dtype=np.int32), 3)
    annotator = random.integers(0, annotators, len(pair)).astype(np.int32)
    eta = random.beta(8, 2.5, annotators)
    z = np.exp(0.8 * random.normal(size=pairs)) * random.choice([-1, 1], pairs)
    prompt = np.arange(pairs) // 7 * 2
    answers = np.stack([prompt, prompt + 1], axis=1)
    sign = np.where(random.random(len(pair)) < expit(logit(eta[annotator]) * z[pair]), 1, -1)
    weight = {"none": None, "few": random.choice([0.5, 1.0, 2.0], len(sign)), "many": 2 * random.random(len(sign))}
    return Votes.from_arrays(pair, annotator, sign, answers=answers, weight=weight[weights])


def run(model: str, number: int, annotators: int, weights: str) -> None:
    """One model in this process: prints seconds, and MB beyond what the votes take."""
    from votewise.annotators.estimate import estimate_reliability

    estimate_reliability(make_votes(300, 5), model=model, fit_tests=False)
    votes = make_votes(number, annotators, weights)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    result = estimate_reliability(votes, model=model, fit_tests=False)
    seconds = time.process_time() - start
    print(seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3, result.converged)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--annotators", type=int, default=1000)
    parser.add_argument("--models", nargs="+", default=["equal", "difficulty", "items"])
    parser.add_argument("--weights", choices=["none", "few", "many"], default="none")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        run(args.one, args.votes, args.annotators, args.weights)
        return
    given = ["--votes", str(args.votes), "--annotators", str(args.annotators), "--weights", args.weights]
    base = None
    for model in args.models:
        ended = subprocess.run(
            [sys.executable, __file__, "--one", model, *given], check=True, stdout=subprocess.PIPE, text=True
        )
        seconds, megabytes, converged = ended.stdout.split()
        base = base or float(seconds)
        print(
            f"{model:<12}{float(seconds):>8.2f} s {float(seconds) / base:>7.1f}x {float(megabytes):>8,.0f} MB"
            f"{'' if converged == 'True' else '  not converged'}",
            flush=True,
        )


if __name__ == "__main__":
    main()
