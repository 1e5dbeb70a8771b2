"""Does it matter that the win rate is not known [UAA figure 8]?

800 users, attentiveness from Beta(3, 5), true win rates 0.6 to 0.9; the win rate given, or only its prior Beta(8, 2).
As in the paper every user makes 200 comparisons. Users with equal numbers of comparisons are ranked by their wins
whatever the win rate, so a second design has 10 to 390 comparisons per user. Prints the share of truly attentive users
(above the median of Beta(3, 5) as in the paper's threshold, or the upper half of users for the ranking) that are found,
the win rate estimated, and how often its 95% interval holds the true one.

    python experiments/unknown_win_rate.py [--draws 50]
"""

from __future__ import annotations

from functools import partial
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
from harness import COLOURS, Page, each, middle, parser
from known_users import clicks, share_found
from scipy.stats import beta

from votewise.inference.priors import Beta
from votewise.users.estimate import estimate_attentiveness

USERS, C, D = 800, 3.0, 5.0
RATES = (0.6, 0.7, 0.8, 0.9)
MEDIAN = float(beta.median(C, D))
DESIGNS = {"200 each": (200, 200), "10 to 390": (10, 390)}
BELIEFS = {"known": None, "Beta(8, 2)": Beta(8, 2)}
TOLERATED = 0.02
"""Loss of users found that still counts as none."""


def one_data_set(seed: int, mu: float, design: str) -> dict[str, Any]:
    """With and without the win rate: users found by rank and by threshold, users kept, the win rate with its interval."""
    fewest, most = DESIGNS[design]
    rng = np.random.default_rng([seed, round(100 * mu), fewest])
    rho = rng.beta(C, D, USERS)
    counts, cell_of = clicks(rng, rho, rng.integers(fewest, most, USERS, endpoint=True), mu)
    found = {}
    for name, belief in BELIEFS.items():
        result = estimate_attentiveness(counts, win_rate=mu if belief is None else belief, prior="beta")
        score, mode = (result.cells[name].to_numpy()[cell_of] for name in ("attentiveness", "mode"))
        rate = result.win_rates.to_pylist()[0]
        kept, attentive = mode > MEDIAN, rho > MEDIAN
        found[name] = {
            "rank": share_found(score, rho),
            "threshold": float((kept & attentive).sum() / attentive.sum()),
            "kept": float(kept.mean()),
            "rate": rate["win_rate"],
            "covered": belief is None or rate["low"] is None or rate["low"] <= mu <= rate["high"],
        }
    return found


def chart(rows: list[dict[str, Any]]) -> alt.HConcatChart:
    """Share found by rank and by threshold, against the win rate, known or not; lines: medians, bars: 10% to 90%."""
    panels = []
    colours = alt.Scale(domain=list(BELIEFS), range=list(COLOURS.values())[:2])
    for rule in ("rank", "threshold"):
        table = pa.Table.from_pylist([row for row in rows if row["rule"] == rule])
        base = alt.Chart(table).encode(
            alt.X(
                "mu:Q", title="true win rate", scale=alt.Scale(domain=[0.55, 0.95]), axis=alt.Axis(values=list(RATES))
            ),
            alt.Color("belief:N", scale=colours),
        )
        y = {"title": "attentive users found", "axis": alt.Axis(format=".0%"), "scale": alt.Scale(zero=False)}
        bars = base.mark_rule(strokeWidth=6, opacity=0.3).encode(alt.Y("low:Q", **y), y2="high:Q")
        lines = base.mark_line(point=True).encode(alt.Y("median:Q", **y))
        panels.append((bars + lines).properties(width=300, height=230, title=f"by {rule}, 10 to 390 comparisons"))
    return alt.hconcat(*panels)


def main() -> None:
    args = parser(__doc__, draws=50).parse_args()
    page = Page("The win rate unknown", args)
    drawn, losses, threshold_losses, known_rank = [], [], [], []
    for design in DESIGNS:
        rows = []
        for mu in RATES:
            data_sets = each(partial(one_data_set, mu=mu, design=design), range(args.draws), args.workers)
            found = {b: {k: np.array([c[b][k] for c in data_sets]) for k in data_sets[0][b]} for b in BELIEFS}
            known, unknown = found.values()
            loss = 100 * (known["rank"] - unknown["rank"])
            losses.append(loss.mean() / 100)
            threshold_losses.append(float((known["threshold"] - unknown["threshold"]).mean()))
            known_rank.append(known["rank"].mean())
            rows.append(
                [
                    mu,
                    *(middle(found[b]["rank"], 1, 100) for b in BELIEFS),
                    f"{loss.mean():.2f} ± {2 * loss.std(ddof=1) / np.sqrt(len(loss)):.2f}",
                    *(f"{found[b]['threshold'].mean():.1%} of {found[b]['kept'].mean():.0%} kept" for b in BELIEFS),
                    middle(unknown["rate"], 3),
                    f"{unknown['covered'].mean():.0%}",
                ]
            )
            for belief, values in found.items():
                for rule in ("rank", "threshold"):
                    low, median, high = np.quantile(values[rule], [0.1, 0.5, 0.9])
                    row = {"mu": mu, "belief": belief, "rule": rule, "low": low, "median": median, "high": high}
                    drawn += [row] if design == "10 to 390" else []
        page.table(
            ["mu", "rank: known", "Beta(8, 2)", "points lost", "threshold: known", "Beta(8, 2)", "mu found", "covered"],
            rows,
            f"{design} comparisons, {args.draws} data sets. Rank: per cent of the truly more attentive half that are in the "
            "upper half by posterior mean, median (10% to 90%); points lost: mean ± 2 standard errors. Threshold: share of "
            "users above the true median whose mode is above it, and share of all users whose mode is.",
        )
    half = len(RATES)
    holds = max(losses) <= TOLERATED
    page.write(
        "The paper saw the attentive half found almost as well without knowing the win rate, and better the further it is "
        f"from 1/2. By rank at most {100 * max(losses):.1f} points are lost here (with 200 comparisons each none can be), "
        f"and the share found grows from {known_rank[half]:.0%} to {known_rank[-1]:.0%}: it "
        f"{'holds' if holds else 'does not hold'}. By threshold the change is up to "
        f"{100 * max(map(abs, threshold_losses)):.0f} points: there the win rate matters.",
        chart(drawn),
        "Share of the truly attentive users found, win rate known and unknown: medians, and 10% to 90% of data sets.",
    )


if __name__ == "__main__":
    main()
