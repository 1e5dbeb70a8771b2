"""Do users change? Attentiveness per stretch of time, with the fitted prior held fixed.

A user's clicks have an evidence, the probability of the clicks with the attentiveness summed out over the prior. The
evidence of the stretches one by one, over that of all clicks together, is the Bayes factor for "another attentiveness in
each stretch" against "the same all along". Its expectation is 1 where nothing changed, so it is an e-value: users are
flagged by the e-BH procedure [Wang and Ramdas 2022], which holds the share of false flags at ``FALSE_FLAGS`` however the
users' clicks hang together. As everywhere, cells of equal counts are judged in Python and joined in the engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.data.clicks import Counts
from votewise.errors import BadInputError
from votewise.sources.databases import engine_errors
from votewise.storage.engine import write_parquet
from votewise.users.click_log import Comparisons, cells_for_engine
from votewise.users.counting import count_names, count_users, histogram
from votewise.users.estimate import AttentivenessResult

FALSE_FLAGS = 0.05
"""Largest expected share of users flagged as changed who did not change."""

STEPS = 20
"""Steps per unit of log Bayes factor in the histogram that leaves the engine."""

STRETCH = "votewise_stretch"

SECONDS = {"h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True)
class Window:
    """How clicks are cut into stretches: ``seconds`` long, or ``every`` so many of a user's comparisons."""

    seconds: int | None = None
    every: int | None = None

    @classmethod
    def parse(cls, text: str) -> Window:
        """``30d``, ``12h`` or ``4w``; a plain number is a number of comparisons. BadInputError for anything else."""
        found = re.fullmatch(r"\s*([1-9][0-9]{0,8})\s*([hdw]?)\s*", text)
        if not found:
            raise BadInputError(
                "window", value=text, expected="a length such as 30d, 12h or 4w, or a number of comparisons"
            )
        number, unit = int(found[1]), found[2]
        return cls(seconds=number * SECONDS[unit]) if unit else cls(every=number)


@dataclass(frozen=True, eq=False)
class Drift:
    """Users' attentiveness over time.

    Attributes:
        users: users with comparisons in at least two stretches.
        changed: how many of them are flagged as changed.
        least: log Bayes factor from which a user is flagged; infinite where nobody is.
        stretches: stretches of users altogether.
    """

    users: int
    changed: int
    least: float
    stretches: int
    _per_user: Any = field(repr=False)
    _per_stretch: Any = field(repr=False)
    _source: str = field(repr=False)

    def write_users(self, path: Path) -> int:
        """Write one row per user with two stretches or more to a Parquet file; gives their number.

        Columns: ``user``, ``stretches``, ``log_bayes_factor``, ``changed``, ``first`` and ``last`` (attentiveness in the
        user's first and last stretch).
        """
        with engine_errors(self._source):
            return write_parquet(self._per_user, path)

    def write_stretches(self, path: Path) -> int:
        """Write one row per user and stretch to a Parquet file; gives their number.

        Columns: ``user``, ``stretch`` (seconds since 1970 at its start, or its number from 0), ``comparisons``, ``wins``,
        ``attentiveness``, ``low``, ``high``.
        """
        with engine_errors(self._source):
            return write_parquet(self._per_stretch, path)


