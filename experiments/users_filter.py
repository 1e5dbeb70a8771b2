"""Users as annotators: filter their clicks, weight them, or both?

Two generators of different strength answer; users click the better answer with their attentiveness as the probability,
and toss a coin otherwise, each on comparisons of their own. The truth decides what attentive users click (comparisons
that it does not decide are not shown). Attentiveness is estimated only from how often each user chose the stronger
generator, by `votewise filter`'s estimate, with the prior's family chosen by BIC and the win rate from 200 judged
comparisons.

- Tables 1 and 5 of the paper: DPO on all clicks, on those of the 80% of users with the highest estimates, and of the
  truly most attentive 80% (oracle). Not in the paper: all clicks, each weighted by its user's estimate (a reliability
  of (1 + attentiveness) / 2 in the robust objective); filter and weight; votewise's own method, which learns which
  users to trust from the policy's margins and does not know the generators; filter and votewise.
- Figure 6: the share of users kept, for four priors.
- Table 2: the gap between the generators, one strong model against itself, one trained less, one not trained at all,
  and one that was trained on a third of the texts and mostly invents its answers.

    python experiments/users_filter.py [--draws 6]
    python experiments/users_filter.py --draws 1 --users 400 --model MODEL --data FILE

The second trains a model of your own on a preference file whose response_a is always one model's answer and response_b
the other's; the gap is then the file's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
from clicks import ARMS, KEEP, SHARES, Clicks, click, duel, generators, only, oracle
from harness import COLOURS, Page, each, parser
from worlds import (
    ACCURACY,
    ONE_BETA,
    PLAIN,
    WIN_RATE,
    Interval,
    add_place,
    interval,
    options_of,
    place,
    plus_minus,
    verdict,
)

PRIORS = {
    "two points": "two-point:0.2,0.2,0.98",
    "Beta(6, 2)": "beta:6,2",
    "Beta(4, 4)": "beta:4,4",
    "Beta(2, 6)": "beta:2,6",
}
"""The paper's two priors, the other one that its text names for figure 6, and one with even fewer attentive users."""
MAIN = ("two points", "Beta(6, 2)", "Beta(4, 4)")
SWEPT = ("DPO", "DPO + filter", "DPO + oracle filter")
GAPS = ("itself", "trained less", "not trained", "weak")
PAPER = {"itself": 0.5, "trained less": 0.74, "weak": 0.98}
MIDDLE = "not trained"
"""The weaker generator where the gap is not varied: the policy itself before training."""


def compared(priors: Sequence[str]) -> list[str]:
    """The priors under which all methods are compared: those of ``MAIN`` among them, or all where there are none."""
    return [prior for prior in priors if prior in MAIN] or list(priors)


def one_world(seed: int, options: dict[str, Any], users: int, priors: tuple[str, ...]) -> dict[str, Any]:
    """Scores of all arms, of all shares kept and of all gaps, in the world of a seed."""
    here = place(seed, options)
    found: dict[str, Any] = {"arms": {}, "shares": {}, "gaps": {}, "facts": {}}
    if options["model"] is None:
        models = generators(here, seed, options["texts"])
        pool = {gap: duel(here, models["strong"], models[gap], options["pairs"], seed) for gap in GAPS}
    else:
        pool = {MIDDLE: (here.texts, here.truth)}
    for prior in priors:
        clicks = click(*pool[MIDDLE], users, PRIORS[prior], seed)
        found["facts"][prior] = facts_of(clicks)
        for arm in ARMS if prior in compared(priors) else ("DPO", "DPO + filter"):
            found["arms"][prior, arm] = ARMS[arm](here, clicks).score
        for share in SHARES:
            known = {1.0: "DPO", KEEP: "DPO + filter"}.get(share)
            score = (
                found["arms"][prior, known] if known else here.train(only(clicks.cast, clicks.kept[share]), PLAIN).score
            )
            found["shares"][prior, share] = score
    if options["model"] is None:
        for gap in GAPS:
            clicks = click(*pool[gap], users, PRIORS["Beta(6, 2)"], seed)
            for arm in SWEPT:
                known = found["arms"].get(("Beta(6, 2)", arm)) if gap == MIDDLE else None
                found["gaps"][gap, arm] = ARMS[arm](here, clicks).score if known is None else known
            found["gaps"][gap, "mu"] = clicks.mu
            found["gaps"][gap, "facts"] = facts_of(clicks)
    return found


