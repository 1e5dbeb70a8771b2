"""Noise: four losses, each on all votes, smoothed, robust and on clean labels, with an increasing share of wrong votes.

The votes of 40 annotators of mixed reliability (reliable, sloppy, adversarial) are wrong in 0 to 40% of the pairs.
Every method sees the same votes; RE-PO sees them once with the annotators' names and once as if by a single annotator,
as in most of the paper's data. Annotators are assigned at random, so without names the noise is uniform, and methods
that treat all votes alike give the same result in both cases.

Label smoothing and rDPO are given the true share of wrong votes, which is unknown outside of a simulation; the paper
does not say what it gave them. DPO is also smoothed by a fixed 10%, independent of the noise.

    python experiments/noise.py [--draws 5]
    python experiments/noise.py --draws 1 --losses dpo simpo --model MODEL --data FILE

The second trains a model of your own (LoRA, and bf16 where there is a GPU): a tenth of the file's prompts is held out,
the labels of the others are flipped at random, and the implicit reward judges the held-out ones.
"""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
from harness import COLOURS, TRUE_COLOUR, Page, each, parser
from worlds import (
    ACCURACY,
    ONE_BETA,
    WIN_RATE,
    add_place,
    interval,
    mixed_annotators,
    nameless,
    options_of,
    place,
    plus_minus,
    verdict,
    vote,
)

from votewise.demo.methods import CLEAN, OURS, PLAIN, PUBLISHED, RDPO, SMOOTHED, Method

LOSSES = ("dpo", "ipo", "simpo", "cpo")
NOISE = (0, 10, 20, 30, 40)
FIXED = Method("smoothing, fixed 10%", {"objective": "smoothed", "label_smoothing": 0.1})
HOLDER = Method("Hölder-DPO", {"objective": "holder"})
METHODS = (PLAIN, SMOOTHED, FIXED, RDPO, HOLDER, PUBLISHED, OURS, CLEAN)
DPO_ONLY = (FIXED, RDPO, HOLDER)
LEARNING = (PUBLISHED, OURS)
"""Methods that learn which annotators to trust, and so differ with and without names."""
NAMES = {"one": "one annotator", "many": "40 annotators"}
SHOWN = (PLAIN, SMOOTHED, PUBLISHED, OURS, CLEAN)
Found = dict[tuple[str, str, int, str], dict[str, Any]]


def as_run(method: Method, noise: int) -> tuple[Method, int]:
    """What a method equals at a noise in per cent: without noise several are the plain loss; clean labels always are."""
    if method is CLEAN or (noise == 0 and method in (SMOOTHED, RDPO)):
        return PLAIN, 0
    if method in (SMOOTHED, RDPO):
        return replace(method, settings=method.settings | {"label_smoothing": noise / 100}), noise
    return method, noise


def one_world(task: tuple[int, str], options: dict[str, Any], noises: tuple[int, ...]) -> Found:
    """Score, error and whether it stopped, by method, noise and annotators, for a loss in the world of a seed."""
    seed, loss = task
    here = place(seed, options)
    found: Found = {}
    done: dict[Any, Any] = {}
    for noise, method in product(noises, METHODS):
        if method in DPO_ONLY and loss != "dpo":
            continue
        run, wrong = as_run(method, noise)
        for names in NAMES:
            key = (run.name, wrong, names if method in LEARNING else "")
            if key not in done:
                cast = vote(here.texts, here.truth, mixed_annotators(wrong / 100, seed=seed), seed=seed)
                ending = here.train(cast if names == "many" else nameless(cast), run, loss=loss)
                done[key] = {"score": ending.score, "error": ending.error, "stopped": ending.stopped}
            found[loss, method.name, noise, names] = done[key]
    return found


class Scores:
    """Scores of all worlds: (worlds,) arrays by loss, method, noise and annotators."""

    def __init__(self, worlds: list[Found]) -> None:
        self.worlds = worlds
        self.noises = sorted({noise for _, _, noise, _ in worlds[0]})

    def of(self, loss: str, method: Method, noise: int, names: str, what: str = "score") -> np.ndarray:
        """One figure in every world."""
        return np.array([world[loss, method.name, noise, names][what] for world in self.worlds], float)

    def gain(self, loss: str, method: Method, other: Method, names: str) -> np.ndarray:
        """How much better a method is than another in every world, mean over the noises above 0."""
        noisy = [noise for noise in self.noises if noise] or self.noises
        return np.mean([self.of(loss, method, n, names) - self.of(loss, other, n, names) for n in noisy], axis=0)

    def closed(self, loss: str, method: Method, noise: int, names: str) -> str:
        """Share of the gap between training on all votes and on clean labels that a method closes, over all worlds."""
        plain, clean = (self.of(loss, other, noise, names).mean() for other in (PLAIN, CLEAN))
        gap = clean - plain
        return f"{(self.of(loss, method, noise, names).mean() - plain) / gap:.0%}" if gap > 0 else "no gap"


