"""Comparisons to click on, and what a scorer thinks of each: read from a file, or made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import expit

from votewise.arrays import Floats
from votewise.errors import BadInputError, many
from votewise.sources.reader import SourceReader
from votewise.sources.rows import Rows


@dataclass(frozen=True, eq=False)
class ScoredComparisons:
    """M comparisons of model A's answer with model B's.

    Attributes:
        table: the source's columns, one row per comparison.
        row: (M,) number of each in the source, from 0.
        probability: (M,) probability that an attentive user prefers the row's response_a.
        unscored: rows of the source without a score, which no user sees.
    """

    table: pa.Table
    row: Any
    probability: Floats
    unscored: int = 0


def read_comparisons(
    source: Any,
    reader: SourceReader | None = None,
    *,
    probability: str | None = None,
    margin: str | None = None,
    temperature: float = 1.0,
) -> ScoredComparisons:
    """Read comparisons and what a scorer thinks of them.

    Args:
        source: a file, a table's URL or a table in memory.
        reader: opens it as the user's options say; None for no options.
        probability: column with the probability that response_a is better.
        margin: column with its log-odds. Without either: ``probability``, else ``margin``, else ``score_a`` and
            ``score_b``, whose difference is the margin.
        temperature: factor on margins.

    Raises:
        BadInputError: columns that are missing or hold no such numbers, or no comparison with a score.
    """
    if probability is not None and margin is not None:
        raise BadInputError(
            "a probability is given, too", parameter="margin", value=margin, expected="one of the two columns"
        )
    rows = (reader or SourceReader()).open(source)
    p = _probabilities(rows, probability, margin, temperature)
    known = np.flatnonzero(~np.isnan(p) & rows.ok)
    if len(known) == 0:
        raise rows.fail("no comparison has a score", expected="at least one")
    # Under the names by which clicks are read: what was renamed is renamed in the result, too.
    table, unscored = rows.table, int((np.isnan(p) & rows.ok).sum())
    numbers = rows.source.numbers
    row = known if numbers is None else numbers[known] - 1
    return ScoredComparisons(table if len(known) == len(p) else table.take(pa.array(known)), row, p[known], unscored)


def _probabilities(rows: Rows, probability: str | None, margin: str | None, temperature: float) -> Floats:
    """(rows,) probability that response_a is better, NaN where nothing says it."""
    if probability is None and margin is None and rows.has("probability"):
        probability = "probability"
    if margin is None and rows.has("margin"):
        margin = "margin"
    if probability is not None:
        p = _numbers(rows, probability)
        with np.errstate(invalid="ignore"):
            rows.reject_where((p < 0) | (p > 1), "not a probability", column=probability, expected="from 0 to 1")
        return p
    if margin is not None:
        return np.asarray(expit(temperature * _numbers(rows, margin)))
    if rows.has("score_a", "score_b"):
        return np.asarray(expit(temperature * (_numbers(rows, "score_a") - _numbers(rows, "score_b"))))
    raise rows.fail(
        f"no column says which answer is better; found the columns {', '.join(rows.table.column_names)}",
        expected="probability, margin, or score_a and score_b, which `votewise score` writes; or --columns margin=NAME",
    )


def _numbers(rows: Rows, column: str) -> Floats:
    if not rows.has(column):
        raise rows.fail(f"there is no column '{column}'", expected=f"one of: {', '.join(rows.table.column_names)}")
    return rows.number(column)


def made_up_comparisons(size: int, win_rate: float) -> ScoredComparisons:
    """``size`` comparisons without texts; on a share ``win_rate`` of them A's answer is truly better.

    Raises BadInputError for a number or a share out of range.
    """
    if size < 1 or not 0 <= win_rate <= 1:
        raise BadInputError(
            f"{many(size, 'comparison')}, win rate {win_rate:g}", expected="at least 1, and a share from 0 to 1"
        )
    return ScoredComparisons(
        pa.table({}), np.arange(size), (np.arange(size) < round(win_rate * size)).astype(np.float64)
    )
