"""Comparisons to click on, and what a scorer thinks of each: read from a file, or made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import expit

from votewise.arrays import Floats
from votewise.errors import BadInputError
from votewise.sources.opening import load


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
    source: Any, *, probability: str | None = None, margin: str | None = None, temperature: float = 1.0
) -> ScoredComparisons:
    """Read comparisons and what a scorer thinks of them.

    Args:
        source: a file, a table's URL or a table in memory.
        probability: column with the probability that response_a is better.
        margin: column with its log-odds. Without either: ``probability``, else ``margin``, else ``score_a`` and
            ``score_b``, whose difference is the margin.
        temperature: factor on margins.

    Raises:
        BadInputError: columns that are missing or hold no such numbers, or no comparison with a score.
    """
    read = load(source)
    table, name = read.table, read.name
    if probability is not None and margin is not None:
        raise BadInputError("both a probability and a margin were given", source=name, expected="one of them")
    found = set(table.column_names)
    if probability is None and margin is None and "probability" in found:
        probability = "probability"
    if margin is None and "margin" in found:
        margin = "margin"
    if probability is not None:
        p = _numbers(table, probability, name)
        if ((p < 0) | (p > 1)).any():
            row = int(np.flatnonzero((p < 0) | (p > 1))[0])
            raise BadInputError("not a probability", source=name, row=row + 1, column=probability, value=float(p[row]))
    elif margin is not None:
        p = expit(temperature * _numbers(table, margin, name))
    elif {"score_a", "score_b"} <= found:
        p = expit(temperature * (_numbers(table, "score_a", name) - _numbers(table, "score_b", name)))
    else:
        raise BadInputError(
            f"no column says which answer is better; found the columns {', '.join(table.column_names)}",
            source=name,
            expected="probability, margin, or score_a and score_b; `votewise score` writes them",
        )
    known = np.flatnonzero(~np.isnan(p))
    if len(known) == 0:
        raise BadInputError("no comparison has a score", source=name)
    whole = len(known) == len(p)
    return ScoredComparisons(table if whole else table.take(pa.array(known)), known, p[known], len(p) - len(known))


def made_up_comparisons(size: int, win_rate: float) -> ScoredComparisons:
    """``size`` comparisons without texts; on a share ``win_rate`` of them A's answer is truly better.

    Raises BadInputError for a number or a share out of range.
    """
    if size < 1 or not 0 <= win_rate <= 1:
        raise BadInputError(
            f"{size:,} comparisons, win rate {win_rate:g}", expected="at least 1, and a share from 0 to 1"
        )
    return ScoredComparisons(
        pa.table({}), np.arange(size), (np.arange(size) < round(win_rate * size)).astype(np.float64)
    )


def _numbers(table: pa.Table, column: str, source: str) -> Floats:
    """(rows,) a column's numbers, NaN where null."""
    if column not in table.column_names:
        raise BadInputError(f"there is no column '{column}'", source=source, expected=", ".join(table.column_names))
    try:
        found = table[column].cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowException as error:
        raise BadInputError("holds no numbers", source=source, column=column) from error
    if np.isinf(found).any():
        row = int(np.flatnonzero(np.isinf(found))[0])
        raise BadInputError("is not finite", source=source, row=row + 1, column=column, value=float(found[row]))
    return np.asarray(found, np.float64)
