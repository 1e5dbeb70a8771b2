"""Reliability recovery: RE-PO's estimates of its annotators, during training and at the end, against the truth.

In made-up worlds, DPO, one epoch, as published (reliabilities follow the current margins) and with votewise's defaults
(they come from first-seen margins):

- one annotator, 0 to 40% of the votes wrong, and two annotators who both vote on everything, the first always wrong in
  10% (the paper's figure 2);
- 227 annotators with about 13 votes each, four in five of them reliable, started from 0.80, 0.90, 0.95 and 0.99 (figure
3).

    python experiments/reliability_recovery.py [--draws 4]
"""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
from harness import COLOURS, TRUE_COLOUR, Page, each, parser
from worlds import OURS, PUBLISHED, MadeUp, Method, interval, plus_minus, vote, vote_on_copies

from votewise.annotators.gold import area_under_curve

NOISE = (0, 10, 20, 30, 40)
FIRST = 0.9
"""Reliability of the first of two annotators."""
START = (0.80, 0.90, 0.95, 0.99)
STRENGTH = 10.0
"""Number of votes that a prior of a given mean counts as, in votewise's method."""
CROWD = 227
METHODS = (PUBLISHED, OURS)
NEAR = 0.05
"""Error up to which an estimate is said to follow the truth closely."""
LOW = 0.7
BINS = 20
EVERY = 4
"""Steps from one point of the chart to the next."""


def crowd_of(seed: int) -> np.ndarray:
    """(227,) reliabilities: four in five annotators between 0.85 and 0.98, the others between 0.3 and 0.6."""
    rng = np.random.default_rng([seed, 3])
    return np.where(rng.random(CROWD) < 0.8, rng.uniform(0.85, 0.98, CROWD), rng.uniform(0.3, 0.6, CROWD))


def starts() -> list[tuple[str, Method]]:
    """Both methods from each of the four starts: a first value as published, a prior in votewise; and a fitted prior."""
    ways = [
        (f"{m.name}, {start:.2f}", Method(m.name, m.settings | settings(m, start))) for m in METHODS for start in START
    ]
    return [*ways, ("votewise, prior fitted (the default)", OURS)]


def settings(method: Method, start: float) -> dict[str, Any]:
    """The settings with which a method starts from a reliability."""
    if method is PUBLISHED:
        return {"reliability_init": start}
    return {"reliability_init": start, "reliability_prior": f"beta:{STRENGTH * start:g},{STRENGTH * (1 - start):g}"}


