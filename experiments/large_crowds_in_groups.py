"""Crowds with a group, of more than 1,500 annotators: what it costs that intervals leave out the others' uncertainty.

2,000 annotators of reliability Beta(8, 3), the last tenth of whom share errors (r = 0.5), with ten or forty votes each and
three or five votes a pair. Printed is the share of 95% intervals that hold the true reliability: as they are beyond
1,500 annotators, and with everybody's uncertainty, as they are below.

    python experiments/large_crowds_in_groups.py [--data-sets 10]
"""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
from harness import Page, each, parser
from scipy.stats import norm

from votewise.annotators.estimate import estimate_reliability
from votewise.data.votes import Votes
from votewise.inference import shared_error_scores

ANNOTATORS, MEMBERS, SHARE = 2000, 200, 0.5
WORLDS = tuple(itertools.product((10, 40), (3, 5)))
"""Votes of each annotator, and of each pair."""


def crowd(rng: np.random.Generator, votes_each: int, a_pair: int) -> tuple[Votes, np.ndarray]:
    """Votes, and the reliabilities. All votes but one of a tenth of the pairs are the group's, so that members meet."""
    pairs = ANNOTATORS * votes_each // a_pair
    eta = rng.beta(8, 3, ANNOTATORS)
    members = np.arange(pairs) < pairs * MEMBERS // ANNOTATORS
    own = np.where(members[:, None], rng.integers(ANNOTATORS - MEMBERS, ANNOTATORS, (pairs, a_pair)), 0)
    others = rng.integers(0, ANNOTATORS - MEMBERS, (pairs, a_pair))
    who = np.where(members[:, None] & (np.arange(a_pair) < a_pair - 1), own, others)
    inside = who >= ANNOTATORS - MEMBERS
    error = np.sqrt(SHARE) * rng.standard_normal((pairs, 1)) + np.sqrt(1 - SHARE) * rng.standard_normal(who.shape)
    error = np.where(inside, error, rng.standard_normal(who.shape))
    truth = rng.choice([-1, 1], pairs)
    sign = np.where(error < norm.ppf(eta[who]), truth[:, None], -truth[:, None])
    names = [f"{'p' if k < ANNOTATORS - MEMBERS else 'j'}{k}" for k in range(ANNOTATORS)]
    pair = np.repeat(np.arange(pairs), a_pair)
    return Votes.from_arrays(pair, who.ravel(), sign.ravel(), annotator_ids=names), eta


def one_data_set(seed: int, world: tuple[int, int]) -> dict[str, float]:
    """Shares of intervals that hold the truth, and mean widths, both ways."""
    votes, eta = crowd(np.random.default_rng([seed, *world]), *world)
    together, found = np.arange(ANNOTATORS) >= ANNOTATORS - MEMBERS, {}
    usual = shared_error_scores.MOST_PARAMETERS
    for way, most in (("alone", usual), ("all", 2 * ANNOTATORS)):
        shared_error_scores.MOST_PARAMETERS = most
        table = estimate_reliability(votes, groups={"together": "j*"}).annotators
        low, high = table["low"].to_numpy(), table["high"].to_numpy()
        held = (low <= eta) & (eta <= high)
        found |= {f"{way} together": held[together].mean(), f"{way} others": held[~together].mean()}
        found |= {f"{way} width": float((high - low).mean())}
    shared_error_scores.MOST_PARAMETERS = usual
    return found


def cell(values: list[float]) -> str:
    """Mean and its standard error."""
    return f"{np.mean(values):.3f} ({np.std(values) / np.sqrt(len(values)):.3f})"


def main() -> None:
    args = parser(__doc__, data_sets=10).parse_args()
    page = Page("Large crowds with a group", args)
    rows, cost = [], {}
    for world in WORLDS:
        found = each(partial(one_data_set, world=world), range(args.data_sets), args.workers)
        rows.append([*map(str, world), *(cell([one[name] for one in found]) for name in found[0])])
        means = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
        cost[world] = [means[f"all {who}"] - means[f"alone {who}"] for who in ("together", "others")]

    ways = [f"{what}, {way}" for way in ("others' left out", "with others'") for what in ("group", "rest", "width")]
    page.table(
        ["votes each", "votes a pair", *ways],
        rows,
        f"Means of {args.data_sets} data sets (standard error): share of 95% intervals that hold the truth, and width.",
    )
    most = max(cost, key=lambda world: cost[world][0])
    outside = max(lost for _, lost in cost.values())
    page.write(
        "Leaving out the others' uncertainty, as is done beyond 1,500 annotators, lowers the coverage of a group's members "
        f"by {100 * cost[most][0]:.1f} points at most, with {most[0]} votes each and {most[1]} a pair; outside the group by "
        f"{100 * outside:.1f} at most."
    )


if __name__ == "__main__":
    main()
