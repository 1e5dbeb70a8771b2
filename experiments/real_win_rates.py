"""How well is attentiveness recovered with real preference probabilities, and do they help click by click?

A strong judge's probability p(x) that a model beats the baseline, for 805 real prompts and 19 models (AlpacaEval 2).
Users of known attentiveness compare the two on random prompts: attentive users follow a draw from p(x), the others toss
a coin. Attentiveness is estimated from counts, with the mean of p(x) as the win rate, and from single clicks, each with
its own p(x).

All 19 models lose to the baseline, most of them badly. Win rates near 1/2 come from matchups, with p =
logistic(logit p_1 - logit p_2): the Bradley-Terry model prompt by prompt. This is an assumption, unlike the first
group. As many pairs are taken as there are models, spread evenly by the distance of the win rate from 1/2.

    python experiments/real_win_rates.py [--draws 4]
"""

from __future__ import annotations

import sys
from functools import partial
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from harness import COLOURS, Page, each, parser
from known_users import BETA, TWO_POINT
from scipy.special import expit, logit

from votewise.data.clicks import Clicks, Counts
from votewise.users.estimate import estimate_attentiveness

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "alpacaeval_preferences.parquet"
USERS, COMPARISONS = 400, 50
TRUTHS = {"beta": BETA, "two-point": TWO_POINT}
WAYS = ("counts", "per click")
EDGES = (0.0, 0.05, 0.15, 0.25, 0.35, 0.45, 0.5)
"""Classes of the distance of the win rate from 1/2."""


def matchups() -> list[tuple[str, np.ndarray]]:
    """(name, p) of every model against the baseline, and of matchups."""
    table = pq.read_table(DATA, columns=["model", "prompt_index", "preference"])
    model, prompt = (table[name].to_numpy() for name in ("model", "prompt_index"))
    p = np.clip(table["preference"].to_numpy() - 1, 0, 1)
    models = sorted(set(model))
    of_model = {name: p[model == name][np.argsort(prompt[model == name])] for name in models}
    log_odds = {name: logit(np.clip(values, 1e-6, 1 - 1e-6)) for name, values in of_model.items()}
    pairs = [(f"{a} over {b}", expit(log_odds[a] - log_odds[b])) for a, b in combinations(models, 2)]
    pairs.sort(key=lambda pair: abs(pair[1].mean() - 0.5))
    # A win rate within a hundredth of 1/2 is refused or useless for counts, and would only show that.
    pairs = [pair for pair in pairs if abs(pair[1].mean() - 0.5) > 0.01]
    taken = np.unique(np.round(np.linspace(0, len(pairs) - 1, len(models))).astype(int))
    return [*of_model.items(), *(pairs[i] for i in taken)]


def one_data_set(seed: int, p: np.ndarray, truth: str) -> dict[str, dict[str, float]]:
    """How well attentiveness is recovered from counts and from single clicks."""
    rng = np.random.default_rng([seed, list(TRUTHS).index(truth), round(1e6 * p.mean())])
    rho = TRUTHS[truth].draw(rng, USERS)
    user = np.repeat(np.arange(USERS), COMPARISONS)
    prompt = rng.integers(len(p), size=len(user))
    better = rng.random(len(user)) < p[prompt]
    for_a = np.where(rng.random(len(user)) < rho[user], better, rng.random(len(user)) < 0.5)
    wins = np.bincount(user, for_a, USERS)
    counts, cell_of = Counts.of_users(np.full(USERS, COMPARISONS), wins)
    results = {
        "counts": (estimate_attentiveness(counts, win_rate=float(p.mean()), prior=truth), cell_of),
        "per click": (estimate_attentiveness(Clicks(user, p[prompt], for_a), prior=truth), np.arange(USERS)),
    }
    found = {}
    for way, (result, cell) in results.items():
        mean, low, high = (result.cells[name].to_numpy()[cell] for name in ("attentiveness", "low", "high"))
        # Where nothing is learnt all users have the same estimate, which ranks nobody.
        correlation = float(np.corrcoef(mean, rho)[0, 1]) if mean.std() > 1e-9 else 0.0
        found[way] = {
            "correlation": correlation,
            "error": float(np.sqrt(((mean - rho) ** 2).mean())),
            "coverage": float(((low - 1e-9 <= rho) & (rho <= high + 1e-9)).mean()),
        }
    return found


