"""Do users change? Attentiveness per stretch of time, with the fitted prior held fixed.

A user's clicks have an evidence: their probability with the attentiveness summed out over the prior. The product of the
evidences of all stretches, divided by the evidence of all clicks together, is the Bayes factor for "another attentiveness
in each stretch" against "the same throughout". Its expectation is 1 where nothing changed, so it is an e-value. Users are
flagged by the e-BH procedure [Wang and Ramdas 2022], which keeps the share of false flags below ``FALSE_FLAGS`` however
the users' clicks depend on each other. As everywhere, cells of equal counts are judged in Python and joined in the
engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from votewise.data.clicks import Counts
from votewise.errors import BadInputError
from votewise.sources.cells import TIME
from votewise.sources.databases.connections import engine_errors
from votewise.storage.engine import write_parquet
from votewise.users.click_log import ClickLog, cells_for_engine
from votewise.users.counting import count_names, count_users, histogram
from votewise.users.windows import Window

if TYPE_CHECKING:
    from votewise.users.results import AttentivenessResult  # types only, because it imports much of scipy

FALSE_FLAGS = 0.05
"""Largest expected share of users flagged as changed who did not change."""

STEPS = 20
"""Steps per unit of the log Bayes factor in the histogram that leaves the engine."""

STRETCH = "votewise_stretch"


@dataclass(frozen=True, eq=False)
class Drift:
    """Users' attentiveness over time.

    Attributes:
        users: users with comparisons in at least two stretches.
        changed: how many of them are flagged as changed.
        least: log Bayes factor from which a user is flagged; infinite if nobody is flagged.
        stretches: number of stretches, over all users.
    """

    users: int
    changed: int
    least: float
    stretches: int
    _per_user: Any = field(repr=False)
    _per_stretch: Any = field(repr=False)
    _source: str = field(repr=False)

    def write_users(self, path: Path) -> int:
        """Write one row per user with two stretches or more to a Parquet file; return their number.

        Columns: ``user``, ``stretches``, ``log_bayes_factor``, ``changed``, ``first`` and ``last`` (attentiveness in the
        user's first and last stretch).
        """
        with engine_errors(self._source):
            return write_parquet(self._per_user.order_by("user"), path)

    def write_stretches(self, path: Path) -> int:
        """Write one row per user and stretch to a Parquet file; return their number.

        Columns: ``user``, ``stretch`` (seconds since 1970 at its start, or its number from 0), ``comparisons``, ``wins``,
        ``attentiveness``, ``low``, ``high``.
        """
        with engine_errors(self._source):
            return write_parquet(self._per_stretch.order_by(["user", "stretch"]), path)


@contextmanager
def find_drift(log: ClickLog, result: AttentivenessResult, window: Window, time: str) -> Iterator[Drift]:
    """Judge users stretch by stretch under the prior and win rates of ``result``.

    Args:
        log: an open log, from ``open_log``.
        result: what was estimated from all of its counts.
        window: how to cut time.
        time: column with the time of each comparison; timestamps, dates, ISO 8601 texts or numbers since 1970
            (seconds, or milli-, micro- or nanoseconds where they are too large for that).

    Raises:
        BadInputError: no such column, or one that does not hold times.
    """
    with engine_errors(log.source):
        rows = _decided(log)
        # First a column of its own: engines cannot group by a row number.
        rows = rows.mutate(**{STRETCH: _stretch(rows, log, window, time)})
        counted = count_users(rows, log.columns, log.outcomes, stretch=rows[STRETCH])
        with counted.cache() as stretches:
            cells = histogram(stretches, log.outcomes)
            judged = stretches.inner_join(cells_for_engine(cells, _beliefs(result, cells)), _keys(cells))
            together = log.users.inner_join(cells_for_engine(log.counts, _beliefs(result, log.counts)), _keys(cells))
            per_user = _per_user(judged, together)
            with per_user.cache() as users:
                values = _histogram_of(users)
                total, changed, least = e_bh(values, FALSE_FLAGS)
                flagged = users.mutate(changed=users["log_bayes_factor"] >= least if np.isfinite(least) else False)
                names = ["user", "stretch", "comparisons", "wins", "attentiveness", "low", "high"]
                chosen = ["user", "stretches", "log_bayes_factor", "changed", "first", "last"]
                number = int(cells.users.sum())
                yield Drift(total, changed, least, number, flagged[chosen], judged[names], log.source)


def e_bh(histogram_of: dict[int, int], false_share: float) -> tuple[int, int, float]:
    """The e-BH procedure on a histogram of log e-values.

    Args:
        histogram_of: floor(STEPS * log e-value) -> how many users; each counts as the lower end of its step.
        false_share: largest expected share of false flags.

    Returns:
        Users, flagged users, and the smallest log e-value flagged (infinite if none is).
    """
    total, reached = sum(histogram_of.values()), 0
    flagged, least = 0, np.inf
    for step in sorted(histogram_of, reverse=True):
        reached += histogram_of[step]
        if step / STEPS >= np.log(total / (false_share * reached)):
            flagged, least = reached, step / STEPS
    return total, flagged, float(least)


def _decided(log: ClickLog) -> Any:
    """The rows that are not ties."""
    rows = log.rows_used
    return rows.filter(rows[log.columns["winner"]].isin(log.outcomes.decided))


def _stretch(rows: Any, log: ClickLog, window: Window, time: str) -> Any:
    """The stretch of each row, as an expression."""
    import ibis

    if time not in rows.columns:
        found = ", ".join(rows.columns[:12])
        raise BadInputError(f"there is no column '{time}' for the time", source=log.source, expected=f"one of {found}")
    when = _seconds(rows, time, log.source)
    if window.every is not None:
        order = ibis.window(group_by=rows[log.columns["user"]], order_by=when)
        return ibis.row_number().over(order) // window.every
    return (when / window.seconds).floor().cast("int64") * window.seconds


def _seconds(rows: Any, time: str, source: str) -> Any:
    """A column of times as seconds since 1970, as an expression."""
    column, kind = rows[time], rows[time].type()
    if kind.is_string() and rows.get_backend().name == "duckdb":
        # CSV and JSON have no times: texts are numbers or ISO 8601.
        found = _scaled(column.try_cast("float64")).coalesce(
            column.try_cast("timestamp").epoch_seconds().cast("float64")
        )
        wrong = rows.filter(column.notnull() & found.isnull()).select(time).limit(1).to_pyarrow().column(0)
        if len(wrong):
            raise BadInputError(
                "cannot be read as a time", source=source, column=time, value=wrong[0].as_py(), expected=TIME
            )
        return found
    if kind.is_numeric() and not kind.is_boolean():
        return _scaled(column)
    if kind.is_temporal():
        return column.cast("timestamp").epoch_seconds()
    raise BadInputError(f"holds {kind}", source=source, column=time, expected=TIME)


def _scaled(number: Any) -> Any:
    """Seconds since 1970 of numbers that may be milli-, micro- or nanoseconds, by the rule of ``sources.cells.scaled``."""
    import ibis

    size = number.abs()
    steps = [(size >= 1e17, number / 1e9), (size >= 1e14, number / 1e6), (size >= 1e11, number / 1e3)]
    return ibis.cases(*steps, else_=number.cast("float64"))


def _keys(counts: Counts) -> list[str]:
    return count_names(len(counts.domains))


def _beliefs(result: AttentivenessResult, counts: Counts) -> pa.Table:
    comparisons, wins = counts.totals
    table = result.beliefs(counts)
    return pa.table({"comparisons": comparisons, "wins": wins} | {name: table[name] for name in table.column_names})


def _per_user(judged: Any, together: Any) -> Any:
    """One row per user with at least two stretches, with the log Bayes factor for a change."""
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
