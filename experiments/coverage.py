"""Do 95% intervals hold the truth 95% of the time, and is confidence calibrated?

Annotators: simulated with 1 to 500 votes each (spread evenly on a log scale). Prints, per population of annotators and
number of votes per pair, for the prior fitted to the same votes: coverage over all annotators, over those with more than
200 votes and with fewer than 10, and the expected calibration error of `confidence`, with standard errors over data sets.
Then the same for the other priors that can be asked for, with three votes per pair: none, a Beta that is the population,
and one that is not.

Users: 400 with 10 to 250 comparisons, 100 with 5 to 60, 200 with 100 each; coverage under every family on a population of
its own kind, and of the free one and `auto` on all of them; beside them the intervals of the true one, were it known.

    python experiments/coverage.py [--data-sets 200] [--annotators 200] [--user-data-sets 40]
"""

from __future__ import annotations

from functools import partial

import numpy as np
from harness import Page, each, parser
from known_users import clicks, posterior_interval
from misspecified_priors import MU, TRUTHS

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.fit_settings import PriorChoice
from votewise.inference.calibration import calibration_table, expected_calibration_error
from votewise.inference.priors import Beta
from votewise.simulate import simulate_annotators
from votewise.users.estimate import estimate_attentiveness

POPULATIONS = {
    "Beta(5, 2)": Beta(5, 2),
    "Beta(3, 1.5)": Beta(3, 1.5),
    "Beta(12, 2)": Beta(12, 2),
    "60% at 0.95, 20% at 0.55, 15% at 0.5, 5% at 0.2": ((0.95, 0.55, 0.5, 0.2), (0.6, 0.2, 0.15, 0.05)),
}
OTHER_PRIORS = {"none": None, "Beta(5, 2)": Beta(5, 2), "Beta(12, 2)": Beta(12, 2)}
CROWDS = {
    "400 users, 10 to 250 each": (400, 10, 250),
    "100 users, 5 to 60 each": (100, 5, 60),
    "200 users, 100 each": (200, 100, 100),
}
OWN = {
    "two-point": ("two-point",),
    "beta": ("beta",),
    "two Betas": ("beta-mixture:2", "logistic-normal:2"),
    "logistic-normal": ("logistic-normal:1",),
}
"""Families of users' priors by the population that is of their kind."""

GROUPS = {"all": (1, np.inf), "> 200 votes": (201, np.inf), "< 10 votes": (1, 9)}


def one_data_set(
    seed: int, population: str, votes_per_pair: int, annotators: int, prior: PriorChoice = "fit"
) -> list[float]:
    """Coverage per group, calibration error, and whether the votes were said to contradict the prior, of one data set."""
    drawn_from = POPULATIONS[population]
    rng = np.random.default_rng([seed, votes_per_pair, list(POPULATIONS).index(population)])
    reliability = drawn_from if isinstance(drawn_from, Beta) else rng.choice(drawn_from[0], annotators, p=drawn_from[1])
    data = simulate_annotators(annotators=annotators, votes_per_pair=votes_per_pair, reliability=reliability, seed=rng)
    result = estimate_reliability(data.votes, prior=prior)
    table = {name: result.annotators[name].to_numpy() for name in ("votes", "low", "high")}
    inside = (table["low"] <= data.reliability) & (data.reliability <= table["high"])
    found = []
    for fewest, most in GROUPS.values():
        chosen = inside[(table["votes"] >= fewest) & (table["votes"] <= most)]
        found.append(chosen.mean() if len(chosen) else np.nan)
    confidence = calibration_table(result.votes["confidence"].to_numpy(), data.correct)
    contradicted = any(one.code == "prior-contradicted" for one in result.diagnostics)
    return [*found, expected_calibration_error(confidence), float(contradicted)]


