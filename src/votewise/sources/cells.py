"""Single values and columns of them: what counts as a text, a number, a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.arrays import Bools, Floats

TEXT = pa.large_string()
TIME = "a timestamp, an ISO 8601 text or seconds since 1970"


def chunked(values: list[Any]) -> pa.ChunkedArray:
    """Make a column of texts."""
    return pa.chunked_array([pa.array(values, TEXT)])


def mask(values: pa.ChunkedArray) -> Bools:
    """Make a NumPy mask of a column of truth values without nulls."""
    return np.asarray(values.to_numpy(zero_copy_only=False), bool)


def known(column: pa.ChunkedArray) -> Bools:
    """Tell where a column is not null."""
    return mask(column.is_valid())


def is_number(kind: pa.DataType) -> bool:
    """Tell whether a type holds numbers."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def is_text(value: Any) -> bool:
    """Tell whether a value is a text that UTF-8 can hold."""
    try:
        return isinstance(value, str) and value.encode("utf-8") is not None
    except UnicodeEncodeError:
        # Half of a surrogate pair, which JSON can spell.
        return False


def is_real(value: Any) -> bool:
    """Tell whether a value is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) < 10**300


def scaled(found: Floats) -> Floats:
    """Bring times given in milli-, micro- or nanoseconds to seconds; NaN beyond 1e11 seconds, the year 5138."""
    size = np.abs(found)
    with np.errstate(invalid="ignore"):
        steps = (size >= 1e11).astype(int) + (size >= 1e14) + (size >= 1e17)
        moments = found / 1000.0**steps
        return np.where(np.abs(moments) < 1e11, moments, np.nan)


def seconds(value: Any) -> float:
    """Bring one value to seconds since 1970, NaN where it is no time."""
    if is_real(value):
        return float(scaled(np.array([value], np.float64))[0])
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if not isinstance(value, str):
        return float("nan")
    try:
        return float(scaled(np.array([float(value)]))[0])
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(value.strip().replace(" UTC", "+00:00"))
    except ValueError:
        return float("nan")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
