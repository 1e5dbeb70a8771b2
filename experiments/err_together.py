"""Groups of annotators who err together: is the audit believed as often as it is right once the groups are named?

Six judges whose errors have a correlation of 0.37 beside three of thirty people a pair, 1,000 pairs; the same with no
correlation, and with 0.69; and a third of a crowd of a hundred that copies one source of reliability 0.6, 1,500 pairs with
five votes. Each with and without groups: said (mean probability of the likelier response) and right (share of pairs where it
is better), mean error of reliabilities, the share of their 95% intervals that hold the truth, and how often the interval
of r does.

    python experiments/err_together.py [--data-sets 200]
"""

from __future__ import annotations

from functools import partial

import numpy as np
from harness import Page, each, parser
from scipy.stats import norm

from votewise.annotators.estimate import estimate_reliability
from votewise.data.votes import Votes

SHARE = 0.58
"""r at which judges of reliability 0.75 have errors with a correlation of about 0.37."""

GROUP = {"together": "j*"}


def judged(rng: np.random.Generator, share: float) -> tuple[Votes, np.ndarray, np.ndarray]:
    """Votes of people and judges, the truth, and the reliabilities, those of judges last."""
    pairs, people = 1000, 30
    truth, eta = rng.choice([-1, 1], pairs), np.append(rng.beta(8, 3, people), rng.beta(30, 10, 6))
    who = np.argpartition(rng.random((pairs, people)), 3, axis=1)[:, :3]
    said = np.where(rng.random(who.shape) < eta[who], truth[:, None], -truth[:, None])
    error = np.sqrt(share) * rng.standard_normal((pairs, 1)) + np.sqrt(1 - share) * rng.standard_normal((pairs, 6))
    judges = np.where(error < norm.ppf(eta[people:]), truth[:, None], -truth[:, None])
    annotator = np.hstack([who, np.broadcast_to(people + np.arange(6), (pairs, 6))]).ravel()
    names = [f"p{k}" for k in range(people)] + [f"j{k}" for k in range(6)]
    sign = np.hstack([said, judges]).ravel()
    return Votes.from_arrays(np.repeat(np.arange(pairs), 9), annotator, sign, annotator_ids=names), truth, eta


def copied(rng: np.random.Generator) -> tuple[Votes, np.ndarray, np.ndarray]:
    """Votes of a crowd, of which the last third copies; the truth, and the reliabilities."""
    pairs, people = 1500, 100
    truth, eta = rng.choice([-1, 1], pairs), rng.beta(5, 2, people)
    eta[-33:] = 0.6
    who = np.argpartition(rng.random((pairs, people)), 5, axis=1)[:, :5]
    said = np.where(rng.random(who.shape) < eta[who], truth[:, None], -truth[:, None])
    source = np.where(rng.random(pairs) < 0.6, truth, -truth)
    said = np.where(who >= people - 33, source[:, None], said)
    names = [f"p{k}" for k in range(people - 33)] + [f"j{k}" for k in range(33)]
    votes = Votes.from_arrays(np.repeat(np.arange(pairs), 5), who.ravel(), said.ravel(), annotator_ids=names)
    return votes, truth, eta


MUCH = 0.9
"""r at which their errors have a correlation of about 0.69."""

WORLDS = {
    "judges, correlation 0.37": partial(judged, share=SHARE),
    "judges, no correlation": partial(judged, share=0.0),
    "judges, correlation 0.69": partial(judged, share=MUCH),
    "a third of a crowd copies": copied,
}


def one_data_set(seed: int, world: str) -> dict[str, dict[str, float]]:
    """With and without groups: what was said and what was right."""
    rng = np.random.default_rng([seed, list(WORLDS).index(world)])
    votes, truth, eta = WORLDS[world](rng)
    together = np.array([str(name).startswith("j") for name in votes.annotator_ids])
    found = {}
    for method, groups in (("without", None), ("with", GROUP)):
        result = estimate_reliability(votes, groups=groups)
        table, p_a = result.annotators, result.pairs["p_a"].to_numpy()
        error = table["reliability"].to_numpy() - eta
        held = (table["low"].to_numpy() <= eta) & (eta <= table["high"].to_numpy())
        chosen = found[method] = {
            "said": float(np.maximum(p_a, 1 - p_a).mean()),
            "right": float(((p_a > 0.5) == (truth > 0)).mean()),
            "error together": error[together].mean(),
            "error others": error[~together].mean(),
            "held together": held[together].mean(),
            "held others": held[~together].mean(),
        }
        for group in result.groups:
            true = {"judges, no correlation": 0.0, "judges, correlation 0.69": MUCH}.get(world, SHARE)
            chosen |= {
                "correlation": group.correlation,
                "effective": group.effective,
                "held r": float(group.r_low <= true <= group.r_high),
            }
    return found


def cell(values: list[float], digits: int = 3) -> str:
    """Mean and its standard error."""
    return f"{np.mean(values):.{digits}f} ({np.std(values) / np.sqrt(len(values)):.{digits}f})"


def main() -> None:
    args = parser(__doc__, data_sets=200).parse_args()
    page = Page("Annotators who err together", args)
    figures: dict[tuple[str, str], dict[str, list[float]]] = {}
    for world in WORLDS:
        found = each(partial(one_data_set, world=world), range(args.data_sets), args.workers)
        for method in ("without", "with"):
            figures[world, method] = {name: [one[method][name] for one in found] for name in found[0][method]}
    names = ("said", "right", "error together", "error others", "held together", "held others")
    page.table(
        ["votes", "groups", "said", "right", "said - right", *(f"{name}" for name in names[2:])],
        [
            [
                world,
                method,
                *(f"{np.mean(of[name]):.3f}" for name in names[:2]),
                cell(list(np.subtract(of["said"], of["right"])), 4),
                *(cell(of[name]) for name in names[2:]),
            ]
            for (world, method), of in figures.items()
        ],
        f"Means of {args.data_sets} data sets (standard error). Error: estimated minus true reliability, of those who err "
        "together and of the others. Held: share of 95% intervals that hold the true reliability.",
    )
    page.table(
        ["votes", "correlation", "effective number", "interval of r holds r"],
        [
            [
                world,
                cell(of["correlation"]),
                cell(of["effective"], 2),
                "-" if "copies" in world else cell(of["held r"]),
            ]
            for (world, method), of in figures.items()
            if method == "with"
        ],
        "What is found of the group.",
    )
    first = next(iter(WORLDS))
    judges = figures[first, "with"], figures[first, "without"]
    page.write(
        f"Judges who err together were believed with {np.mean(judges[1]['said']):.3f} and right on "
        f"{np.mean(judges[1]['right']):.3f} of the pairs; with their group named, {np.mean(judges[0]['said']):.3f} and "
        f"{np.mean(judges[0]['right']):.3f}."
    )


if __name__ == "__main__":
    main()
