"""Which column is a pair's margin: log-odds before any vote, and not how strongly somebody preferred an answer.

Data sets call both ``margin``. It counts as log-odds only where the user says so (``--columns margin=NAME``), where the
scores that it is computed from stand beside it, as `votewise score` writes them, or under the name ``log_odds``, which has
one meaning. Everywhere else it is carried along as the strength of the votes.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from votewise.arrays import Floats
from votewise.sources.cells import is_number
from votewise.sources.rows import Rows

LOG_ODDS = "log_odds"
SCORES = (("score_a", "score_b"), ("score_chosen", "score_rejected"))
TOLERANCE = 1e-4


def margin_counts(rows: Rows) -> bool:
    """Whether the rows have a margin that counts; it is the column ``margin`` then. A note says if one does not count."""
    if rows.has(LOG_ODDS):
        if rows.has("margin"):
            rows.table = rows.table.drop_columns(["margin"])
            rows.head = rows.head.drop_columns(["margin"])
            rows.renames.pop("margin", None)
        rows.rename({LOG_ODDS: "margin"})
        return True
    if not rows.has("margin"):
        return False
    if "margin" in rows.renames or any(rows.has(*scores) and _computed_from(rows, *scores) for scores in SCORES):
        return True
    rows.notes.append(
        "The column 'margin' is carried along as the strength of the votes; --columns margin=margin reads it as the pair's "
        "log-odds before any vote."
    )
    return False


def _computed_from(rows: Rows, better: str, worse: str) -> bool:
    """Whether the margin is the difference of the scores, times one factor: a temperature."""
    margin, a, b = (_numbers(rows, name) for name in ("margin", better, worse))
    known = np.isfinite(margin) & np.isfinite(a - b)
    if not known.any():
        return False
    difference, margin = (a - b)[known], margin[known]
    size = float(np.abs(difference).max())
    factor = float(np.abs(margin).max()) / size if size else 1.0
    return bool(np.allclose(margin, factor * difference, rtol=TOLERANCE, atol=TOLERANCE * factor * max(size, 1.0)))


def _numbers(rows: Rows, name: str) -> Floats:
    """A column as numbers, NaN where a value is none; nothing is noted."""
    column = rows.table.column(name)
    if is_number(column.type):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
    found = np.full(len(rows), np.nan)
    for i, value in enumerate(column.to_pylist()):
        try:
            found[i] = np.nan if value is None else float(value)
        except (TypeError, ValueError, OverflowError):
            continue
    return found
