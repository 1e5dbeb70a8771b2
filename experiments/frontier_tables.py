"""What the frontier's page shows: each method at its best beta, what a wrong one loses, and win rate against divergence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import altair as alt
import numpy as np
from frontier_cells import (
    CLEAN,
    CROWD,
    METHODS,
    OURS,
    PLAIN,
    PUBLISHED,
    SCALES,
    SCORE,
    WORLDS,
    Cell,
    Found,
    scale,
)
from harness import COLOURS, TRUE_COLOUR, Page
from worlds import interval

from votewise.arrays import Floats

DEFAULT = dict.fromkeys(SCALES, OURS) | {"cpo": SCORE}
"""Votewise's default for each loss."""


class Curve(NamedTuple):
    """A method in a cell: its betas, and (B, S) accuracy, win rate and divergence by beta and seed."""

    betas: tuple[float, ...]
    accuracy: Floats
    win_rate: Floats
    kl: Floats

    @property
    def best(self) -> int:
        """The beta with the highest mean win rate."""
        return int(self.win_rate.mean(1).argmax())

    def off(self, steps: int) -> float:
        """The most that is lost, in mean win rate, by a beta so many steps of the grid from the best one."""
        mean, best = self.win_rate.mean(1), self.best
        others = [mean[i] for i in (best - steps, best + steps) if 0 <= i < len(mean)]
        return float(mean[best] - min(others, default=mean[best]))


