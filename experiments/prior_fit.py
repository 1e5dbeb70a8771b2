"""Why the prior is fitted by moments and not by empirical Bayes: annotators with few votes would confirm one another.

Simulated annotators with few and with many votes each. For each case, four priors: the true one, the moments of
agreement (what `prior="fit"` does), one step of empirical Bayes from there, and empirical Bayes until it reproduces
itself. Prints the mean and size (c + d) of the prior found, the share of pairs right, the log-loss of confidence per
vote (a proper score: lower is better, 0.693 is a coin) and the coverage of 95% intervals; medians and means over the
data sets.

    python experiments/prior_fit.py [--data-sets 20]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from harness import Page, each, parser
from scipy.special import logit

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.evidence import evidence_of
from votewise.annotators.fit import OUTLIERS
from votewise.annotators.prior import START, prior_from_agreement, prior_from_likelihood
from votewise.annotators.results import ReliabilityResult
from votewise.data.votes import Votes
from votewise.inference.priors import Beta
from votewise.simulate import SimulatedVotes, simulate_annotators

SIZES = {
    "1 to 10 votes each": {"annotators": 3000, "votes_per_annotator": (1, 10)},
    "3 to 30 votes each": {"annotators": 500, "votes_per_annotator": (3, 30)},
    "1 to 500 votes each": {"annotators": 200, "votes_per_annotator": (1, 500)},
}


def by_likelihood(votes: Votes, prior: Beta, rounds: int) -> Beta:
    """Empirical Bayes from ``prior``, until the prior reproduces itself or ``rounds`` are over."""
    evidence = evidence_of(votes)
    for _ in range(rounds):
        result = estimate_reliability(votes, prior=prior, intervals=False, tolerance=1e-3)
        log_odds = logit(np.clip(result.annotators["reliability"].to_numpy(), 1e-6, 1 - 1e-6))
        before = prior
        prior = prior_from_likelihood(evidence, evidence.posterior_log_odds(log_odds), log_odds, before)
        prior = replace(prior, outliers=OUTLIERS)
        if abs(np.log(prior.c / before.c)) + abs(np.log(prior.d / before.d)) < 0.01:
            break
    return prior


def scores(data: SimulatedVotes, result: ReliabilityResult) -> list[float]:
    """Prior mean, prior size, share of pairs right, log-loss per vote, coverage."""
    table = {name: result.annotators[name].to_numpy() for name in ("low", "high")}
    confidence = result.votes["confidence"].to_numpy()
    happened = np.clip(np.where(data.correct, confidence, 1 - confidence), 1e-6, None)
    return [
        result.prior["c"] / (result.prior["c"] + result.prior["d"]),
        result.prior["c"] + result.prior["d"],
        float(((result.pairs["p_a"].to_numpy() > 0.5) == (data.truth > 0)).mean()),
        float(-np.log(happened).mean()),
        float(((table["low"] <= data.reliability) & (data.reliability <= table["high"])).mean()),
    ]


WAYS: dict[str, Callable[[Votes, Beta], Beta | str]] = {
    "the true prior": lambda votes, truth: truth,
    "moments (the default)": lambda votes, truth: "fit",
    "one step of likelihood": lambda votes, truth: by_likelihood(votes, prior_from_agreement(evidence_of(votes)), 1),
    "until self-consistent": lambda votes, truth: by_likelihood(votes, START, 40),
}


def one_data_set(seed: int, truth: Beta, size: str, votes_per_pair: int) -> list[list[float]]:
    """Scores of each of the ``WAYS`` on one simulated data set."""
    data = simulate_annotators(
        votes_per_pair=votes_per_pair, reliability=truth, seed=[seed, votes_per_pair], **SIZES[size]
    )
    return [scores(data, estimate_reliability(data.votes, prior=way(data.votes, truth))) for way in WAYS.values()]


def main() -> None:
    args = parser(__doc__, data_sets=20).parse_args()
    page = Page("Fitting the prior of annotators", args)
    heads = ("prior mean", "c + d", "pairs right", "log-loss", "coverage")
    loss = {name: [] for name in WAYS}
    for truth in (Beta(5, 2), Beta(12, 2)):
        for size in SIZES:
            for votes_per_pair in (2, 3):
                run = partial(one_data_set, truth=truth, size=size, votes_per_pair=votes_per_pair)
                found = np.array(each(run, range(args.data_sets), args.workers))
                middles, means = np.median(found, axis=0)[:, :2], found.mean(axis=0)[:, 2:]
                figures = np.concatenate([middles, means], axis=1)
                for name, row in zip(WAYS, figures, strict=True):
                    loss[name].append(row[3])
                page.table(
                    ["prior", *heads],
                    [[name, *(f"{value:.3f}" for value in row)] for name, row in zip(WAYS, figures, strict=True)],
                    f"Beta({truth.c:g}, {truth.d:g}), {size}, {votes_per_pair} votes per pair, {args.data_sets} data sets: "
                    "medians of the prior, means of the rest.",
                )
    known, moments, _, until = (np.array(values) for values in loss.values())
    page.write(
        "No paper fits the prior of annotators. Compared with knowing it, moments of agreement lose at most "
        f"{(moments - known).max():.3f} of log-loss per vote in any of these simulations, empirical Bayes up to "
        f"{(until - known).max():.3f}."
    )


if __name__ == "__main__":
    main()
