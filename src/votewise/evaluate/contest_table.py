"""Evaluations as tables: every contest with its verdict, and the win rate of every model against every other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.arrays import Floats
from votewise.data.contests import Contests, Verdicts
from votewise.data.win_rates import MatrixResult
from votewise.sources.values import MARK, to_column

MATRIX_COLUMNS = pa.schema(
    [
        ("model", pa.string()),
        ("opponent", pa.string()),
        ("win_rate", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("contests", pa.int64()),
        ("prompts", pa.int64()),
    ]
)


def contest_table(contests: Contests, verdicts: Verdicts) -> pa.Table:
    """One row per contest with its verdict. ``read_comparisons`` reads it, with the verdicts in ``preference``."""
    n = len(contests)
    columns: dict[str, Any] = {
        "prompt": contests.prompts,
        "model_a": [contests.model_a] * n,
        "model_b": [contests.model_b] * n,
        "response_a": contests.answers_a,
        "response_b": contests.answers_b,
        "length_a": _whole(contests.length_a),
        "length_b": _whole(contests.length_b),
        "domain": contests.domain,
        "difficulty": _known(contests.difficulty),
        **contests.ids,
        "preference": _known(verdicts.preference),
        "score_a": _known(verdicts.score_a),
        "score_b": _known(verdicts.score_b),
        "preference_shown": _known(verdicts.as_shown),
        "preference_swapped": _known(verdicts.as_swapped),
        "comment_shown": None if verdicts.comments is None else [first for first, _ in verdicts.comments],
        "comment_swapped": None if verdicts.comments is None else [second for _, second in verdicts.comments],
        "problem": list(verdicts.problems) if any(verdicts.problems) else None,
    }
    arrays, fields = [], []
    for name, values in columns.items():
        if values is None:
            continue
        array, marked = (values, False) if isinstance(values, pa.Array) else to_column(list(values))
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata=MARK if marked else None))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def contest_tables(judged: Sequence[tuple[Contests, Verdicts]]) -> pa.Table:
    """The contests of several matchups with their verdicts, in one table."""
    return pa.concat_tables([contest_table(*each) for each in judged], promote_options="permissive")


def matrix_table(result: MatrixResult) -> pa.Table:
    """One row per ordered matchup that met: how often ``model`` beats ``opponent``, with the interval."""
    rows = [
        {"model": a, "opponent": b, "win_rate": rate.value, "low": rate.low, "high": rate.high}
        | {"contests": rate.contests, "prompts": rate.prompts}
        for a in result.models
        for b in result.models
        if (rate := result.rate(a, b)) is not None
    ]
    return pa.Table.from_pylist(rows, schema=MATRIX_COLUMNS)


def _known(values: Floats | None) -> pa.Array | None:
    return None if values is None else pa.array(values, mask=~np.isfinite(values))


def _whole(values: Floats | None) -> pa.Array | None:
    if values is None:
        return None
    return pa.array(np.nan_to_num(values).astype(np.int64), mask=~np.isfinite(values))
