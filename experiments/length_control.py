"""Does our length-controlled win rate equal the published one, and are its intervals calibrated?

A strong judge's preferences between each of 19 models and one baseline on 805 prompts (AlpacaEval 2), with the
published win rates, raw and length-controlled, and the published difficulty of each prompt. The published
length-controlled rates were fitted together with answers of a baseline that was instructed to be long or short, which
are not public; ours were not.

Coverage is simulated where the truth is known: prompts with one comparison and with several that depend on each other,
rates from 1/2 to nearly 1, and answers whose length matters.

    python experiments/length_control.py [--draws 4000] [--data DIR]
"""

from __future__ import annotations

import csv
import sys
from functools import partial
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
from harness import COLOURS, Page, each, parser
from scipy.special import expit
from scipy.stats import spearmanr

from votewise.evaluate.comparison_rows import ComparisonRows
from votewise.evaluate.difficulty import with_difficulty
from votewise.evaluate.estimate import estimate_win_rate
from votewise.evaluate.length_control import PRIOR_DEVIATION, length_controlled_rate
from votewise.evaluate.rates import clustered_interval
from votewise.evaluate.read_comparisons import read_comparisons

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PRIORS = {
    "2.5, 2.5, 10 (ours)": PRIOR_DEVIATION,
    "none (1000, 1000, 1000)": {"length": 1000.0, "difficulty": 1000.0, "bias": 1000.0},
    "1, 1, 1": {"length": 1.0, "difficulty": 1.0, "bias": 1.0},
}
"""Standard deviations of the coefficients' priors: length, difficulty, bias."""
RATES, ALIKE, PROMPTS = (0.5, 0.8, 0.97), (0.0, 0.5, 1.0), (20, 100)
WORLDS = ((0.0, -1.0), (-2.0, -1.5), (-3.5, 0.0))
REPEATS = (1, 3)


def rates(rows: ComparisonRows, model: str, data: Path, *, difficulty: bool) -> Any:
    """What ``votewise evaluate win-rate --length-controlled`` finds for a model against the baseline."""
    contests, verdicts = rows.between(*rows.choose(model))
    assert verdicts is not None
    if difficulty:
        contests = with_difficulty(contests, str(data / "alpacaeval_difficulty.parquet"))
    return estimate_win_rate(contests, verdicts, length_controlled=True)


def at_equal_lengths(result: Any, prior: dict[str, float]) -> float:
    """The length-controlled rate, in per cent, with another prior."""
    contests = result.contests
    columns = (result.verdicts.preference, contests.prompt, contests.length_a, contests.length_b)
    return 100 * length_controlled_rate(*columns, difficulty=contests.difficulty, prior=prior).rate.value


def coverage_of_rates(item: tuple[float, float, int], draws: int) -> float:
    """Share of intervals for a win rate that hold the truth; 1 to 7 comparisons per prompt."""
    rate, alike, prompts = item
    rng, hits = np.random.default_rng([1, round(100 * rate), round(10 * alike), prompts]), 0
    for _ in range(draws):
        prompt = np.repeat(np.arange(prompts), rng.integers(1, 8, prompts))
        if alike == 0:
            p = np.full(prompts, rate)
        elif alike == 1:
            p = (rng.random(prompts) < rate).astype(float)
        else:
            size = 1 / alike - 1
            p = rng.beta(rate * size, (1 - rate) * size, prompts)
        low, high = clustered_interval((rng.random(len(prompt)) < p[prompt]).astype(float), prompt)
        hits += low <= rate <= high
    return hits / draws


def coverage_at_equal_lengths(item: tuple[tuple[float, float], int], draws: int) -> float:
    """Share of intervals for a length-controlled rate that hold the truth; 300 prompts, each repeated ``repeats`` times."""
    (bias, length), repeats = item
    rng, hits = np.random.default_rng([2, round(10 * bias + 100), repeats]), 0
    for _ in range(draws):
        a, b = 1000 + 300 * rng.normal(size=300), 800 + 300 * rng.normal(size=300)
        p = expit(bias + length * np.tanh((b - a) / (300 * np.sqrt(2))))
        columns = ((rng.random(300) < p).astype(float), np.arange(300), a, b)
        found = length_controlled_rate(*(np.repeat(column, repeats) for column in columns)).rate
        hits += found.low <= expit(bias) <= found.high
    return hits / draws