def one_set_of_users(seed: int, crowd: str, population: str) -> dict[str, tuple[float, float]]:
    """Per family: the share of users whose interval holds their attentiveness, and the intervals' mean width."""
    users, fewest, most = CROWDS[crowd]
    truth = TRUTHS[population]
    rng = np.random.default_rng([seed, list(TRUTHS).index(population)])
    rho = truth.draw(rng, users)
    n = np.round(np.exp(rng.uniform(np.log(fewest), np.log(most), users))).astype(int)
    counts, cell_of = clicks(rng, rho, n, MU)
    found = {}
    for family in ("known", *OWN[population], "nonparametric", "auto"):
        if family == "known":
            low, high = (ends[cell_of] for ends in posterior_interval(truth, counts, MU))
        else:
            result = estimate_attentiveness(counts, win_rate=MU, prior=family)
            low, high = (result.cells[name].to_numpy()[cell_of] for name in ("low", "high"))
        found[family] = (float(((low <= rho) & (rho <= high)).mean()), float((high - low).mean()))
    return found


def mean_and_error(found: list[list[float]]) -> tuple[np.ndarray, list[str]]:
    """Means over data sets, and cells of means with standard errors."""
    values = np.array(found)
    mean = np.nanmean(values, axis=0)
    error = np.nanstd(values, axis=0, ddof=1) / np.sqrt(np.isfinite(values).sum(axis=0))
    return mean, [f"{m:.3f} ({e:.3f})" for m, e in zip(mean, error, strict=True)]


def coverage_of_users(page: Page, data_sets: int, workers: int) -> list[float]:
    """The table of users; the coverage of the families on smooth populations."""
    rows, smooth = [], []
    for crowd in CROWDS:
        for population in OWN:
            run = partial(one_set_of_users, crowd=crowd, population=population)
            found = each(run, range(data_sets), workers)
            for family in found[0]:
                mean, cells = mean_and_error([list(one[family]) for one in found])
                rows.append([crowd, population, family, *cells])
                if population != "two-point" and family != "known":
                    smooth.append(mean[0])
    page.table(
        ["users", "population", "family", "coverage", "width"],
        rows,
        f"Users, {data_sets} data sets each, win rate {MU} known: share of 95% intervals that hold the attentiveness, and "
        "their mean width; mean (standard error).",
    )
    return smooth


def main() -> None:
    arguments = parser(__doc__, data_sets=200, annotators=200, user_data_sets=40)
    arguments.add_argument("--votes-per-pair", type=int, nargs="+", default=[2, 3, 5])
    args = arguments.parse_args()
    page = Page("Coverage of intervals and calibration of confidence", args)
    rows, coverage, calibration = [], [], []
    for population in POPULATIONS:
        for number in args.votes_per_pair:
            run = partial(one_data_set, population=population, votes_per_pair=number, annotators=args.annotators)
            mean, cells = mean_and_error(each(run, range(args.data_sets), args.workers))
            rows.append([population, number, *cells[:-1]])
            coverage.append(mean[0])
            calibration.append(mean[-2])
    page.table(
        ["population", "votes per pair", *GROUPS, "calibration error"],
        rows,
        f"{args.data_sets} data sets of {args.annotators} annotators each; mean (standard error).",
    )
    rows = []
    for name, prior in OTHER_PRIORS.items():
        for population in POPULATIONS:
            run = partial(
                one_data_set, population=population, votes_per_pair=3, annotators=args.annotators, prior=prior
            )
            rows.append([name, population, *mean_and_error(each(run, range(args.data_sets // 4), args.workers))[1]])
    page.table(
        ["prior", "population", *GROUPS, "calibration error", "named as contradicted"],
        rows,
        f"Priors that are not fitted, {args.data_sets // 4} data sets each, three votes per pair; mean (standard error). "
        "Named: share of the data sets in which the finding `prior-contradicted` said that the votes contradict the prior.",
    )
    smooth = coverage_of_users(page, args.user_data_sets, args.workers)
    page.write(
        "The papers give no intervals. Here 95% intervals for an annotator hold the truth in "
        f"{min(coverage):.1%} to {max(coverage):.1%} of the cases, and confidence is off by {max(calibration):.3f} at most. "
        f"Intervals of users who all differ hold the truth in {min(smooth):.1%} to {max(smooth):.1%}, whatever the family; "
        "of users at two points they hold both points or miss one, and under the free family nearly always hold both."
    )


if __name__ == "__main__":
    main()