def rows_of(scores: Scores, losses: tuple[str, ...], names: str) -> list[list[str]]:
    """Scores: a row per loss and method, a column per noise."""
    return [
        [f"{loss}, {method.name}", *(plus_minus(scores.of(loss, method, noise, names)) for noise in scores.noises)]
        for loss, method in product(losses, METHODS)
        if loss == "dpo" or method not in DPO_ONLY
    ]


def learnt_rows(scores: Scores, losses: tuple[str, ...]) -> list[list[str]]:
    """Gap closed, error of reliabilities and failed runs of the methods that learn which annotators to trust."""
    rows = []
    for names, loss, method in product(NAMES, losses, LEARNING):
        noisy = [noise for noise in scores.noises if noise]
        cells = [scores.closed(loss, method, noise, names) for noise in noisy]
        errors = [scores.of(loss, method, noise, names, "error").mean() for noise in scores.noises]
        runs = [scores.of(loss, method, noise, names) for noise in scores.noises]
        stopped = sum(scores.of(loss, method, noise, names, "stopped").sum() for noise in scores.noises)
        label = f"{NAMES[names]}, {loss}, {method.name}"
        worse = f"{int(sum((run < 0.5).sum() for run in runs))} of {sum(map(len, runs))}"
        rows.append([label, *cells, f"{min(errors):.3f} to {max(errors):.3f}", worse, str(int(stopped))])
    return rows


def claims(scores: Scores, losses: tuple[str, ...]) -> list[list[str]]:
    """What the paper found, as differences between two methods in the same worlds, and the differences here."""
    asked = [
        ("RE-{0} over {0} (table 2)", "one", PLAIN, losses),
        ("RE-{0} over {0} smoothed (table 2)", "one", SMOOTHED, losses),
    ]
    if "dpo" in losses:
        asked += [
            ("RE-DPO over rDPO (table 2)", "one", RDPO, ("dpo",)),
            ("RE-DPO over Hölder-DPO (table 2)", "one", HOLDER, ("dpo",)),
            ("RE-DPO over DPO smoothed by 10%", "one", FIXED, ("dpo",)),
        ]
    asked += [("RE-{0} over {0}, annotators known (table 3 for DPO)", "many", PLAIN, losses)]
    if "dpo" in losses:
        asked += [
            ("RE-DPO over rDPO, annotators known", "many", RDPO, ("dpo",)),
            ("RE-DPO over Hölder-DPO, annotators known", "many", HOLDER, ("dpo",)),
        ]
    rows = []
    for claim, names, other, which in asked:
        for loss in which:
            gains = [scores.gain(loss, method, other, names) for method in LEARNING]
            cells = [cell for gain in gains for cell in (f"{interval(gain):+}", verdict(gain))]
            rows.append([claim.format(loss.upper().replace("SIMPO", "SimPO")), *cells])
    for loss in losses:
        gain = scores.gain(loss, SMOOTHED, PLAIN, "one")
        rows.append([f"{loss} smoothed over plain (table 2: sometimes)", f"{interval(gain):+}", verdict(gain), "", ""])
    return rows


def chart(scores: Scores, losses: tuple[str, ...], title: str) -> alt.VConcatChart:
    """Mean scores against noise, by loss and annotators."""
    drawn = [*SHOWN, RDPO, HOLDER]
    accent, casual, adversarial, new, biased = COLOURS.values()
    colours = dict(
        zip([m.name for m in drawn], [casual, adversarial, new, accent, TRUE_COLOUR, "#999999", biased], strict=True)
    )
    rows = []
    for names in NAMES:
        panels = []
        for loss in losses:
            table = pa.Table.from_pylist(
                [
                    {
                        "noise": noise,
                        "method": m.name,
                        "score": round(100 * float(scores.of(loss, m, noise, names).mean()), 2),
                    }
                    for m, noise in product(drawn, scores.noises)
                    if loss == "dpo" or m not in DPO_ONLY
                ]
            )
            line = alt.Chart(table).mark_line(strokeWidth=1.5)
            panel = line.encode(
                alt.X("noise:Q", title="wrong votes, %", axis=alt.Axis(values=[0, 20, 40])),
                alt.Y("score:Q", title=title if loss == losses[0] else None, scale=alt.Scale(zero=False)),
                alt.Color("method:N", scale=alt.Scale(domain=list(colours), range=list(colours.values()))),
            )
            text = alt.TitleParams(f"{loss}, {NAMES[names]}", fontSize=11, fontWeight="normal", anchor="start")
            panels.append(panel.properties(width=170, height=130, title=text))
        rows.append(alt.hconcat(*panels, spacing=14).resolve_scale(y="shared"))
    return alt.vconcat(*rows, spacing=14)


