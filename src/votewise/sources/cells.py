"""What counts as a text, a number or a time: single values, and columns of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Bools, Floats

TEXT = pa.large_string()
TIME = "a timestamp, an ISO 8601 text or seconds since 1970"


def chunked(values: list[Any]) -> pa.ChunkedArray:
    """Make a column of texts."""
    return pa.chunked_array([pa.array(values, TEXT)])


def mask(values: pa.ChunkedArray) -> Bools:
    """Make a NumPy array of a column of booleans without nulls."""
    return np.asarray(values.to_numpy(zero_copy_only=False), bool)


def known(column: pa.ChunkedArray) -> Bools:
    """Tell where a column is not null."""
    return mask(column.is_valid())


def is_number(kind: pa.DataType) -> bool:
    """Tell whether a type is one of numbers."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def is_string(kind: pa.DataType) -> bool:
    """Tell whether a type is one of texts."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_text(value: Any) -> bool:
    """Tell whether a value is a text that UTF-8 can represent."""
    try:
        return isinstance(value, str) and value.encode("utf-8") is not None
    except UnicodeEncodeError:
        # Half of a surrogate pair, which JSON can contain.
        return False


def is_real(value: Any) -> bool:
    """Tell whether a value is a number that a float can represent."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) < 10**300


def scaled(found: Floats) -> Floats:
    """Convert times given in milli-, micro- or nanoseconds to seconds; NaN beyond 1e11 seconds, the year 5138."""
    size = np.abs(found)
    with np.errstate(invalid="ignore"):
        steps = (size >= 1e11).astype(int) + (size >= 1e14) + (size >= 1e17)
        moments = found / 1000.0**steps
        return np.where(np.abs(moments) < 1e11, moments, np.nan)


def seconds(value: Any) -> float:
    """Convert one value to seconds since 1970, NaN where it is not a time."""
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


def parsed(column: pa.ChunkedArray, parse: Callable[[str], float]) -> tuple[Floats, Bools]:
    """Parse a column of texts, every distinct text once.

    Returns:
        The numbers (NaN where null), and a mask that is True where ``parse`` raised ValueError or, for times, returned a
        number that is not finite.
    """
    coded = column.combine_chunks().dictionary_encode()
    values = np.empty(len(coded.dictionary) + 1)
    wrong = np.zeros(len(values), bool)
    for i, text in enumerate(coded.dictionary.to_pylist()):
        try:
            values[i] = parse(text)
        except ValueError:
            values[i], wrong[i] = 0.0, True
        if parse is seconds and not np.isfinite(values[i]):
            wrong[i] = True
    values[-1] = np.nan
    codes = pc.fill_null(coded.indices, len(values) - 1).to_numpy(zero_copy_only=False)
    return values[codes], wrong[codes]


def timestamps(column: pa.ChunkedArray) -> Floats:
    """Convert a column of timestamps or dates to seconds since 1970, NaN where null."""
    zone = getattr(column.type, "tz", None)
    micros = column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64()).cast(pa.float64(), safe=False)
    return np.asarray(micros.to_numpy(zero_copy_only=False) / 1e6, np.float64)


def whole_numbers(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, Bools]:
    """Convert a column of floats to texts of whole numbers, null where not whole; also returns where they are whole.

    pandas turns whole numbers with gaps into floats.
    """
    floats = column.to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):
        whole = np.isnan(floats) | ((floats == np.floor(floats)) & (np.abs(floats) < 2**53))
    kept = pc.if_else(pa.array(whole & ~np.isnan(floats)), column, None)
    return kept.cast(pa.int64()).cast(TEXT), whole


def written_values(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Convert a column of floats or truth values to texts: whole numbers without a point, null for null and NaN.

    >>> written_values(pa.chunked_array([[1.0, 0.5, None]])).to_pylist()
    ['1', '0.5', None]
    """
    if pa.types.is_boolean(column.type):
        return column.cast(TEXT)
    whole, is_whole = whole_numbers(column)
    if is_whole.all():
        return whole
    written = (None if value is None else repr(float(value)) for value in column.to_pylist())
    return pa.chunked_array(
        [pa.array([w if w is not None else s for w, s in zip(whole.to_pylist(), written, strict=True)], TEXT)]
    )


def decimal_names(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, Bools]:
    """Convert a column of decimals to texts of whole numbers, as ``whole_numbers`` does for floats."""
    texts = column.cast(pa.string()).cast(TEXT)
    whole = pc.fill_null(pc.match_substring_regex(texts, r"^-?\d+(\.0*)?$"), True)
    kept = pc.if_else(whole, pc.replace_substring_regex(texts, r"\.0*$", ""), None)
    return kept, mask(whole)
