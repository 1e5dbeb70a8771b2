"""Which methods the frontier trains where: worlds, crowds, shares of wrong votes, losses and betas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from itertools import product
from typing import Any, NamedTuple

from side_by_side import CROWDS, Run
from small_worlds import WORLDS as SMALL

BETAS = (0.01, 0.03, 0.1, 0.3, 1.0)
SCALES = {"dpo": 1.0, "ipo": 0.1, "cpo": 1.0, "simpo": 10.0}
"""The grid of each loss is ``BETAS`` times this: their usual betas differ."""

ANY_BETA = 0.1
"""Of methods that find their temperature themselves, which makes beta matter only for what it starts from."""

EPOCHS = (4, 1)
WORLDS = ("facts", *SMALL)
ONE, CROWD, THREE = CROWDS
PLAIN, OURS, PUBLISHED, CLEAN, TRUE = "plain", "votewise", "RE-PO as published", "clean labels", "true reliabilities"
SCORE, SCORE_TRUE = "votewise score", "the same, true reliabilities"
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
WITHOUT_BETA = {"dpo": (SCORE, SCORE_TRUE)}
"""Methods without a beta, by loss; CPO's `score` has one, against its likelihood term."""
DPO_ONLY = ("rDPO, told", "Hölder-DPO", "ROPO", EASIEST)
MAIN = (PLAIN, PUBLISHED, OURS, SCORE, CLEAN)


class Cell(NamedTuple):
    """What is compared with one another."""

    world: str
    loss: str
    epochs: int
    crowd: str
    noise: float


def scale(world: str, loss: str) -> float:
    """What ``BETAS`` are multiplied by: several epochs of IPO in the facts world are best at larger betas."""
    return 1.0 if (world, loss) == ("facts", "ipo") else SCALES[loss]


def cells(world: str, loss: str, epochs: int, *, whole: bool = False) -> dict[tuple[str, float], tuple[str, ...]]:
    """The crowds and shares of wrong votes of a world, and the methods that are trained there.

    A language model takes far longer than the other policies, so it gets fewer unless the ``whole`` is asked for.
    """
    named = _methods_of(loss)
    if loss == "cpo" and not whole:
        named = tuple(name for name in named if name != SCORE_TRUE)
    one = tuple(name for name in named if name != COINS)
    if world == "facts" and not whole:
        main = tuple(name for name in MAIN if name in named)
        return {(ONE, 0.4): main, (CROWD, 0.36): main} if epochs == 1 or loss == "dpo" else {}
    found = {(ONE, noise): one for noise in (0.0, 0.2, 0.4)} | {(crowd, 0.36): named for crowd in (CROWD, THREE)}
    if loss == "dpo" and world != "facts":
        found |= {(ONE, noise): one for noise in (0.1, 0.3)} | {(crowd, 0.2): named for crowd in (CROWD, THREE)}
    elif loss == "dpo" and epochs == 1:
        found |= {(ONE, noise): (PLAIN, OURS, SCORE, CLEAN) for noise in (0.1, 0.3)}
    return found


def _methods_of(loss: str) -> tuple[str, ...]:
    """The methods that are defined for a loss."""
    without = DPO_ONLY if loss != "dpo" else ()
    scored = (SCORE, SCORE_TRUE) if loss in ("ipo", "simpo") else ()
    return tuple(name for name in METHODS if name not in without + scored)


def runs_of(
    world: str, loss: str, epochs: int, known: Collection[Any] = (), *, whole: bool = False
) -> dict[Run, list[tuple[str, str, float]]]:
    """The runs that cells need, and what each stands for: (method, crowd, noise). Clean labels are the same everywhere.

    What is ``known``, of the keys of ``Found``, is left out.
    """
    found: dict[Run, list[tuple[str, str, float]]] = defaultdict(list)
    for (crowd, noise), methods in cells(world, loss, epochs, whole=whole).items():
        for name, beta in product(methods, BETAS):
            if name in WITHOUT_BETA.get(loss, ()) and beta != ANY_BETA:
                continue
            if (Cell(world, loss, epochs, crowd, noise), name, beta) in known:
                continue
            where, wrong = (ONE, 0.0) if name == CLEAN else (crowd, noise)
            what = METHODS[name] | ({"settings": {"noise": noise}} if "told" in name else {})
            what |= {"trust": None} if (name, where) == (SCORE, ONE) else {}
            run = Run(name, beta=beta * scale(world, loss), noise=wrong, crowd=where, **what)
            found[run].append((name, crowd, noise))
    return found


Found = dict[tuple[Cell, str, float], tuple[float, float, float]]
"""Accuracy, win rate and divergence by cell, method and beta, of one world."""