def finding(scores: Scores, losses: tuple[str, ...]) -> str:
    """One line: what the paper found and whether it holds."""

    def count(method: Method, names: str, other: Method) -> str:
        kinds = [verdict(scores.gain(loss, method, other, names)) for loss in losses]
        return f"{kinds.count('holds')} of {len(kinds)}"

    noisy = [noise for noise in scores.noises if noise] or scores.noises
    said = (
        f"The paper finds that RE-PO is better than the plain loss for nearly all losses. Here, with {min(noisy)} to "
        f"{max(noisy)}% wrong votes and by intervals over worlds, this holds for {count(PUBLISHED, 'one', PLAIN)} losses "
        f"as published with a single annotator and {count(PUBLISHED, 'many', PLAIN)} with 40, and for "
        f"{count(OURS, 'one', PLAIN)} and {count(OURS, 'many', PLAIN)} with votewise's defaults. RE-PO is better than label "
        f"smoothing with the true noise for {count(PUBLISHED, 'one', SMOOTHED)} and {count(OURS, 'one', SMOOTHED)} with a "
        "single annotator."
    )
    if "dpo" in losses:
        gains, ours = (
            [
                f"{verdict(scores.gain('dpo', method, other, names))} over {other.name} with {NAMES[names]}"
                for names, other in product(NAMES, (RDPO, HOLDER))
            ]
            for method in LEARNING
        )
        said += (
            " RE-DPO compared with methods that know or bound the noise: as published "
            + ", ".join(gains)
            + "; with votewise's defaults "
            + ", ".join(ours)
            + "."
        )
    return said


def main() -> None:
    arguments = parser(__doc__, draws=5, pairs=3000, texts=60_000)
    arguments.add_argument("--losses", nargs="+", choices=LOSSES, default=list(LOSSES))
    arguments.add_argument("--noise", nargs="+", type=int, default=list(NOISE), help="wrong votes in per cent")
    add_place(arguments)
    args = arguments.parse_args()
    options, losses = options_of(args), tuple(args.losses)
    page = Page("Noise", args)
    page.text(ONE_BETA)
    task = partial(one_world, options=options, noises=tuple(args.noise))
    parts = each(task, product(range(args.draws), losses), 1 if args.model else args.workers)
    scores = Scores([dict(ChainMap(*parts[i : i + len(losses)])) for i in range(0, len(parts), len(losses))])
    own = args.model is not None
    means = ACCURACY if own else WIN_RATE
    size = (
        f"{args.draws} splits of the file" if own else f"{args.draws} worlds, {args.pairs:,} pairs with one vote each"
    )
    for names, title in NAMES.items():
        page.table(
            ["loss, method", *(f"{noise}% wrong" for noise in scores.noises)],
            rows_of(scores, losses, names),
            f"{title.capitalize()}, {size}: mean and half of its 95% interval over them, in per cent. {means} Label "
            "smoothing and rDPO are given the true share of wrong votes.",
        )
    page.table(
        [
            "who voted, loss, method",
            *(f"gap at {n}%" for n in scores.noises if n),
            "error of reliabilities",
            "below 50%",
            "stopped",
        ],
        learnt_rows(scores, losses),
        "Closed share of the gap between all votes believed and clean labels; mean absolute error of the reliabilities, "
        "lowest and highest over noises; runs that ended below 50%, or stopped because the votes looked worse than chance.",
    )
    noisy = [n for n in scores.noises if n]
    page.table(
        ["what the paper found", "as published", "", "votewise", ""],
        claims(scores, losses),
        f"Differences in points, in the same worlds, mean over {min(noisy, default=0)} to {max(noisy, default=0)}% "
        "wrong votes, with their 95% interval over worlds: a claim holds if it lies above 0, the opposite if it lies below.",
    )
    title = "accuracy, %" if own else "win rate, %"
    page.write(finding(scores, losses), chart(scores, losses, title), "Mean score against the share of wrong votes.")


if __name__ == "__main__":
    main()