def facts_of(clicks: Clicks) -> dict[str, float]:
    """Shares of wrong clicks, before and after the filter, and the correlation of estimates with the truth."""
    known = np.isfinite(clicks.estimate) & (np.std(clicks.estimate) > 0)
    return {
        "mu": clicks.mu,
        "wrong": float(1 - clicks.cast.correct.mean()),
        "filtered": float(1 - only(clicks.cast, clicks.kept[KEEP]).correct.mean()),
        "oracle": float(1 - only(clicks.cast, oracle(clicks.rho)).correct.mean()),
        "correlation": float(np.corrcoef(clicks.estimate, clicks.rho)[0, 1]) if known.all() and len(known) > 2 else 0.0,
    }


class Scores:
    """Scores of all worlds."""

    def __init__(self, worlds: list[dict[str, Any]]) -> None:
        self.worlds = worlds
        self.priors = list(worlds[0]["facts"])
        self.compared = compared(self.priors)

    def of(self, kind: str, *key: Any) -> np.ndarray:
        """One figure in every world."""
        return np.array([world[kind][key] for world in self.worlds], float)

    def fact(self, prior: str, name: str) -> float:
        """A mean over worlds."""
        return float(np.mean([world["facts"][prior][name] for world in self.worlds]))

    def gain(self, arm: str, other: str) -> np.ndarray:
        """By how much an arm beats another in every world, mean over the priors of table 1 and the harder one."""
        return np.mean([self.of("arms", prior, arm) - self.of("arms", prior, other) for prior in self.compared], axis=0)

    def sweet_spot(self, prior: str) -> float:
        """The share kept that is best on average."""
        return max(SHARES, key=lambda share: self.of("shares", prior, share).mean())


def arm_table(page: Page, scores: Scores, means: str) -> None:
    """Tables 1 and 5, and what is not in them."""
    heads = ["way"]
    for prior in scores.compared:
        heads += [f"{prior}, %", "over DPO"]
    rows = []
    for arm in ARMS:
        cells = [arm]
        for prior in scores.compared:
            gain = interval(scores.of("arms", prior, arm) - scores.of("arms", prior, "DPO"))
            cells += [plus_minus(scores.of("arms", prior, arm)), "" if arm == "DPO" else f"{gain:+}"]
        rows.append(cells)
    facts = "; ".join(
        f"{prior}: {scores.fact(prior, 'wrong'):.1%} of the clicks wrong, {scores.fact(prior, 'filtered'):.1%} after "
        "the filter, "
        f"{scores.fact(prior, 'oracle'):.1%} after the oracle's, correlation of estimates with the truth "
        f"{scores.fact(prior, 'correlation'):.2f}"
        for prior in scores.compared
    )
    page.table(
        [*heads],
        rows,
        f"Tables 1 and 5, and beyond; the stronger generator is better in {scores.fact(scores.compared[0], 'mu'):.0%} "
        "of the comparisons. Mean and half of its 95% "
        f"interval over worlds; gain over DPO in the same worlds, in points with its interval. {means} {facts}.",
    )


def claim_rows(scores: Scores) -> list[list[str]]:
    """Verdicts over all priors compared."""
    asked = [
        ("filtering helps DPO (tables 1, 5)", "DPO + filter", "DPO"),
        ("the oracle's filter helps DPO (table 2)", "DPO + oracle filter", "DPO"),
        ("the oracle's filter is better than the estimate's (table 2)", "DPO + oracle filter", "DPO + filter"),
        ("weighting is better than filtering (in neither paper)", "weighted by attentiveness", "DPO + filter"),
        ("both are better than weighting alone (in neither)", "filter + weighted", "weighted by attentiveness"),
        ("both are better than filtering alone (in neither)", "filter + weighted", "DPO + filter"),
        ("votewise, knowing no generators, is better than filtering (in neither)", "votewise", "DPO + filter"),
        ("a filter before votewise helps (in neither)", "filter + votewise", "votewise"),
    ]
    rows = []
    for claim, arm, other in asked:
        cells = []
        for prior in scores.compared:
            cells.append(f"{interval(scores.of('arms', prior, arm) - scores.of('arms', prior, other)):+}")
        gain = scores.gain(arm, other)
        rows.append([claim, *cells, f"{interval(gain):+}", verdict(gain)])
    return rows


