"""Columns of times, also with dates such as ``5/13/2026`` where a day after the 12th shows whether the month comes first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from votewise.arrays import Bools, Floats
from votewise.sources.cells import parsed, seconds

DATE = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:,?[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: ?([AaPp])\.?[Mm]\.?)?)?"
)
MOST = 12
"""The number of months."""


@dataclass(frozen=True)
class Moments:
    """A column of texts as times.

    Attributes:
        seconds: (n,) since 1970, NaN where null.
        wrong: (n,) whether a text is not a time.
        order: ``month`` or ``day``, which comes first in dates such as ``5/13/2026``; None where there are none.
    """

    seconds: Floats
    wrong: Bools
    order: str | None = None


def moments(column: pa.ChunkedArray) -> Moments:
    """Read ISO 8601 texts and numbers; else dates of numbers, if all are and one of them shows the order."""
    found, wrong = parsed(column, seconds)
    if not wrong.any():
        return Moments(found, wrong)
    texts = [text.strip() for text in column.unique().to_pylist() if text is not None]
    matches = [DATE.fullmatch(text) for text in texts]
    if not texts or None in matches:
        return Moments(found, wrong)
    firsts, seconds_ = (max(int(match[group]) for match in matches if match) for group in (1, 3))
    if (firsts > MOST) == (seconds_ > MOST):
        # Both orders are possible, or neither is.
        return Moments(found, wrong)
    order = "day" if firsts > MOST else "month"
    found, wrong = parsed(column, lambda text: _seconds(text, order))
    return Moments(np.where(wrong, np.nan, found), wrong, order)


def _seconds(text: str, order: str) -> float:
    """One such date as seconds since 1970; ValueError where there is no such day or time."""
    match = DATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    one, other, hour = int(match[1]), int(match[3]), int(match[5] or 0)
    if match[8]:
        if not 1 <= hour <= MOST:
            raise ValueError(text)
        hour = hour % MOST + (MOST if match[8] in "Pp" else 0)
    month, day = (one, other) if order == "month" else (other, one)
    return datetime(int(match[4]), month, day, hour, int(match[6] or 0), int(match[7] or 0), tzinfo=UTC).timestamp()
