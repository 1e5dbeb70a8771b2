"""Users in numbers: the shares, bins and curves in the filter report's sentences, tiles and charts.

Everything is computed from cells of users with equal counts, so it takes as long for a hundred users as for millions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.arrays import Bools, Floats
from votewise.data.clicks import Counts
from votewise.inference.calibration import share_interval
from votewise.report.summary import floats
from votewise.users.results import AttentivenessResult
from votewise.users.select import USER_FLAGS

BINS = 25
ATOM = 0.1
"""A node of the prior with this mass or more is an atom: it stands for a point, not for a range."""
THRESHOLDS = 101


@dataclass(frozen=True)
class UsersPart:
    """Some of the users.

    Attributes:
        name: what they have in common.
        users: how many they are.
        user_share: of all users.
        rows: comparisons they made, without ties.
        row_share: of all comparisons.
        attentiveness: mean over the users; None where there are none.
        right: expected share of their clicks that name the better answer; None without comparisons.
        kept_share: share of the users who are kept; None where there are no users.
    """

    name: str
    users: int
    user_share: float
    rows: int
    row_share: float
    attentiveness: float | None
    right: float | None
    kept_share: float | None


class JudgedUsers:
    """Cells as arrays of float64, and sums over them.

    Attributes:
        n, wins, users, rows, rho, low, high: (C,) comparisons and wins of one user, users, comparisons of all users of the
            cell, posterior mean of attentiveness and its interval.
        kept: (C,) whether the cell's users are kept.
    """

    def __init__(self, counts: Counts, result: AttentivenessResult, kept: Bools) -> None:
        self.n, self.wins = counts.comparisons.sum(axis=1), counts.wins.sum(axis=1)
        self.users = counts.users.astype(np.float64)
        self.rows = self.users * self.n
        self.rho, self.low, self.high = (floats(result.cells[name]) for name in ("attentiveness", "low", "high"))
        self.kept = np.asarray(kept, bool)

    def part(self, name: str, chosen: Bools) -> UsersPart:
        """The users of the ``chosen`` (C,) cells."""
        users, rows = self.users[chosen], self.rows[chosen]
        n_users, n_rows = float(users.sum()), float(rows.sum())
        return UsersPart(
            name=name,
            users=int(n_users),
            user_share=n_users / self.users.sum(),
            rows=int(n_rows),
            row_share=n_rows / max(self.rows.sum(), 1),
            attentiveness=float(users @ self.rho[chosen] / n_users) if n_users else None,
            right=float(rows @ (1 + self.rho[chosen]) / (2 * n_rows)) if n_rows else None,
            kept_share=float(users @ self.kept[chosen] / n_users) if n_users else None,
        )

    def everybody(self) -> UsersPart:
        """All users."""
        return self.part("all", np.ones(len(self.n), bool))

    def by_flag(self, flags: Sequence[str]) -> list[UsersPart]:
        """The users of each flag, the most attentive first, given the (C,) flag of each cell."""
        of_cell = np.asarray(flags)
        return [self.part(flag, of_cell == flag) for flag in reversed(USER_FLAGS)]

    def by_activity(self) -> list[tuple[UsersPart, float]]:
        """Users with 0, 1, 2 to 4, 5 to 9, 10 to 19, ... comparisons, and the mean width of their intervals."""
        found = []
        for first, last in _ladder(int(self.n.max())):
            chosen = (self.n >= first) & (self.n <= last)
            if self.users[chosen].sum():
                width = np.average(self.high[chosen] - self.low[chosen], weights=self.users[chosen])
                found.append((self.part(span(first, last), chosen), float(width)))
        return found


def histogram(judged: JudgedUsers) -> pa.Table:
    """Share of all users by posterior mean: kept ones from 0 to ``kept``, the others from there to ``all``.

    Columns: ``low`` and ``high`` (edges of the bin), ``kept``, ``all`` (shares of users), ``users`` and ``kept_users``.
    Empty bins are left out.
    """
    which = np.minimum((judged.rho * BINS).astype(np.int64), BINS - 1)
    users = np.bincount(which, judged.users, minlength=BINS)
    kept = np.bincount(which, judged.users * judged.kept, minlength=BINS)
    filled = np.flatnonzero(users)
    total = users.sum()
    return pa.table(
        {
            "low": filled / BINS,
            "high": (filled + 1) / BINS,
            "kept": np.round(kept[filled] / total, 6),
            "all": np.round(users[filled] / total, 6),
            "users": users[filled].astype(np.int64),
            "kept_users": kept[filled].astype(np.int64),
        }
    )


def prior_curve(density: pa.Table) -> pa.Table:
    """The prior as the share of users per bin of ``histogram``, which makes curve and bars comparable.

    The density of a smooth prior is drawn as it is. A prior with atoms has no density: there the curve shows the mass
    within half a bin on either side, a step as high as the bar would be if everybody's attentiveness were known.
    """
    order = np.argsort(floats(density["attentiveness"]), kind="stable")
    node, mass = floats(density["attentiveness"])[order], floats(density["mass"])[order]
    width = 1 / BINS
    if mass.max() < ATOM:
        edges = np.concatenate([[0.0], (node[1:] + node[:-1]) / 2, [1.0]])
        at, share = node, mass / np.diff(edges) * width
    else:
        ends = np.clip(np.stack([node - width / 2, node + width / 2]), 0, 1).ravel()
        at = np.union1d(np.concatenate([ends - 1e-4, ends, ends + 1e-4]).clip(0, 1), [0.0, 1.0])
        below = np.concatenate([[0.0], np.cumsum(mass)])
        first, last = (np.searchsorted(node, at + side * width / 2, side="left") for side in (-1, 1))
        share = below[last] - below[first]
    return pa.table({"attentiveness": np.round(at, 5), "share": np.round(share, 6)})


def retention_curve(judged: JudgedUsers) -> pa.Table:
    """What keeping everybody with a posterior mean of at least ``threshold`` would keep.

    Columns: ``threshold``, ``users`` and ``rows`` (shares kept), ``right`` (expected share of right clicks among the kept
    rows; null where no row is kept).
    """
    order = np.argsort(judged.rho, kind="stable")
    threshold = np.linspace(0, 1, THRESHOLDS)
    first = np.searchsorted(judged.rho[order], threshold - 1e-12)

    def above(weight: Floats) -> Floats:
        return np.concatenate([np.cumsum(weight[order][::-1])[::-1], [0.0]])[first]

    users, rows = above(judged.users), above(judged.rows)
    right = above(judged.rows * (1 + judged.rho) / 2)
    return pa.table(
        {
            "threshold": np.round(threshold, 4),
            "users": np.round(users / judged.users.sum(), 5),
            "rows": np.round(rows / max(judged.rows.sum(), 1), 5),
            "right": pa.array(np.round(right / np.maximum(rows, 1), 5), mask=rows == 0),
        }
    )


def equal_threshold(judged: JudgedUsers) -> float | None:
    """The threshold on the posterior mean that keeps as many users as are kept; None if nobody is kept."""
    kept = judged.users @ judged.kept
    if kept == 0:
        return None
    order = np.argsort(-judged.rho, kind="stable")
    last = np.searchsorted(np.cumsum(judged.users[order]), kept - 0.5)
    return float(judged.rho[order[last]])


def domain_rows(result: AttentivenessResult, names: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of ``result.win_rates`` with the share of clicks for A (``share``, ``share_low``, ``share_high``)."""
    rows: list[dict[str, Any]] = result.win_rates.to_pylist()
    for row, name in zip(rows, names, strict=True):
        n = row["comparisons"]
        low, high = share_interval(row["wins"], n)
        row |= {"name": name, "share": row["wins"] / n if n else None}
        row |= {"share_low": float(low) if n else None, "share_high": float(high) if n else None}
    return rows


def _ladder(largest: int) -> list[tuple[int, int]]:
    """0, 1, 2 to 4, 5 to 9, 10 to 19, 20 to 49, ... up to ``largest``."""
    steps, power = [0], 1
    while power <= largest:
        steps += [power, 2 * power, 5 * power]
        power *= 10
    steps = [step for step in steps if step <= largest]
    return list(zip(steps, [*(step - 1 for step in steps[1:]), largest], strict=True))


def span(first: int, last: int) -> str:
    """``5–9``, or ``5`` where both are equal."""
    return f"{first:,}" if first == last else f"{first:,}–{last:,}"