def gap_rows(scores: Scores) -> list[list[str]]:
    """Table 2."""
    rows = []
    for gap in GAPS:
        mu, cor = (np.mean([w["gaps"][gap, "facts"][name] for w in scores.worlds]) for name in ("mu", "correlation"))
        cells = [plus_minus(scores.of("gaps", gap, arm)) for arm in SWEPT]
        gain = interval(scores.of("gaps", gap, "DPO + filter") - scores.of("gaps", gap, "DPO"))
        rows.append(
            [
                f"strong against {gap}",
                f"{mu:.2f}",
                *cells,
                f"{gain:+}",
                f"{cor:.2f}",
                f"{PAPER[gap]:.2f}" if gap in PAPER else "",
            ]
        )
    return rows


def chart(scores: Scores, title: str) -> alt.HConcatChart:
    """Arms by prior, shares kept by prior, gaps."""
    y = alt.Y("mean:Q", title=title, scale=alt.Scale(zero=False))

    def figures(values: np.ndarray) -> dict[str, float]:
        found: Interval = interval(values)
        ends = [found.mean if not np.isfinite(end) else end for end in (found.low, found.high)]
        return {k: round(100 * v, 2) for k, v in zip(("mean", "low", "high"), (found.mean, *ends), strict=True)}

    def head(text: str) -> alt.TitleParams:
        return alt.TitleParams(text, fontSize=11, fontWeight="normal", anchor="start")

    arms = pa.Table.from_pylist(
        [{"prior": p, "way": arm, **figures(scores.of("arms", p, arm))} for p, arm in product(scores.compared, ARMS)]
    )
    colours = alt.Color(
        "prior:N", scale=alt.Scale(domain=scores.priors, range=list(COLOURS.values())[: len(scores.priors)])
    )
    ways = alt.Y("way:N", sort=list(ARMS), title=None, axis=alt.Axis(labelOverlap=False, labelLimit=200, grid=True))
    base = alt.Chart(arms).encode(ways, alt.YOffset("prior:N", sort=scores.compared), colours)
    dots = base.mark_point(filled=True, size=30).encode(alt.X("mean:Q", title=title, scale=alt.Scale(zero=False)))
    bars = base.mark_rule().encode(alt.X("low:Q"), alt.X2("high:Q"))
    panels = [(bars + dots).properties(width=250, height=220, title=head("which users to trust"))]
    shares = pa.Table.from_pylist(
        [{"prior": p, "kept": 100 * s, **figures(scores.of("shares", p, s))} for p, s in product(scores.priors, SHARES)]
    )
    line = alt.Chart(shares).encode(
        alt.X(
            "kept:Q",
            title="users kept, %",
            scale=alt.Scale(reverse=True),
            axis=alt.Axis(values=[100 * s for s in SHARES]),
        ),
        colours,
    )
    panels.append(
        line.mark_line(point=True, strokeWidth=1.5)
        .encode(y)
        .properties(width=200, height=200, title=head("share kept"))
    )
    if scores.worlds[0]["gaps"]:
        gaps = pa.Table.from_pylist(
            [
                {
                    "mu": round(float(scores.of("gaps", g, "mu").mean()), 3),
                    "way": arm,
                    **figures(scores.of("gaps", g, arm)),
                }
                for g, arm in product(GAPS, SWEPT)
            ]
        )
        dash = alt.StrokeDash("way:N", sort=list(SWEPT), legend=alt.Legend(symbolStrokeWidth=1.5))
        base = alt.Chart(gaps).encode(
            alt.X("mu:Q", title="win rate of the stronger generator", scale=alt.Scale(domain=[0.45, 1.0]))
        )
        panels.append(
            base.mark_line(point=True, strokeWidth=1.5, color=COLOURS["accent"])
            .encode(y, dash)
            .properties(width=200, height=200, title=head("gap between generators"))
        )
    return alt.hconcat(*panels, spacing=14)


