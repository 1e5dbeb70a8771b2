"""Do the tests of fit keep their false alarms, and what do they see?

Votes drawn from the model, at seven sizes and kinds of crowds: how often each test gives p <= 0.05, and how often any of
them warns (Holm's correction). Then votes that the model does not describe: pairs whose log-odds of a right vote are
multiplied by a log-normal number (standard deviation 1), a third of the annotators who vote as one source of reliability
0.6 does, six judges whose errors have a correlation of 0.37 beside three others a pair, one vote in ten for the response
shown first. Last, what power the audit itself says it has, from votes that follow the model.

    python experiments/tests_of_fit.py [--data-sets 500] [--alternatives 100] [--said 20]
"""

from __future__ import annotations

import sys
from functools import partial

import numpy as np
from harness import Page, each, parser
from scipy.special import expit, logit
from scipy.stats import norm

from votewise.annotators.evidence import evidence_of
from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_settings import FitSettings
from votewise.annotators.fit_tests import ORDER, run_fit_tests
from votewise.data.votes import Votes

ERROR_CORRELATION = 0.58
"""Correlation of normal scores of judges' errors; at reliability 0.75 their errors then have a correlation of about 0.37."""

CROWDS = {
    "300 pairs, 3 votes each, 30 annotators": (300, 3, 30, "even"),
    "240 pairs, 5 votes each, 40 annotators": (240, 5, 40, "even"),
    "750 pairs, 4 votes each, 60 annotators": (750, 4, 60, "even"),
    "1,500 pairs, 5 votes each, 100 annotators": (1500, 5, 100, "even"),
    "4,000 pairs, 5 votes each, 200 annotators": (4000, 5, 200, "even"),
    "300 pairs, 4 votes each, 60 annotators with 1 to 500 votes": (300, 4, 60, "heavy"),
    "4,000 pairs, 5 votes each, 400 annotators with 1 to 500 votes, four kinds": (4000, 5, 400, "kinds"),
}
SEEN = [list(CROWDS)[i] for i in (1, 3, 4)]
ALTERNATIVES = ("difficulty", "copying", "judges", "side")


def draw(rng: np.random.Generator, crowd: str, what: str = "model") -> Votes:
    """Votes of a crowd, from the model or from an alternative to it."""
    pairs, per_pair, people, kind = CROWDS[crowd]
    eta = rng.beta(5, 2, people)
    if kind == "kinds":
        eta = rng.choice((0.95, 0.55, 0.5, 0.2), people, p=(0.6, 0.2, 0.15, 0.05))
    activity = np.ones(people) if kind == "even" else np.exp(rng.uniform(0, np.log(500), people))
    # Different annotators on each pair, drawn in proportion to their activity.
    scores = np.log(activity) + rng.gumbel(size=(pairs, people))
    annotator = np.argpartition(-scores, per_pair, axis=1)[:, :per_pair].ravel()
    pair, truth = np.repeat(np.arange(pairs), per_pair), rng.choice([-1, 1], pairs)
    right = eta[annotator]
    if what == "difficulty":
        right = expit(logit(right) * np.exp(rng.standard_normal(pairs))[pair])
    sign = np.where(rng.random(len(pair)) < right, truth[pair], -truth[pair])
    if what == "copying":
        source = np.where(rng.random(pairs) < 0.6, truth, -truth)
        sign = np.where(annotator < people // 3, source[pair], sign)
    if what == "judges":
        common, r = rng.standard_normal((pairs, 1)), ERROR_CORRELATION
        noise = np.sqrt(r) * common + np.sqrt(1 - r) * rng.standard_normal((pairs, 6))
        by_judge = np.where(noise < norm.ppf(0.75), truth[:, None], -truth[:, None])
        few = np.arange(len(pair)) % per_pair < 3
        pair = np.concatenate([pair[few], np.repeat(np.arange(pairs), 6)])
        annotator = np.concatenate([annotator[few], np.tile(people + np.arange(6), pairs)])
        sign = np.concatenate([sign[few], by_judge.ravel()])
    swapped = rng.random(len(pair)) < 0.5
    if what == "side":
        sign = np.where(rng.random(len(pair)) < 0.1, np.where(swapped, -1, 1), sign)
    return Votes.from_arrays(pair, annotator, sign, swapped=swapped)


def one_data_set(seed: int, crowd: str, what: str = "model", alternative_draws: int = 0) -> dict[str, list[float]]:
    """By test: p value, whether it warns, and the power that it says it has."""
    rng = np.random.default_rng([seed, list(CROWDS).index(crowd), ("model", *ALTERNATIVES).index(what)])
    votes = draw(rng, crowd, what)
    fit = fit_reliability(evidence_of(votes), FitSettings())
    found = run_fit_tests(votes, fit, alternative_draws=alternative_draws, seed=seed)
    return {test.name: [test.p_value, float(test.warns), test.power] for test in found.tests}


def share(found: list[dict[str, list[float]]], name: str) -> str:
    """How often a test gives p <= 0.05, with its standard error."""
    if name not in found[0]:
        return "-"
    mean = np.mean([one[name][0] <= 0.05 for one in found])
    return f"{mean:.3f} ({np.sqrt(mean * (1 - mean) / len(found)):.3f})"


def warned(found: list[dict[str, list[float]]]) -> float:
    """How often any test warns."""
    return float(np.mean([any(test[1] for test in one.values()) for one in found]))


def main() -> None:
    args = parser(__doc__, data_sets=500, alternatives=100, said=20).parse_args()
    page = Page("Tests of fit", args)
    rows, alarms = [], []
    for crowd in CROWDS:
        found = each(partial(one_data_set, crowd=crowd), range(args.data_sets), args.workers)
        alarms.append(warned(found))
        rows.append([crowd, *(share(found, name) for name in ORDER), f"{alarms[-1]:.3f}"])
        print(*rows[-1], sep="; ", file=sys.stderr, flush=True)  # this takes half an hour
    page.table(
        ["crowd", *ORDER, "any warning"],
        rows,
        f"Votes that follow the model, {args.data_sets} data sets each: share with p <= 0.05 (standard error), and share "
        "with a warning. A dash: no pair has four votes.",
    )
    rows = []
    for what in ALTERNATIVES:
        for crowd in SEEN:
            run = partial(one_data_set, crowd=crowd, what=what)
            found = each(run, range(args.alternatives), args.workers)
            rows.append([what, crowd, *(share(found, name) for name in ORDER), f"{warned(found):.2f}"])
    page.table(
        ["votes with", "crowd", *ORDER, "any warning"],
        rows,
        f"Votes that the model does not describe, {args.alternatives} data sets each: share with p <= 0.05.",
    )
    rows = []
    for crowd in SEEN:
        run = partial(one_data_set, crowd=crowd, alternative_draws=40)
        found = each(run, range(args.said), args.workers)
        powers = {name: np.array([one[name][2] for one in found]) for name in ORDER}
        rows.append([crowd, *(f"{p.mean():.2f} ({p.min():.2f} to {p.max():.2f})" for p in powers.values())])
    page.table(
        ["crowd", *ORDER],
        rows,
        f"The power that an audit says it has, from votes that follow the model: mean (range) of {args.said} data sets.",
    )
    page.write(
        "A fixed limit on the gap between predicted and observed votes fired in 25 of 30 data sets drawn from the model "
        f"itself. These tests warn in {min(alarms):.1%} to {max(alarms):.1%} of such data sets."
    )


if __name__ == "__main__":
    main()
