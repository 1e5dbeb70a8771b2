"""Helpers for sources in which a row is a nested object that holds several votes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from votewise.sources.cells import TIME, is_real, is_text, seconds
from votewise.sources.rows import Rows

PROMPTS = ("prompt", "instruction", "question", "query", "user_prompt", "context", "input", "text")


def get(value: Any, *path: str) -> Any:
    """Follow keys through nested objects; None where one is missing."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def entries(rows: Rows, row: int, value: Any, column: str) -> list[Any]:
    """Take a list of entries, empty for null; anything else makes the row unusable."""
    if value is not None and not isinstance(value, list):
        rows.reject(row, "is not a list", column=column, value=value, expected="a list of entries")
    return value if isinstance(value, list) else []


def named(value: Any) -> str | None:
    """Read a name: a text that is not blank, or a whole number; None for anything else."""
    if is_text(value):
        return str(value) if value.strip() else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def amount(value: Any) -> float | None:
    """Read a number; None for anything else."""
    return float(value) if is_real(value) and math.isfinite(value) else None


def text(value: Any) -> str | None:
    """Read a text; None for anything else."""
    return value if is_text(value) else None


def moment(rows: Rows, row: int, value: Any, column: str) -> tuple[bool, float | None]:
    """Read a time as seconds since 1970; also tells whether that was possible, and notes the vote if not."""
    if value is None:
        return True, None
    found = seconds(value)
    if math.isfinite(found):
        return True, found
    rows.reject(row, "cannot be read as a time", column=column, value=value, expected=TIME, whole=False)
    return False, None


def prompt_field(names: Sequence[str], taken: Sequence[str]) -> str | None:
    """Find the field of the prompt among those that are not answers; None if there is none."""
    free = {name.casefold(): name for name in names if name not in taken}
    return next((free[name] for name in PROMPTS if name in free), None)
