"""What is a jury of nine strong judges worth that err together, and what are a few votes of people best used for?

The setting of Kohli, "Nine Judges, Two Effective Votes" (arXiv 2605.29800, 2026), simulated: nine judges of seven
families, each right on 72 to 84% of the pairs, whose errors correlate so that Kish's number is about two. The paper
finds that no aggregation closes more than 11% of the gap to independent judges, and that the best judge does as well as
the jury. Here the truth is known, so it can be said in addition how sure each method is, and how often it is right.

First table: accuracy, and the probability that each method gives to what it says. The jury model is fitted to the errors
on a few pairs with gold, and measured on others. Second table: votes of people, right with 80%, spent on pairs drawn at
random, on the pairs that judges taken for independent leave most open, or on those that the jury model leaves most open,
one vote at a time.

    python experiments/juries.py [--worlds 20] [--pairs 2000]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from heapq import heapify, heapreplace

import numpy as np
from harness import Page, each, parser
from scipy.special import expit, logit

from votewise.annotators.estimate import estimate_reliability
from votewise.arrays import Floats, Signs
from votewise.data.votes import Votes
from votewise.inference.jury_model import JuryModel, fit_jury, kish_judges, mean_error_correlation, worth_in_judges

FAMILY = np.array([0, 0, 1, 1, 2, 3, 4, 5, 6], np.int32)
RELIABILITY = np.array([0.84, 0.80, 0.82, 0.76, 0.80, 0.78, 0.76, 0.74, 0.72])
ACROSS, WITHIN = 0.6, 0.75
GOLD = (50, 100, 300)
USED = 100
"""Pairs with gold in the second table."""
PERSON = 0.8
BUDGETS = (0, 100, 300, 1000)
METHODS = (
    "best judge",
    "majority",
    "independent judges (plain audit)",
    *(f"jury model, {n} gold" for n in GOLD),
    "true model",
)
USES = ("at random", "where independent judges are unsure", "where the jury model is unsure")


@dataclass(frozen=True)
class World:
    """Figures of one simulated data set."""

    kish: float
    worth: float
    right: dict[str, float]
    said: dict[str, float]
    condorcet: float
    used: dict[tuple[str, int], tuple[float, float]]


def one_world(seed: int, pairs: int) -> World:
    """Draw one data set and judge it by every method."""
    rng = np.random.default_rng(seed)
    true = JuryModel(RELIABILITY, FAMILY, ACROSS, WITHIN)
    truth = rng.choice(np.array([-1, 1], np.int8), pairs)
    votes = (true.draw(pairs, rng) * truth[:, None]).astype(np.int8)
    alone = JuryModel(RELIABILITY, np.arange(9, dtype=np.int32))
    free = alone.log_odds((alone.draw(pairs, rng) * truth[:, None]).astype(np.int8))
    right = (votes == truth[:, None]).astype(float)
    gold = rng.permutation(pairs)
    odds: dict[str, Floats] = {
        "independent judges (plain audit)": _independent(votes),
        "true model": true.log_odds(votes),
    }
    fits = {}
    for number in GOLD:
        fits[number] = fit_jury(right[gold[:number]], FAMILY)
        odds[f"jury model, {number} gold"] = fits[number].log_odds(votes)
    odds["majority"] = votes.sum(axis=1).astype(float)
    odds["best judge"] = votes[:, np.argmax(fits[USED].reliability)] * logit(np.max(fits[USED].reliability))
    # The pairs with gold are left out everywhere.
    test = gold[max(GOLD) :]
    used = {}
    starts = dict(zip(USES, (odds[f"jury model, {USED} gold"],) * 3, strict=True))
    starts[USES[1]] = odds["independent judges (plain audit)"]
    for use in USES:
        for budget in BUDGETS:
            used[use, budget] = _measure(_asked(starts[use][test], truth[test], budget, use, rng), truth[test])
    figures = {name: _measure(odds[name][test], truth[test]) for name in METHODS}
    return World(
        kish_judges(9, mean_error_correlation(right)),
        worth_in_judges(fit_jury(right, FAMILY)),
        {name: found[0] for name, found in figures.items()},
        {name: found[1] for name, found in figures.items() if name != "majority"},
        _measure(free, truth)[0],
        used,
    )


def _independent(votes: Signs) -> Floats:
    """Log-odds by an audit that takes the judges for independent."""
    pair, judge = np.nonzero(votes)
    data = Votes.from_arrays(pair, judge, votes[pair, judge])
    p = np.asarray(estimate_reliability(data, intervals=False).pairs["p_a"].to_numpy(), np.float64)
    return np.asarray(logit(p.clip(1e-12, 1 - 1e-12)))


def _asked(odds: Floats, truth: Signs, budget: int, use: str, rng: np.random.Generator) -> Floats:
    """Log-odds after so many votes of people."""
    odds, step = odds.copy(), logit(PERSON)
    says = truth[:, None] * np.where(rng.random((len(truth), 64)) < PERSON, 1, -1)
    if use == USES[0]:
        for i in rng.permutation(len(odds))[:budget]:
            odds[i] += step * says[i, 0]
        return odds
    heap = [(abs(value), i) for i, value in enumerate(odds)]
    heapify(heap)
    asked = np.zeros(len(odds), int)
    for _ in range(budget):
        i = heap[0][1]
        odds[i] += step * says[i, asked[i] % 64]
        asked[i] += 1
        heapreplace(heap, (abs(odds[i]), i))
    return odds


def _measure(odds: Floats, truth: Signs) -> tuple[float, float]:
    """Share of right signs, and mean probability of what is said."""
    right = np.where(odds == 0, 0.5, np.sign(odds) == truth)
    return float(right.mean()), float(expit(np.abs(odds)).mean())


def main() -> None:
    args = parser(__doc__, worlds=20, pairs=2_000).parse_args()
    page = Page("Nine judges that err together", args)
    worlds: list[World] = each(partial(one_world, pairs=args.pairs), range(args.worlds), args.workers)

    def mean(values: list[float], digits: int = 1, scale: float = 100.0) -> str:
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        return f"{scale * np.mean(values):.{digits}f} ({scale * error:.{digits}f})"

    page.text(
        f"Kish's number {mean([w.kish for w in worlds], 2, 1)}, worth in judges "
        f"{mean([w.worth for w in worlds], 2, 1)}, of nine. "
        f"Independent judges of the same reliabilities would be right on {mean([w.condorcet for w in worlds])}%. Means over "
        f"{args.worlds} data sets of {args.pairs:,} pairs, standard errors in brackets."
    )
    base = np.mean([w.right["majority"] for w in worlds])
    gap = np.mean([w.condorcet for w in worlds]) - base
    rows = []
    for name in METHODS:
        right = [w.right[name] for w in worlds]
        said = [w.said.get(name, np.nan) for w in worlds]
        off = "" if name == "majority" else mean([s - r for s, r in zip(said, right, strict=True)])
        rows.append(
            [
                name,
                mean(right),
                "" if name == "majority" else mean(said),
                off,
                f"{100 * (np.mean(right) - base) / gap:.0f}%",
            ]
        )
    page.table(["verdict by", "right, %", "said, %", "said less right", "gap closed"], rows)
    rows = []
    for use in USES:
        for budget in BUDGETS:
            found = [w.used[use, budget] for w in worlds]
            off = mean([said - right for right, said in found])
            closed = 100 * (np.mean([right for right, _ in found]) - base) / gap
            rows.append([use, budget, mean([right for right, _ in found]), off, f"{closed:.0f}%"])
    page.table(
        ["votes of people", "number", "right, %", "said less right", "gap closed"],
        rows,
        f"Votes of people, right with {PERSON:.0%}, on top of the jury (of independent judges in the second case); "
        f"{args.pairs - max(GOLD):,} pairs without gold.",
    )

    def closed(right: list[float]) -> str:
        return f"{100 * (np.mean(right) - base) / gap:.0f}%"

    audit, model = METHODS[2], f"jury model, {USED} gold"
    off = {name: 100 * np.mean([w.said[name] - w.right[name] for w in worlds]) for name in (audit, model)}
    spent = {use: closed([w.used[use, 300][0] for w in worlds]) for use in USES}
    page.write(
        f"Claimed: nine such judges are worth two votes, and no aggregation closes more than 11% of the gap to independent "
        f"ones. Here the true model itself closes {closed([w.right['true model'] for w in worlds])} and the one fitted to "
        f"{USED} pairs with gold {closed([w.right[model] for w in worlds])} (best single judge "
        f"{closed([w.right['best judge'] for w in worlds])}): most of the gap is information that is not there. What such "
        f"a model changes is what is said: judges taken for independent say {off[audit]:+.1f} points more than they are "
        f"right, the jury model {off[model]:+.1f}. So it knows where to ask people: 300 votes close {spent[USES[2]]} of "
        f"the gap there, {spent[USES[1]]} where independent judges would be unsure, {spent[USES[0]]} at random."
    )


if __name__ == "__main__":
    main()
