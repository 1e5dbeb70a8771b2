"""Verdicts in two columns or three, of which one is marked: ``winner_model_a``, ``winner_model_b`` and ``winner_tie``."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from votewise.arrays import Floats
from votewise.sources.cells import TEXT
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.rows import Rows

COLUMNS = (
    ("winner_model_a", "winner_model_b", "winner_tie"), ("winner_a", "winner_b", "winner_tie"),
    ("prefer_a", "prefer_b", "prefer_tie"), ("preferred_a", "preferred_b", "preferred_tie"),
    ("prefers_a", "prefers_b", "prefers_tie"), ("chose_a", "chose_b", "chose_tie"), ("chosen_a", "chosen_b", "chosen_tie"),
    ("a_wins", "b_wins", "tie"), ("a_better", "b_better", "tie"), ("answer_a_on", "answer_b_on", "answer_tie_on"),
    ("win_a", "win_b", "tie"), ("wins_a", "wins_b", "tie"), ("a_win", "b_win", "tie"), ("model_a_won", "model_b_won", "tie"),
    ("winner_left", "winner_right", "winner_tie"), ("model_a_wins", "model_b_wins", "tie"),
)  # fmt: skip
"""The columns of the first answer, of the second one, and of ties, which may be missing."""

MARKS = frozenset(("true", "false", "0", "1", "0.0", "1.0", "yes", "no", ""))


def one_hot_columns(table: pa.Table) -> tuple[str, ...]:
    """The columns of a table of which one says who won, two or three of them; empty where there are none."""
    own = {plain_name(name): name for name in table.column_names}
    for a, b, tie in COLUMNS:
        found = tuple(own[name] for name in (a, b, tie) if name in own)
        if a in own and b in own and all(_marks(table, name) for name in found):
            return found
    return ()


def one_hot_labels(rows: Rows, names: tuple[str, ...]) -> pa.ChunkedArray:
    """The label of each row; rows in which not exactly one column is marked are noted."""
    given = np.stack([_numbers(rows, name) for name in names])
    wrong = (np.nansum(given, axis=0) != 1) | (np.nanmax(np.nan_to_num(given), axis=0) != 1)
    rows.reject_where(
        wrong,
        f"not exactly one of {', '.join(rows.source_column(name) for name in names)} is 1",
        column=names[0],
        expected="1 for the winner, 0 for the others",
    )
    codes = np.argmax(np.nan_to_num(given), axis=0)
    for name, meaning, number in zip(names, ("a", "b", "tie"), np.bincount(codes[rows.ok], minlength=3), strict=False):
        rows.tell(name, "1", meaning, int(number))
    return pa.chunked_array([pa.array(["a", "b", "tie"], TEXT).take(pa.array(codes))])


def _numbers(rows: Rows, name: str) -> Floats:
    column = rows.table.column(name)
    rows.use(name, "label")
    texts = [None if value is None else str(value).strip().casefold() for value in column.to_pylist()]
    marks = {"true": 1.0, "yes": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "no": 0.0, "0": 0.0, "0.0": 0.0, "": 0.0}
    found: Floats = np.array([np.nan if text is None else marks.get(text, 2.0) for text in texts])
    return found


def _marks(table: pa.Table, name: str) -> bool:
    values = table.column(name).slice(0, 200).to_pylist()
    return all(value is None or str(value).strip().casefold() in MARKS for value in values)