@contextmanager
def find_drift(comparisons: Comparisons, result: AttentivenessResult, window: Window, time: str) -> Iterator[Drift]:
    """Judge users stretch by stretch under the prior and win rates of ``result``.

    Args:
        comparisons: an open log, from ``open_comparisons``.
        result: what was estimated from all of its counts.
        window: how to cut time.
        time: column with the time of each comparison; a timestamp or date, or a number (seconds since 1970).

    Raises:
        BadInputError: no such column, or one that is no time.
    """
    with engine_errors(comparisons.source):
        rows = _decided(comparisons)
        # A column of its own first: engines do not group by what they number.
        rows = rows.mutate(**{STRETCH: _stretch(rows, comparisons, window, time)})
        counted = count_users(rows, comparisons.columns, comparisons.outcomes, stretch=rows[STRETCH])
        with counted.cache() as stretches:
            cells = histogram(stretches, comparisons.outcomes)
            judged = stretches.inner_join(cells_for_engine(cells, _beliefs(result, cells)), _keys(cells))
            together = comparisons.users.inner_join(
                cells_for_engine(comparisons.counts, _beliefs(result, comparisons.counts)), _keys(cells)
            )
            per_user = _per_user(judged, together)
            with per_user.cache() as users:
                values = _histogram_of(users)
                total, changed, least = e_bh(values, FALSE_FLAGS)
                flagged = users.mutate(changed=users["log_bayes_factor"] >= least if np.isfinite(least) else False)
                names = ["user", "stretch", "comparisons", "wins", "attentiveness", "low", "high"]
                chosen = ["user", "stretches", "log_bayes_factor", "changed", "first", "last"]
                number = int(cells.users.sum())
                yield Drift(total, changed, least, number, flagged[chosen], judged[names], comparisons.source)


def e_bh(histogram_of: dict[int, int], level: float) -> tuple[int, int, float]:
    """The e-BH procedure on a histogram of log e-values.

    Args:
        histogram_of: floor(STEPS * log e-value) -> how many users; each counts with the lower end of its step.
        level: largest expected share of false flags.

    Returns:
        Users, flagged users, and the smallest log e-value flagged (infinite if none is).
    """
    total, reached = sum(histogram_of.values()), 0
    flagged, least = 0, np.inf
    for step in sorted(histogram_of, reverse=True):
        reached += histogram_of[step]
        if step / STEPS >= np.log(total / (level * reached)):
            flagged, least = reached, step / STEPS
    return total, flagged, float(least)


def _decided(comparisons: Comparisons) -> Any:
    rows = comparisons.rows_used
    return rows.filter(rows[comparisons.columns["winner"]].isin(comparisons.outcomes.decided))


def _stretch(rows: Any, comparisons: Comparisons, window: Window, time: str) -> Any:
    """The stretch of each row, as an expression."""
    import ibis

    if time not in rows.columns:
        found = ", ".join(rows.columns[:12])
        raise BadInputError(
            f"there is no column '{time}' for the time", source=comparisons.source, expected=f"one of {found}"
        )
    when, kind = rows[time], rows[time].type()
    if not (kind.is_temporal() or kind.is_numeric()) or kind.is_boolean():
        raise BadInputError(
            f"holds {kind}", source=comparisons.source, column=time, expected="timestamps, dates or seconds since 1970"
        )
    if window.every is not None:
        order = ibis.window(group_by=rows[comparisons.columns["user"]], order_by=when)
        return ibis.row_number().over(order) // window.every
    seconds = when if kind.is_numeric() else when.cast("timestamp").epoch_seconds()
    return (seconds / window.seconds).floor().cast("int64") * window.seconds


def _keys(counts: Counts) -> list[str]:
    return count_names(len(counts.domains))


def _beliefs(result: AttentivenessResult, counts: Counts) -> pa.Table:
    comparisons, wins = counts.totals
    table = result.judge(counts)
    return pa.table({"comparisons": comparisons, "wins": wins} | {name: table[name] for name in table.column_names})


def _per_user(judged: Any, together: Any) -> Any:
    """One row per user with at least two stretches, and the log Bayes factor for a change."""
    apart = judged.group_by("user").agg(
        stretches=judged.count(),
        apart=judged["log_evidence"].sum(),
        first=judged["attentiveness"].argmin(judged["stretch"]),
        last=judged["attentiveness"].argmax(judged["stretch"]),
    )
    apart = apart.filter(apart["stretches"] > 1)
    joined = apart.inner_join(together[["user", "log_evidence"]], "user")
    return joined.mutate(log_bayes_factor=joined["apart"] - joined["log_evidence"])


def _histogram_of(users: Any) -> dict[int, int]:
    """floor(STEPS * log Bayes factor) -> users."""
    step = (users["log_bayes_factor"] * STEPS).floor().cast("int64")
    table = users.group_by(step=step).agg(users=users.count()).to_pyarrow()
    return dict(zip(table["step"].to_pylist(), table["users"].to_pylist(), strict=True))