def one_world(seed: int, pairs: int, texts: int) -> dict[str, Any]:
    """Reliabilities after every step and their truth, of one and of two annotators; those of the 227 at the end."""
    import torch

    torch.set_num_threads(1)
    here = MadeUp(seed, pairs=pairs, texts=texts)
    found: dict[str, Any] = {"few": {}, "many": {}}
    for noise, method in product(NOISE, METHODS):
        one = vote(here.texts, here.truth, np.array([1 - noise / 100]), seed=seed)
        half = slice(0, pairs // 2)
        two = vote_on_copies(here.texts[half], here.truth[half], np.array([FIRST, 1 - noise / 100]), seed=seed)
        for annotators, cast in ((1, one), (2, two)):
            path: list[np.ndarray] = []
            here.train(cast, method, on_step=lambda trainer, path=path: path.append(trainer.beliefs.reliability))
            right = np.bincount(cast.votes.annotator, cast.correct) / np.bincount(cast.votes.annotator)
            found["few"][annotators, noise, method.name] = {"path": np.array(path), "truth": right}
    truth = crowd_of(seed)
    cast = vote(here.texts, here.truth, truth, seed=seed)
    for name, method in starts():
        ending = here.train(cast, method)
        found["many"][name] = {"believed": ending.reliability, "score": ending.score}
    return found | {"truth": truth}


def followed(worlds: list[dict[str, Any]], annotators: int, method: str) -> list[list[str]]:
    """Truth and estimates at the end, by noise."""
    rows = []
    for noise, who in product(NOISE, range(annotators)):
        runs = [world["few"][annotators, noise, method] for world in worlds]
        believed = np.array([run["path"][-1][who] for run in runs])
        truth = np.array([run["truth"][who] for run in runs])
        error = believed - truth
        label = f"{noise}% wrong" + (f", annotator {who + 1}" if annotators > 1 else "")
        worst = np.abs(error).mean()
        rows.append(
            [
                f"{method}, {label}",
                f"{truth.mean():.3f}",
                plus_minus(believed, 3, 1),
                f"{error.mean():+.3f}",
                f"{worst:.3f}",
            ]
        )
    return rows


def worst_error(worlds: list[dict[str, Any]], annotators: int, method: str) -> float:
    """Largest mean absolute error over noises and annotators, at the end."""
    return max(
        float(np.mean([np.abs(run["path"][-1] - run["truth"])[who] for run in runs]))
        for noise in NOISE
        for runs in [[world["few"][annotators, noise, method] for world in worlds]]
        for who in range(annotators)
    )


def crowd_rows(worlds: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What each method finds for the 227 annotators, mean over worlds."""
    rows = {}
    for name, _ in starts():
        believed, truth = (
            np.array([w["many"][name]["believed"] for w in worlds]),
            np.array([w["truth"] for w in worlds]),
        )
        rows[name] = {
            "mean": believed.mean(),
            "deviation": believed.std(axis=1).mean(),
            "low": (believed < LOW).mean(),
            "auc": np.array([area_under_curve(b, t > LOW) or 0.5 for b, t in zip(believed, truth, strict=True)]),
            "error": np.abs(believed - truth).mean(),
            "score": [world["many"][name]["score"] for world in worlds],
        }
    return rows


def paths_chart(worlds: list[dict[str, Any]]) -> alt.HConcatChart:
    """Reliabilities during training, mean over worlds; truth dashed."""
    panels = []
    for annotators, who, method in ((1, 0, PUBLISHED), (1, 0, OURS), (2, 1, PUBLISHED), (2, 1, OURS)):
        rows = []
        for noise in NOISE:
            runs = [world["few"][annotators, noise, method.name] for world in worlds]
            mean = np.mean([run["path"][:, who] for run in runs], axis=0)
            truth = np.mean([run["truth"][who] for run in runs])
            rows += [
                {"step": i + 1, "wrong": f"{noise}%", "believed": round(float(v), 3), "true": round(float(truth), 3)}
                for i, v in enumerate(mean)
                if i % EVERY == 0 or i + 1 == len(mean)
            ]
        base = alt.Chart(pa.Table.from_pylist(rows)).encode(
            alt.X("step:Q", title="step", axis=alt.Axis(tickCount=3)), alt.Color("wrong:N")
        )
        y, few = alt.Scale(domain=[0.4, 1]), alt.Axis(values=[0.4, 0.6, 0.8, 1])
        lines = base.mark_line(strokeWidth=1.5, clip=True).encode(
            alt.Y("believed:Q", title="reliability", scale=y, axis=few)
        )
        ends = base.transform_filter(alt.FieldOneOfPredicate("step", [1, len(mean)]))
        dashed = ends.mark_line(strokeWidth=1, strokeDash=[4, 3], clip=True).encode(alt.Y("true:Q", scale=y))
        who_text = "one annotator" if annotators == 1 else "the second of two"
        title = alt.TitleParams([who_text, method.name], fontSize=11, fontWeight="normal", anchor="start")
        panels.append((lines + dashed).properties(width=190, height=120, title=title))
    return alt.hconcat(*panels, spacing=10)


def crowd_chart(worlds: list[dict[str, Any]]) -> alt.VConcatChart:
    """Histograms of the estimates for the 227 annotators, by method and start; the truth is outlined."""
    edges = np.linspace(0, 1, BINS + 1)
    truth = np.histogram(np.concatenate([w["truth"] for w in worlds]), edges)[0] / len(worlds)
    rows = []
    for method in METHODS:
        panels = []
        for start in START:
            name = f"{method.name}, {start:.2f}"
            believed = np.concatenate([w["many"][name]["believed"] for w in worlds])
            share = np.histogram(believed, edges)[0] / len(worlds)
            table = pa.table({"x": edges, "believed": np.append(share, 0), "true": np.append(truth, 0)})
            base = alt.Chart(table).encode(alt.X("x:Q", title=None, axis=alt.Axis(tickCount=3)))
            y = alt.Y("believed:Q", title="annotators" if start == START[0] else None, axis=alt.Axis(tickCount=3))
            filled = base.mark_area(interpolate="step-after", color=COLOURS["accent"], opacity=0.6).encode(y)
            line = base.mark_line(interpolate="step-after", color=TRUE_COLOUR, strokeWidth=1, strokeDash=[4, 3])
            title = alt.TitleParams(
                [method.name, f"from {start:.2f}"], fontSize=11, fontWeight="normal", anchor="start"
            )
            panels.append((filled + line.encode(alt.Y("true:Q"))).properties(width=190, height=80, title=title))
        rows.append(alt.hconcat(*panels, spacing=12))
    return alt.vconcat(*rows, spacing=10)


def main() -> None:
    args = parser(__doc__, draws=4, pairs=3000, texts=60_000).parse_args()
    page = Page("Reliability recovery", args)
    worlds = each(partial(one_world, pairs=args.pairs, texts=args.texts), range(args.draws), args.workers)
    heads = ["way, wrong votes", "true reliability", "believed in the end", "error", "mean absolute"]
    for annotators, title in (
        (1, f"One annotator, {args.pairs:,} votes"),
        (2, f"Two annotators, {args.pairs // 2:,} votes each on the same pairs, the first wrong in 10%"),
    ):
        rows = [row for method in METHODS for row in followed(worlds, annotators, method.name)]
        page.table(heads, rows, f"{title}; {args.draws} worlds, mean and half of its 95% interval over worlds.")
    crowds = crowd_rows(worlds)
    unreliable = np.mean([(w["truth"] < LOW).mean() for w in worlds])
    true = np.concatenate([w["truth"] for w in worlds])
    page.table(
        ["way, start", "mean", "deviation", f"below {LOW}", "AUC", "error", "win rate, %"],
        [
            [
                name,
                f"{row['mean']:.3f}",
                f"{row['deviation']:.3f}",
                f"{row['low']:.0%}",
                f"{row['auc'].mean():.3f}",
                f"{row['error']:.3f}",
                plus_minus(row["score"]),
            ]
            for name, row in crowds.items()
        ],
        f"{CROWD} annotators with {args.pairs / CROWD:.0f} votes each, {unreliable:.0%} of them below {LOW}; mean of "
        f"the truth {true.mean():.3f}, "
        f"standard deviation {true.std():.3f}. Mean and standard deviation of what is believed in the end, share "
        "believed below "
        f"{LOW}, AUC of finding the truly unreliable, mean absolute error, win rate over the model before training.",
    )
    page.write(
        finding(worlds, crowds),
        alt.vconcat(paths_chart(worlds), crowd_chart(worlds), spacing=16).resolve_scale(color="shared"),
        "Above: reliability believed during training (lines, by share of wrong votes) and true (dashed). Below: "
        "annotators by what "
        "was believed of them in the end (bars) and in truth (dashed).",
    )


def finding(worlds: list[dict[str, Any]], crowds: dict[str, dict[str, Any]]) -> str:
    """What the paper found and whether it holds."""
    words = []
    for annotators, name in ((1, "one annotator"), (2, "two")):
        errors = [worst_error(worlds, annotators, method.name) for method in METHODS]
        said = ["holds" if error <= NEAR else "does not hold" for error in errors]
        words.append(
            f"with {name} it {said[0]} as published (largest mean error {errors[0]:.3f}) and {said[1]} with votewise's "
            f"defaults ({errors[1]:.3f})"
        )
    published = [row for name, row in crowds.items() if name.startswith(PUBLISHED.name)]
    found = [interval(row["auc"] - 0.5).low > 0 for row in published]
    narrower = np.all(np.diff([row["deviation"] for row in published]) < 0)
    lows = [row["low"] for row in published]
    fitted = crowds["votewise, prior fitted (the default)"]
    aucs = [row["auc"].mean() for row in published]
    return (
        "The paper: reliabilities closely follow the truth with one and with two annotators. Here, closely meaning "
        f"within {NEAR}, "
        + "; ".join(words)
        + ". The paper: the unreliable among many annotators are found from every start, and the higher the start, the "
        f"closer together the estimates. Here they are found from {sum(found)} of 4 starts "
        f"(AUC {min(aucs):.2f} to {max(aucs):.2f}; with a fitted prior {fitted['auc'].mean():.2f}), and the estimates "
        f"{'move' if narrower else 'do not move'} closer together with the start; "
        f"but the share believed to be below {LOW} goes from {lows[0]:.0%} to {lows[-1]:.0%} with it."
    )


if __name__ == "__main__":
    main()
