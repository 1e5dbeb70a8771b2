"""JSON as pandas writes a table: an object of columns, which is its default, of rows by number, or of columns and data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from votewise.sources.meanings.column_names import names_a_row


def pandas_rows(value: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The rows of a table that an object holds, in their order; None where it is no such table.

    Columns and rows are only taken for such where the columns are those of votes, and rows have numbers: what an object
    with numbers as names means is open otherwise.
    """
    columns, data = value.get("columns"), value.get("data")
    if set(value) <= {"columns", "index", "data"} and isinstance(columns, list) and isinstance(data, list):
        names = [name for name in columns if isinstance(name, str)]
        whole = all(isinstance(row, list) and len(row) == len(columns) for row in data)
        return [dict(zip(names, row, strict=True)) for row in data] if whole and len(names) == len(columns) else None
    if not value or not all(isinstance(inner, dict) and inner for inner in value.values()):
        return None
    if _numbers(value):
        return list(value.values()) if all(names_a_row(row) for row in value.values()) else None
    keys = list(next(iter(value.values())))
    if not names_a_row(value) or not _numbers(keys) or any(list(inner) != keys for inner in value.values()):
        return None
    return [{name: inner[key] for name, inner in value.items()} for key in keys]


def _numbers(keys: Any) -> bool:
    return all(key.isdigit() for key in keys)
