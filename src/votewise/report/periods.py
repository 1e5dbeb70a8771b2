"""Agreement over time: the share of votes that are probably right, by calendar period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.annotators.results import ReliabilityResult
from votewise.data.votes import Votes
from votewise.inference.calibration import share_interval
from votewise.report.summary import floats

MAX_PERIODS = 60
MIN_PERIOD_VOTES = 30


@dataclass(frozen=True)
class Periods:
    """Agreement by ``unit`` (hour, day, week, month, year): one row per period; ``left_out`` votes are in thin periods."""

    table: pa.Table
    unit: str
    left_out: int


def agreement_by_period(votes: Votes, result: ReliabilityResult) -> Periods | None:
    """Mean confidence of the votes of each period, the finest calendar unit with at most ``MAX_PERIODS`` periods.

    Returns None without times, or if fewer than two periods have ``MIN_PERIOD_VOTES`` votes.
    """
    confidence = floats(result.confidence)
    if votes.time is None:
        return None
    known = np.isfinite(votes.time) & ~np.isnan(confidence) & (np.abs(votes.time) < 2e11)
    time = votes.time[known].astype("datetime64[s]")
    confidence = confidence[known]
    for unit, code in (("hour", "h"), ("day", "D"), ("week", "W"), ("month", "M"), ("year", "Y")):
        start = _monday(time) if code == "W" else time.astype(f"datetime64[{code}]")
        periods, index, n = np.unique(start, return_inverse=True, return_counts=True)
        thick = n >= MIN_PERIOD_VOTES
        if (len(periods) <= MAX_PERIODS or code == "Y") and thick.sum() >= 2:
            share = np.bincount(index, confidence)[thick] / n[thick]
            low, high = share_interval(share * n[thick], n[thick])
            starts = periods[thick].astype("datetime64[s]")
            columns = {"time": starts.astype(np.int64) * 1000, "label": _period_names(starts, code), "votes": n[thick]}
            table = pa.table({**columns, "agreement": share, "low": low, "high": high})
            return Periods(table, unit, int(n[~thick].sum()))
    return None


def _monday(time: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    days = time.astype("datetime64[D]").astype(np.int64)
    return ((days + 3) // 7 * 7 - 3).astype("datetime64[D]")


def _period_names(starts: npt.NDArray[np.datetime64], code: str) -> list[str]:
    lengths = {"h": 16, "D": 10, "W": 10, "M": 7, "Y": 4}
    names = [name[: lengths[code]].replace("T", " ") for name in np.datetime_as_string(starts)]
    return [f"week of {name}" for name in names] if code == "W" else names