def all_data_sets(item: tuple[str, np.ndarray, bool, str], draws: int) -> list[dict[str, Any]]:
    """One row per method, means over the draws."""
    name, p, real, truth = item
    data_sets = [one_data_set(seed, p, truth) for seed in range(draws)]
    return [
        {
            "matchup": name,
            "group": "against the baseline" if real else "matchup",
            "distance": abs(float(p.mean()) - 0.5),
            "win_rate": float(p.mean()),
            "truth": truth,
            "way": way,
            **{key: float(np.mean([data_set[way][key] for data_set in data_sets])) for key in data_sets[0][way]},
        }
        for way in WAYS
    ]


def chart(rows: list[dict[str, Any]]) -> alt.HConcatChart:
    """Correlation with the truth against the distance of the win rate from 1/2."""
    panels = []
    for truth in TRUTHS:
        table = pa.Table.from_pylist(
            [{k: row[k] for k in ("distance", "correlation", "way", "group")} for row in rows if row["truth"] == truth]
        )
        panels.append(
            alt.Chart(table)
            .mark_point(size=45, strokeWidth=1.5)
            .encode(
                alt.X("distance:Q", title="distance of the win rate from 1/2"),
                alt.Y("correlation:Q", title="correlation with the truth", scale=alt.Scale(domain=[0, 1])),
                alt.Color("way:N", scale=alt.Scale(domain=list(WAYS), range=list(COLOURS.values())[:2])),
                alt.Shape("group:N"),
            )
            .properties(width=320, height=240, title=truth)
        )
    return alt.hconcat(*panels)


def main() -> None:
    args = parser(__doc__, draws=4).parse_args()
    if not DATA.exists():
        print(f"skipped: the preferences of AlpacaEval are not at {DATA}")
        sys.exit(0)
    page = Page("Real preference probabilities", args)
    played = matchups()
    real = len({name for name, _ in played if " over " not in name})
    items = [(name, p, i < real, truth) for truth in TRUTHS for i, (name, p) in enumerate(played)]
    rows = [row for found in each(partial(all_data_sets, draws=args.draws), items, args.workers) for row in found]
    mean = {}
    for truth in TRUTHS:
        lines = []
        for group in ("against the baseline", "matchup"):
            for low, high in pairwise(EDGES):
                part = [r for r in rows if r["truth"] == truth and r["group"] == group and low <= r["distance"] < high]
                if not part:
                    continue
                cells = {
                    (w, k): np.mean([r[k] for r in part if r["way"] == w])
                    for w in WAYS
                    for k in ("correlation", "error", "coverage")
                }
                mean[truth, group, low] = cells
                figures = [f"{cells[way, key]:.3f}" for key in ("correlation", "error", "coverage") for way in WAYS]
                lines.append([group, f"{low:.2f} to {high:.2f}", len(part) // len(WAYS), *figures])
        heads = [f"{key}, {way}" for key in ("correlation", "rmse", "coverage") for way in WAYS]
        page.table(
            ["match-up", "distance of mu from 1/2", "number", *heads],
            lines,
            f"Attentiveness from {truth}, {USERS} users of {COMPARISONS} comparisons, {args.draws} data sets per match-up; "
            "correlation of the posterior mean with the truth, its root mean squared error, coverage of 95% intervals.",
        )
    page.write(finding(mean), chart(rows), "Each point is a match-up, the mean over its data sets.")


def finding(mean: dict[Any, Any]) -> str:
    """What was claimed, and what was found for Beta(3, 5)."""
    pairs = [cells for (truth, group, _), cells in mean.items() if truth == "beta" and group == "matchup"]
    near, far = pairs[0], pairs[-1]
    return (
        "The paper found estimates more reliable the larger the win rate, on simulated draws. With real preference "
        f"probabilities the correlation with the truth (Beta) is {near['counts', 'correlation']:.2f} from counts for win "
        f"rates nearest to 1/2 and {far['counts', 'correlation']:.2f} furthest from it: it "
        f"{'holds' if far['counts', 'correlation'] > near['counts', 'correlation'] else 'does not hold'}. With a "
        f"probability per click it is {near['per click', 'correlation']:.2f} and {far['per click', 'correlation']:.2f}: the "
        "win rate then hardly matters."
    )


if __name__ == "__main__":
    main()
