"""Users by comparisons and clicks: cells to draw as dots, and the line between kept and dropped users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools, Floats
from votewise.report.filter_summary import JudgedUsers, span

MAX_DOTS = 2_000
"""Most cells of users that are drawn one by one; with more, neighbours share a dot."""
ACTIVITY_BINS, SHARE_BINS = 48, 41
"""Bins by comparisons and by share of clicks for A; users in the same bins are neighbours. Fewer than ``MAX_DOTS``."""

WIDE_RANGE = 20
"""Ratio of the most to the fewest comparisons from which their axis is logarithmic."""


@dataclass(frozen=True)
class Dots:
    """Users by comparisons and clicks.

    Attributes:
        table: one row per dot, as ``filter_charts`` draws it.
        merged: whether neighbours share dots.
        cells: how many different (comparisons, clicks) there are.
        log: whether the axis of comparisons is logarithmic, because they range widely.
        boundary: between kept and dropped users (``position``, ``share``); empty where no line separates them.
    """

    table: pa.Table
    merged: bool
    cells: int
    log: bool
    boundary: pa.Table


def dots(judged: JudgedUsers) -> Dots:
    """One row per (comparisons, wins), or per cell of neighbours, without the users who compared nothing.

    Columns of the table: ``position`` (mean comparisons), ``share`` (of clicks for A), ``comparisons`` (as text),
    ``users``, ``attentiveness``, ``low``, ``high`` (means over the users), ``kept`` (share of the users).
    """
    some = np.flatnonzero((judged.n > 0) & (judged.users > 0))
    n, wins, users = judged.n[some], judged.wins[some], judged.users[some]
    log = len(n) > 0 and bool(n.max() >= WIDE_RANGE * n.min())
    _, cell = np.unique(np.stack([n, wins]), axis=1, return_inverse=True)
    cell = cell.reshape(-1)
    cells = int(cell.max()) + 1 if len(cell) else 0
    merged = cells > MAX_DOTS
    if merged:
        share_bin = np.minimum(wins * SHARE_BINS // n, SHARE_BINS - 1)
        cell = np.unique(_activity_bin(n, log) * SHARE_BINS + share_bin, return_inverse=True)[1].reshape(-1)
    weight = np.bincount(cell, users)

    def mean(values: npt.ArrayLike, digits: int) -> Floats:
        sums = np.bincount(cell, users * np.asarray(values, np.float64))
        return np.asarray(np.round(sums / weight, digits), np.float64)

    first, last = np.full(len(weight), np.iinfo(np.int64).max), np.zeros(len(weight), np.int64)
    np.minimum.at(first, cell, n)
    np.maximum.at(last, cell, n)
    table = pa.table(
        {
            "position": mean(n, 2),
            "share": mean(wins / n, 4),
            "comparisons": pa.array(
                [span(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True)], pa.string()
            ),
            "users": weight.astype(np.int64),
            "attentiveness": mean(judged.rho[some], 3),
            "low": mean(judged.low[some], 3),
            "high": mean(judged.high[some], 3),
            "kept": mean(judged.kept[some], 3),
        }
    )
    return Dots(table, merged, cells, log, _boundary(n, wins, judged.kept[some], log))


def _boundary(n: npt.NDArray[np.int64], wins: npt.NDArray[np.int64], kept: Bools, log: bool) -> pa.Table:
    """The middle between the last dropped and the first kept share of clicks, for each number of comparisons."""
    empty = pa.table({"position": pa.array([], pa.float64()), "share": pa.array([], pa.float64())})
    numbers, which = np.unique(n, return_inverse=True)
    for sign in (1, -1):
        share = sign * wins / n
        worst_kept, best_dropped = np.full(len(numbers), np.inf), np.full(len(numbers), -np.inf)
        np.minimum.at(worst_kept, which[kept], share[kept])
        np.maximum.at(best_dropped, which[~kept], share[~kept])
        both = np.isfinite(worst_kept) & np.isfinite(best_dropped)
        if not both.any() or (worst_kept <= best_dropped)[both].any():
            continue
        middle = sign * (worst_kept + best_dropped)[both] / 2
        place = np.unique(_activity_bin(numbers[both], log), return_inverse=True)[1]
        size = np.bincount(place)
        position, share = (np.bincount(place, values) / size for values in (numbers[both], middle))
        return pa.table({"position": np.round(position, 2), "share": np.round(share, 4)})
    return empty


def _activity_bin(n: npt.NDArray[np.int64], log: bool) -> npt.NDArray[np.int64]:
    """Which of ``ACTIVITY_BINS`` bins, equal on the axis that is drawn, a number of comparisons falls into."""
    position = np.log(n) if log else n.astype(np.float64)
    scaled = (position - position.min()) / max(float(np.ptp(position)), 1e-12)
    return np.asarray(np.minimum((scaled * ACTIVITY_BINS).astype(np.int64), ACTIVITY_BINS - 1))
