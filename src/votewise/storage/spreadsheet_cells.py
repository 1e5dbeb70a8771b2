"""Cells of CSV files that a spreadsheet would run as a formula are written with an apostrophe in front, and read without.

Reading takes away exactly what writing put there: one apostrophe before a cell that begins with any number of apostrophes,
none included, and then with what begins a formula. Only files that votewise wrote are read so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet may run."""

OURS = (
    {"annotator_kind", "true_reliability", "correct"},
    {"true_attentiveness", "attentive_winner", "correct"},
)
"""Columns by which the CSV files of ``votewise simulate`` are known."""

_BEGINS = r"[=+\-@\t\r]"


def is_ours(names: Collection[str]) -> bool:
    """Whether a CSV with these columns is one that votewise wrote."""
    return any(columns <= set(names) for columns in OURS)


def quoted_cells(table: pa.Table) -> pa.Table:
    """A table as it is written: names of columns, and texts, with an apostrophe before what a spreadsheet would run."""
    return _changed(table, lambda texts: pc.replace_substring_regex(texts, f"^('*{_BEGINS})", r"'\1"))


def unquoted_cells(table: pa.Table) -> pa.Table:
    """A table that ``quoted_cells`` gave, as it was before."""
    return _changed(table, lambda texts: pc.replace_substring_regex(texts, f"^'('*{_BEGINS})", r"\1"))


def _changed(table: pa.Table, change: Callable[[Any], Any]) -> pa.Table:
    columns = [change(column) if _is_text(column.type) else column for column in table.columns]
    return pa.table(columns, names=change(pa.array(table.column_names, pa.string())).to_pylist())


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