def curves(found: Iterable[Found]) -> dict[Cell, dict[str, Curve]]:
    """All results by cell and method."""
    gathered: dict[tuple[Cell, str], dict[float, list[tuple[float, float, float]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for results in found:
        for (cell, method, beta), values in results.items():
            gathered[cell, method][beta].append(values)
    by_cell: dict[Cell, dict[str, Curve]] = defaultdict(dict)
    for (cell, method), betas in gathered.items():
        scaled = tuple(beta * scale(cell.world, cell.loss) for beta in sorted(betas))
        by_cell[cell][method] = Curve(scaled, *np.array([betas[beta] for beta in sorted(betas)]).transpose(2, 0, 1))
    return by_cell


def gain(methods: dict[str, Curve], name: str) -> Floats:
    """(S,) win rate at the method's best beta, less that of plain training at its own best beta."""
    mine, plain = methods[name], methods[PLAIN]
    return np.asarray(mine.win_rate[mine.best] - plain.win_rate[plain.best])


def tables(page: Page, by_cell: dict[Cell, dict[str, Curve]]) -> None:
    """What each method gains over plain training, both at their best betas, and what a wrong beta costs."""
    for loss, epochs, crowd in dict.fromkeys((cell.loss, cell.epochs, cell.crowd) for cell in by_cell):
        some = {cell: methods for cell, methods in by_cell.items() if cell[1:4] == (loss, epochs, crowd)}
        order = sorted(some, key=lambda cell: (WORLDS.index(cell.world), cell.noise))
        names = [name for name in METHODS if any(name in methods for methods in some.values())]
        heads = ["", *(f"{cell.world} {cell.noise:.0%}" for cell in order)]
        first = (
            f"{loss.upper()}, {_epochs(epochs)}, {crowd}. Win rate of plain training at its best beta, in %; for the "
            "others what they gain over it at their own best beta, in points, with 95% intervals over seeds."
        )
        for caption, word in (
            (first, _gained),
            ("The same: what a beta three and ten times off loses, in points.", _lost),
            (
                "The same: the best beta, and there the accuracy on held-out pairs in % and the divergence in nats.",
                _at_best,
            ),
        ):
            rows = [[name, *(word(name, some[cell]) if name in some[cell] else "" for cell in order)] for name in names]
            page.table(heads, rows, caption)


def default(page: Page, by_cell: dict[Cell, dict[str, Curve]]) -> None:
    """What the default gains over plain training, both at their best betas and at the same beta."""
    heads = ["", "worst", "mean", "best", "surely below"]
    best, same = [], []
    for loss, epochs, crowd in dict.fromkeys((cell.loss, cell.epochs, cell.crowd) for cell in by_cell):
        some = {cell: methods for cell, methods in by_cell.items() if cell[1:4] == (loss, epochs, crowd)}
        name = ", ".join([loss.upper(), _epochs(epochs), crowd])
        best.append([name, *_range({_where(cell): gain(methods, DEFAULT[loss]) for cell, methods in some.items()})])
        at_each = {
            _where(cell, beta): _at(methods[DEFAULT[loss]], i) - methods[PLAIN].win_rate[i]
            for cell, methods in some.items()
            for i, beta in enumerate(methods[PLAIN].betas)
        }
        same.append([name, *_range(at_each)])
    words = "over worlds and shares of wrong votes. Surely below: the interval over seeds is below 0."
    named = "The default (`weighted`; for CPO `score`) less plain training"
    page.table(heads, best, f"{named}, each at its best beta, in points of win rate, {words}")
    page.table(heads, same, f"{named} at the same beta, in points of win rate, {words}")


def _range(gains: dict[str, Floats]) -> list[str]:
    """The worst, the mean and the best of (S,) gains by name, and how many are surely below 0."""
    order = sorted(gains, key=lambda key: gains[key].mean())
    worst, best = (f"{interval(gains[key]):+}; {key}" for key in (order[0], order[-1]))
    mean = 100 * np.mean([values.mean() for values in gains.values()])
    return [worst, f"{mean:+.1f}", best, f"{sum(interval(v).high < 0 for v in gains.values())} of {len(gains)}"]


def _at(curve: Curve, i: int) -> Floats:
    """(S,) win rate at the i-th beta, or without a beta."""
    return curve.win_rate[i if len(curve.win_rate) > 1 else 0]


def _where(cell: Cell, beta: float | None = None) -> str:
    return f"{cell.world} {cell.noise:.0%}" + ("" if beta is None else f", beta {beta:g}")


def _gained(name: str, methods: dict[str, Curve]) -> str:
    curve = methods[name]
    if name == PLAIN:
        return f"{100 * curve.win_rate[curve.best].mean():.1f}"
    return f"{interval(gain(methods, name)):+}"


def _lost(name: str, methods: dict[str, Curve]) -> str:
    return ", ".join(f"{100 * methods[name].off(steps):.1f}" for steps in (1, 2))


def _at_best(name: str, methods: dict[str, Curve]) -> str:
    curve, best = methods[name], methods[name].best
    beta = f"{curve.betas[best]:g}: " if len(curve.betas) > 1 else ""
    return f"{beta}{100 * curve.accuracy[best].mean():.1f}, {curve.kl[best].mean():.2f}"


def _epochs(number: int) -> str:
    return "one epoch" if number == 1 else f"{number} epochs"


def chart(by_cell: dict[Cell, dict[str, Curve]]) -> alt.LayerChart:
    """Win rate against divergence, a point per beta, in each world: 40 annotators, 36% wrong, one epoch, the first loss."""
    loss = next(iter(by_cell)).loss
    shown = (PLAIN, PUBLISHED, OURS, SCORE, CLEAN)
    rows = [
        {"world": cell.world, "method": name, "beta": beta, "KL": float(kl), "win rate": 100 * float(win)}
        for cell, methods in by_cell.items()
        if cell[1:] == (loss, 1, CROWD, 0.36)
        for name in shown
        if name in methods
        for beta, kl, win in zip(
            methods[name].betas,
            methods[name].kl.mean(1),
            methods[name].win_rate.mean(1),
            strict=True,
        )
    ]
    colours = dict(zip(shown, [*list(COLOURS.values())[: len(shown) - 1], TRUE_COLOUR], strict=True))
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("KL:Q", title="KL divergence from the reference, nats"),
        y=alt.Y("win rate:Q", title="win rate, %", scale=alt.Scale(zero=False)),
        color=alt.Color("method:N", scale=alt.Scale(domain=list(colours), range=list(colours.values()))),
        order="beta:Q",
    )
    drawn = (base.mark_line() + base.mark_point(filled=True, size=40)).properties(width=230, height=180)
    return drawn.facet(facet=alt.Facet("world:N", title=None, sort=list(WORLDS)), columns=2).resolve_scale(
        x="independent", y="independent"
    )


def _mean_win_rate(curve: Curve, beta: float | None) -> float:
    best = beta is None or len(curve.win_rate) == 1
    return float(curve.win_rate[curve.best if best else curve.betas.index(beta)].mean())


def finding(by_cell: dict[Cell, dict[str, Curve]]) -> str:
    """One line about the first loss: what is gained at best betas, and what at one beta."""
    loss = next(iter(by_cell)).loss
    crowd = {
        cell: methods
        for cell, methods in by_cell.items()
        if cell.loss == loss and cell.crowd == CROWD and cell.noise == 0.36
    }

    def share(name: str, at: float | None) -> float:
        """Mean share at a beta, or at the best ones."""
        parts = []
        for methods in crowd.values():
            mine, plain, clean = (_mean_win_rate(methods[which], at) for which in (name, PLAIN, CLEAN))
            parts.append((mine - plain) / (clean - plain))
        return float(np.mean(parts))

    names = [name for name in (PUBLISHED, OURS, SCORE) if all(name in methods for methods in crowd.values())]
    words = "; ".join(
        f"{name} {share(name, None):.0%} at best betas, {share(name, 0.3 * SCALES[loss]):.0%} at beta {0.3 * SCALES[loss]:g}"
        for name in names
    )
    return (
        f"{loss.upper()}: share of the gap between plain training and clean labels that is closed, 40 annotators, one vote "
        f"a pair, 36% wrong, mean of the worlds: {words}."
    )