def finding(scores: Scores) -> str:
    """What the paper found, what neither paper has, and whether it holds."""
    spots = {prior: scores.sweet_spot(prior) for prior in scores.priors}
    gain, light, both = (
        scores.gain("DPO + filter", "DPO"),
        scores.gain("weighted by attentiveness", "DPO + filter"),
        scores.gain("filter + weighted", "weighted by attentiveness"),
    )
    order = list(spots.values())
    falls = order == sorted(order, reverse=True) and len(set(order)) > 1
    said = (
        f"The paper finds that filtering users helps DPO: here {interval(gain):+} points, it {phrase(gain)}. It finds "
        "a best share to keep for every prior, lower where fewer are attentive: "
        f"here {', '.join(f'{share:.0%} for {prior}' for prior, share in spots.items())}, "
        f"which {'falls' if falls else 'does not fall'} in that order. "
    )
    if scores.worlds[0]["gaps"]:
        gains = {
            gap: float((scores.of("gaps", gap, "DPO + filter") - scores.of("gaps", gap, "DPO")).mean()) for gap in GAPS
        }
        level = {gap: scores.of("gaps", gap, "DPO + filter").mean() for gap in GAPS}
        top = max(level, key=level.__getitem__)
        said += (
            f"It finds a middle gap best: here the filter's policy is best against {top} (mu "
            f"{scores.of('gaps', top, 'mu').mean():.2f}), and the filter gains "
            + ", ".join(
                f"{100 * value:+.1f} at mu {scores.of('gaps', gap, 'mu').mean():.2f}" for gap, value in gains.items()
            )
            + " points. "
        )
    return said + (
        f"In neither paper: weighting over filtering {interval(light):+} points, it {phrase(light)}; a filter on top "
        f"of weights {interval(both):+}, it {phrase(both)}."
    )


def phrase(differences: np.ndarray) -> str:
    """A verdict as the end of a sentence."""
    return {"holds": "helps", "the opposite": "hurts"}.get(verdict(differences), "cannot be told apart from nothing")


def main() -> None:
    arguments = parser(__doc__, draws=6, pairs=3600, texts=60_000, users=120)
    arguments.add_argument("--priors", nargs="+", choices=list(PRIORS), default=list(PRIORS))
    add_place(arguments)
    args = arguments.parse_args()
    options = options_of(args)
    page = Page("Users as annotators: filter or weight", args)
    page.text(ONE_BETA)
    task = partial(one_world, options=options, users=args.users, priors=tuple(args.priors))
    scores = Scores(each(task, range(args.draws), 1 if args.model else args.workers))
    own = args.model is not None
    page.text(
        f"{args.draws} worlds, {args.users} users with {args.pairs / args.users:.0f} comparisons each."
        if not own
        else f"{args.draws} splits of the file, {args.users} users."
    )
    arm_table(page, scores, ACCURACY if own else WIN_RATE)
    page.table(
        ["claim", *scores.compared, "all", ""],
        claim_rows(scores),
        "Differences in points in the same worlds, with their 95% intervals: a claim holds where the interval over all "
        "priors lies above 0.",
    )
    page.table(
        ["prior", *(f"{share:.0%}" for share in SHARES), "best"],
        [
            [p, *(plus_minus(scores.of("shares", p, s)) for s in SHARES), f"{scores.sweet_spot(p):.0%}"]
            for p in scores.priors
        ],
        "Figure 6: DPO on the clicks of the users with the highest estimates, by the share of users kept.",
    )
    if not own:
        page.table(
            ["generators", "mu", *(f"{arm}, %" for arm in SWEPT), "filter over DPO", "correlation", "paper's mu"],
            gap_rows(scores),
            "Table 2: by the gap between generators, Beta(6, 2); mu: share of the comparisons in which the strong "
            "one's answer is better; correlation of estimated with true attentiveness.",
        )
    title = "accuracy, %" if own else "win rate, %"
    page.write(
        finding(scores),
        chart(scores, title),
        "Left: ways to use the clicks; middle: by the share of users kept; right: by the gap between generators. Bars: "
        "95% intervals over worlds.",
    )


if __name__ == "__main__":
    main()
