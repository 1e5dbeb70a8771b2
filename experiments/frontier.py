"""Every method at its best beta: what robust training gains in four worlds, and what a wrong beta costs.

The papers compare methods at one beta. A small beta alone makes plain training robust, so a method is judged here by its
best beta, by what it loses three and ten times off, and by where it lies between win rate and divergence from the
reference. The worlds are in ``small_worlds`` and ``fact_worlds``, and ``side_by_side`` trains. Label smoothing and rDPO are
told the true share of wrong votes; ``true reliabilities`` is votewise told those of the annotators, which is what there is
to know.
The best beta of a method is that of its highest mean win rate over the seeds. ``two-coin annotators`` are told apart before
training by the votes alone, each by how often it is right where the first and where the second answer was shown first.

    python experiments/frontier.py [--draws 8] [--workers 2]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import altair as alt
import numpy as np
from easiest_pairs import train_easiest
from fact_worlds import FactWorld
from harness import COLOURS, TRUE_COLOUR, Page, each, parser
from side_by_side import CROWDS, Judged, Run, train
from small_worlds import WORLDS as SMALL
from small_worlds import SmallWorld
from worlds import interval

from votewise.arrays import Floats

BETAS = (0.01, 0.03, 0.1, 0.3, 1.0)
SCALES = {"dpo": 1.0, "ipo": 0.1, "cpo": 1.0, "simpo": 10.0}
"""The grid of each loss is ``BETAS`` times this: their usual betas differ."""

ANY_BETA = 0.1
"""Of methods that find their temperature themselves, which makes beta matter only for what it starts from."""

EPOCHS = (4, 1)
WORLDS = ("facts", *SMALL)
ONE, CROWD, THREE = CROWDS
PLAIN, OURS, PUBLISHED, CLEAN, TRUE = "plain", "votewise", "RE-PO as published", "clean labels", "true reliabilities"
SCORE, SCORE_TRUE = "votewise score, no beta", "the same, true reliabilities"
EASIEST, COINS = "Selective DPO", "two-coin annotators"
METHODS: dict[str, dict[str, Any]] = {
    PLAIN: {"objective": "plain"},
    "label smoothing, told": {"objective": "smoothed"},
    "rDPO, told": {"objective": "rdpo"},
    "Hölder-DPO": {"objective": "holder"},
    "ROPO": {"objective": "ropo"},
    "Dr. DPO": {"objective": "drdpo"},
    EASIEST: {"objective": "plain", "settings": {"keep_easiest": 0.5}},
    COINS: {"objective": "weighted", "trust": "two coins"},
    PUBLISHED: {"objective": "gibbs", "trust": "current"},
    OURS: {"objective": "weighted", "trust": "first"},
    TRUE: {"objective": "weighted", "trust": "true"},
    SCORE: {"objective": "score", "trust": "first"},
    SCORE_TRUE: {"objective": "score", "trust": "true"},
    CLEAN: {"objective": "plain"},
}
WITHOUT_BETA = (SCORE, SCORE_TRUE)
DPO_ONLY = ("rDPO, told", "Hölder-DPO", "ROPO", EASIEST)
MAIN = (PLAIN, PUBLISHED, OURS, SCORE, CLEAN)


class Cell(NamedTuple):
    """What is compared with one another."""

    world: str
    loss: str
    epochs: int
    crowd: str
    noise: float


def cells(world: str, loss: str, epochs: int) -> dict[tuple[str, float], tuple[str, ...]]:
    """The crowds and shares of wrong votes of a world, and the methods that are trained there.

    A language model takes a hundred times as long as the other policies, so it gets fewer.
    """
    if world == "facts":
        if loss != "dpo":
            return {}
        some = (*MAIN, TRUE, SCORE_TRUE) if epochs == 1 else (PLAIN, OURS, SCORE, CLEAN)
        few = (PLAIN, OURS, SCORE, CLEAN)
        return {(ONE, 0.0): few, (ONE, 0.2): few, (ONE, 0.4): some, (CROWD, 0.36): some}
    if loss != "dpo":
        scored = (SCORE,) if loss == "cpo" else ()
        main = (PLAIN, PUBLISHED, OURS, *scored, CLEAN)
        return {(ONE, 0.0): main, (ONE, 0.2): main, (ONE, 0.4): main, (CROWD, 0.36): main}
    one = tuple(name for name in METHODS if name != COINS)
    return {(ONE, noise): one for noise in (0.0, 0.1, 0.2, 0.3, 0.4)} | {
        (crowd, noise): tuple(METHODS) for crowd in (CROWD, THREE) for noise in (0.2, 0.36)
    }


def runs_of(world: str, loss: str, epochs: int) -> dict[Run, list[tuple[str, str, float]]]:
    """The runs that cells need, and what each stands for, (method, crowd, noise): clean labels are the same everywhere."""
    found: dict[Run, list[tuple[str, str, float]]] = defaultdict(list)
    for (crowd, noise), methods in cells(world, loss, epochs).items():
        for name, beta in product(methods, BETAS):
            if name in WITHOUT_BETA and beta != ANY_BETA:
                continue
            where, wrong = (ONE, 0.0) if name == CLEAN else (crowd, noise)
            what = METHODS[name] | ({"settings": {"noise": noise}} if "told" in name else {})
            what |= {"trust": None} if (name, where) == (SCORE, ONE) else {}
            run = Run(name, beta=beta * SCALES[loss], noise=wrong, crowd=where, **what)
            found[run].append((name, crowd, noise))
    return found


Found = dict[tuple[Cell, str, float], tuple[float, float, float]]


def one_world(task: tuple[str, int, str], pairs: int, texts: int) -> Found:
    """Accuracy, win rate and divergence by cell, method and beta in the world of a seed."""
    import torch

    torch.set_num_threads(1)
    name, seed, loss = task
    here: Any = FactWorld(seed, pairs, texts) if name == "facts" else SmallWorld(name, seed, pairs)
    found: Found = {}
    for epochs in EPOCHS:
        runs = runs_of(name, loss, epochs)
        easiest = [run for run in runs if "keep_easiest" in run.settings]
        others = [run for run in runs if "keep_easiest" not in run.settings]
        judged = _each_run(others, train(here, others, loss=loss, epochs=epochs)) if others else {}
        if easiest:
            judged |= _each_run(easiest, train_easiest(here, easiest, epochs))
        found |= {
            (Cell(name, loss, epochs, crowd, noise), method, round(run.beta / SCALES[loss], 6)): values
            for run, values in judged.items()
            for method, crowd, noise in runs[run]
        }
    return found


def _each_run(runs: list[Run], judged: Judged) -> dict[Run, tuple[float, float, float]]:
    return dict(zip(runs, zip(*map(_list, judged), strict=True), strict=True))


def _list(values: Any) -> list[float]:
    return [float(value) for value in values]


class Curve(NamedTuple):
    """A method in a cell: (B, S) accuracy, win rate and divergence by beta and seed."""

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
        by_cell[cell][method] = Curve(*np.array([betas[beta] for beta in sorted(betas)]).transpose(2, 0, 1))
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
            rows = [
                [name, *(word(name, some[cell], loss) if name in some[cell] else "" for cell in order)]
                for name in names
            ]
            page.table(heads, rows, caption)


def _gained(name: str, methods: dict[str, Curve], _: str) -> str:
    curve = methods[name]
    if name == PLAIN:
        return f"{100 * curve.win_rate[curve.best].mean():.1f}"
    return f"{interval(gain(methods, name)):+}"


def _lost(name: str, methods: dict[str, Curve], _: str) -> str:
    return ", ".join(f"{100 * methods[name].off(steps):.1f}" for steps in (1, 2))


def _at_best(name: str, methods: dict[str, Curve], loss: str) -> str:
    curve, best = methods[name], methods[name].best
    beta = "" if name in WITHOUT_BETA else f"{BETAS[best] * SCALES[loss]:g}: "
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
            BETAS if name not in WITHOUT_BETA else (ANY_BETA,),
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
    return float(curve.win_rate[curve.best if best else BETAS.index(beta)].mean())


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
        f"{name} {share(name, None):.0%} at best betas, {share(name, 0.3):.0%} at beta {0.3 * SCALES[loss]:g}"
        for name in names
    )
    return (
        f"{loss.upper()}: share of the gap between plain training and clean labels that is closed, 40 annotators, one vote "
        f"a pair, 36% wrong, mean of the worlds: {words}."
    )


def main() -> None:
    arguments = parser(__doc__, draws=8, pairs=3000, texts=60_000)
    arguments.add_argument("--losses", nargs="+", choices=SCALES, default=list(SCALES))
    arguments.add_argument("--worlds", nargs="+", choices=WORLDS, default=list(WORLDS))
    args = arguments.parse_args()
    page = Page("Every method at its best beta", args)
    if args.losses != list(SCALES):
        page.name = "_".join([page.name, *args.losses])  # what is measured of some losses is no news of the others
    # The longest first, so that no process waits for another at the end.
    tasks = [
        (world, seed, loss)
        for loss, world in product(args.losses, args.worlds)
        if runs_of(world, loss, 1)
        for seed in range(args.draws)
    ]
    by_cell = curves(each(partial(one_world, pairs=args.pairs, texts=args.texts), tasks, args.workers))
    tables(page, by_cell)
    page.write(
        finding(by_cell),
        chart(by_cell),
        "Win rate against divergence, a point per beta: 40 annotators, one vote a pair, 36% wrong, one epoch.",
    )


if __name__ == "__main__":
    main()
