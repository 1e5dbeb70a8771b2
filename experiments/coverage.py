"""Do 95% intervals hold the truth 95% of the time, and is confidence calibrated?

Simulated annotators with 1 to 500 votes each (spread evenly on a log scale), the prior fitted to the same votes.
Prints, per population of annotators and number of votes per pair: coverage over all annotators, over those with more
than 200 votes and with fewer than 10, and the expected calibration error of `confidence`, with standard errors over
data sets.

    python experiments/coverage.py [--data-sets 200] [--annotators 200]
"""

from __future__ import annotations

from functools import partial

import numpy as np
from harness import Page, each, parser

from votewise.annotators.estimate import estimate_reliability
from votewise.inference.calibration import calibration_table, expected_calibration_error
from votewise.inference.priors import Beta
from votewise.simulate import simulate_annotators

POPULATIONS = {
    "Beta(5, 2)": Beta(5, 2),
    "Beta(3, 1.5)": Beta(3, 1.5),
    "Beta(12, 2)": Beta(12, 2),
    "60% at 0.95, 20% at 0.55, 15% at 0.5, 5% at 0.2": ((0.95, 0.55, 0.5, 0.2), (0.6, 0.2, 0.15, 0.05)),
}
GROUPS = {"all": (1, np.inf), "> 200 votes": (201, np.inf), "< 10 votes": (1, 9)}


def one_data_set(seed: int, population: str, votes_per_pair: int, annotators: int) -> list[float]:
    """Coverage per group and calibration error of one simulated data set."""
    drawn_from = POPULATIONS[population]
    rng = np.random.default_rng([seed, votes_per_pair, list(POPULATIONS).index(population)])
    reliability = drawn_from if isinstance(drawn_from, Beta) else rng.choice(drawn_from[0], annotators, p=drawn_from[1])
    data = simulate_annotators(annotators=annotators, votes_per_pair=votes_per_pair, reliability=reliability, seed=rng)
    result = estimate_reliability(data.votes)
    table = {name: result.annotators[name].to_numpy() for name in ("votes", "low", "high")}
    inside = (table["low"] <= data.reliability) & (data.reliability <= table["high"])
    found = []
    for fewest, most in GROUPS.values():
        chosen = inside[(table["votes"] >= fewest) & (table["votes"] <= most)]
        found.append(chosen.mean() if len(chosen) else np.nan)
    confidence = calibration_table(result.votes["confidence"].to_numpy(), data.correct)
    return [*found, expected_calibration_error(confidence)]


def main() -> None:
    arguments = parser(__doc__, data_sets=200, annotators=200)
    arguments.add_argument("--votes-per-pair", type=int, nargs="+", default=[2, 3, 5])
    args = arguments.parse_args()
    page = Page("Coverage of intervals and calibration of confidence", args)
    rows, coverage, calibration = [], [], []
    for population in POPULATIONS:
        for number in args.votes_per_pair:
            run = partial(one_data_set, population=population, votes_per_pair=number, annotators=args.annotators)
            found = np.array(each(run, range(args.data_sets), args.workers))
            mean = np.nanmean(found, axis=0)
            error = np.nanstd(found, axis=0, ddof=1) / np.sqrt(np.isfinite(found).sum(axis=0))
            rows.append([population, number, *(f"{m:.3f} ({e:.3f})" for m, e in zip(mean, error, strict=True))])
            coverage.append(mean[0])
            calibration.append(mean[-1])
    page.table(
        ["population", "votes per pair", *GROUPS, "calibration error"],
        rows,
        f"{args.data_sets} data sets of {args.annotators} annotators each; mean (standard error).",
    )
    page.write(
        "The papers give no intervals. Here 95% intervals for an annotator hold the truth in "
        f"{min(coverage):.1%} to {max(coverage):.1%} of the cases, and confidence is off by {max(calibration):.3f} at most."
    )


if __name__ == "__main__":
    main()