def tables(page: Page, data: Path) -> dict[str, Any]:
    """The tables on the published rates; gives the figures for the finding and the chart."""
    with (data / "alpacaeval_leaderboard.csv").open() as file:
        published = {row["model"]: row for row in csv.DictReader(file)}
    rows = read_comparisons(data / "alpacaeval_preferences.parquet")
    found = {model: rates(rows, model, data, difficulty=True) for model in published}
    bare = {model: rates(rows, model, data, difficulty=False) for model in published}
    lines, points = [], []
    for model, row in published.items():
        result, raw, controlled = found[model], float(row["win_rate"]), float(row["length_controlled_winrate"])
        ours = result.length_controlled.rate
        inside = ours.low <= controlled / 100 <= ours.high
        lines.append(
            [
                model,
                f"{100 * result.rate.value:.2f}",
                f"{raw:.2f}",
                f"{100 * ours.value:.2f} ({100 * ours.low:.1f} to {100 * ours.high:.1f})",
                f"{controlled:.2f}",
                f"{100 * ours.value - controlled:+.2f}",
                "yes" if inside else "no",
                f"{100 * bare[model].length_controlled.rate.value:.2f}",
            ]
        )
        points.append({"published": controlled / 100, "ours": ours.value, "low": ours.low, "high": ours.high})
    heads = ["model", "raw", "published", "length-controlled", "published", "difference", "inside", "no difficulty"]
    page.table(
        heads,
        lines,
        "Win rates against the baseline in per cent: raw, and as published; length-controlled with the prompts' difficulty "
        "and its 95% interval, as published and whether that is inside; and length-controlled without difficulty.",
    )
    target = np.array([float(row["length_controlled_winrate"]) for row in published.values()])
    real = np.array([model != "gpt4_gamed" for model in published])
    summary = []
    for name, prior in PRIORS.items():
        for difficulty in (True, False):
            values = np.array([at_equal_lengths(result, prior) for result in (found if difficulty else bare).values()])
            gap = np.abs(values - target)
            summary.append(
                [
                    name,
                    "yes" if difficulty else "no",
                    f"{gap.mean():.2f}",
                    f"{np.median(gap):.2f}",
                    f"{gap[real].mean():.2f}",
                    f"{gap.max():.2f}",
                    f"{spearmanr(values, target).statistic:.4f}",
                ]
            )
    page.table(
        ["prior", "difficulty", "mean gap", "median", "mean without gpt4_gamed", "largest", "Spearman"],
        summary,
        "Distance from the published length-controlled rate in points, by the standard deviations of the coefficients' "
        "priors (length, difficulty, bias).",
    )
    raw = max(abs(100 * found[m].rate.value - float(row["win_rate"])) for m, row in published.items())
    return {
        "points": points,
        "raw": raw,
        "mean": summary[0][2],
        "real": summary[0][4],
        "without": summary[1][2],
        "spearman": summary[0][6],
    }


def chart(points: list[dict[str, float]]) -> alt.LayerChart:
    """Ours against the published rate, with intervals and the diagonal."""
    scale = alt.Scale(domain=[0, 0.36])
    base = alt.Chart(pa.Table.from_pylist(points)).encode(
        alt.X("published:Q", title="published length-controlled rate", axis=alt.Axis(format=".0%"), scale=scale)
    )
    ends = alt.Chart(pa.table({"published": [0.0, 0.36], "ours": [0.0, 0.36]}))
    diagonal = ends.mark_line(style="reference").encode(alt.X("published:Q"), alt.Y("ours:Q"))
    y = alt.Y("ours:Q", title="ours", axis=alt.Axis(format=".0%"), scale=scale)
    colour = COLOURS["accent"]
    rules = base.mark_rule(color=colour, opacity=0.6).encode(
        alt.Y("low:Q", title="ours", scale=scale), alt.Y2("high:Q")
    )
    dots = base.mark_point(color=colour, filled=True, opacity=1, size=45).encode(y)
    return alt.layer(diagonal, rules, dots).properties(width=420, height=420)


def main() -> None:
    arguments = parser(__doc__, draws=4000)
    arguments.add_argument("--data", type=Path, default=DATA, help="folder with alpacaeval_*")
    args = arguments.parse_args()
    data, args.data = args.data, None
    if not (data / "alpacaeval_preferences.parquet").exists():
        print(f"skipped: the preferences of AlpacaEval are not in {data}")
        sys.exit(0)
    page = Page("Length-controlled win rates", args)
    figures = tables(page, data)
    cases = [(rate, alike, prompts) for rate in RATES for alike in ALIKE for prompts in PROMPTS]
    covered = dict(zip(cases, each(partial(coverage_of_rates, draws=args.draws), cases, args.workers), strict=True))
    page.table(
        ["rate", "alike within a prompt", *(f"{prompts} prompts" for prompts in PROMPTS)],
        [[r, a, *(f"{covered[r, a, n]:.3f}" for n in PROMPTS)] for r in RATES for a in ALIKE],
        f"Coverage of 95% intervals for a win rate, {args.draws:,} draws each; prompts with 1 to 7 comparisons whose "
        "verdicts are independent (0), equal (1), or in between.",
    )
    worlds = [(world, repeats) for world in WORLDS for repeats in REPEATS]
    at_equal = dict(
        zip(worlds, each(partial(coverage_at_equal_lengths, draws=args.draws), worlds, args.workers), strict=True)
    )
    page.table(
        ["true rate", "coefficient of length", *(f"{repeats} a prompt" for repeats in REPEATS)],
        [[f"{expit(w[0]):.3f}", w[1], *(f"{at_equal[w, n]:.3f}" for n in REPEATS)] for w in WORLDS],
        f"Coverage of 95% intervals for a length-controlled rate, {args.draws:,} draws each of 300 prompts, each with one "
        "comparison or three equal ones.",
    )
    least = min(*covered.values(), *at_equal.values())
    page.write(
        f"Our length-controlled win rates are {figures['mean']} points from the published ones on average with the prompts' "
        f"difficulty ({figures['real']} without the outlier gpt4_gamed) and {figures['without']} without difficulty, rank "
        f"correlation {figures['spearman']}; raw rates agree to {figures['raw']:.0e} points. Intervals of 95% "
        f"cover the truth in {100 * least:.1f}% of draws or more.",
        chart(figures["points"]),
        "Length-controlled win rates of 19 models: ours, with 95% intervals, against the published ones. The one far "
        "off is gpt4_gamed, whose answers of 68 characters on average leave nothing near equal lengths.",
    )


if __name__ == "__main__":
    main()
