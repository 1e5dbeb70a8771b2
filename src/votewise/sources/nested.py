"""Helpers for sources in which a row is a nested object that holds several votes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from votewise.sources.cells import TIME, is_real, is_text, seconds
from votewise.sources.rows import Rows

PROMPTS = ("prompt", "instruction", "question", "query", "user_prompt", "context", "input", "text")
STEMS = ("response", "answer", "completion", "output", "generation", "text", "candidate", "")
SUFFIXES = (("a", "b"), ("1", "2"), ("0", "1"), ("left", "right"), ("one", "two"), ("", "1"), ("", "2"), ("", "b"))


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


def two_answers(names: Sequence[str]) -> tuple[str, str] | None:
    """Find the two fields that hold the answers: one stem and two suffixes, ``response_a`` and ``response_b``.

    Where several couples of fields have such names, one with a usual stem is taken; None if there is none.
    """
    couples: dict[str, tuple[str, str]] = {}
    stems: dict[str, dict[str, str]] = {}
    for name in names:
        found = re.fullmatch(r"(.*?)[\s_.-]*(a|b|0|1|2|left|right|one|two)", name.casefold())
        stem, suffix = (found[1], found[2]) if found else (name.casefold(), "")
        stems.setdefault(stem.rstrip("s"), {})[suffix] = name
    for stem, fields in stems.items():
        both = next(((x, y) for x, y in SUFFIXES if x in fields and y in fields), None)
        if both:
            couples[stem] = (fields[both[0]], fields[both[1]])
    usual = [couples[stem] for stem in STEMS if stem in couples]
    return usual[0] if usual else next(iter(couples.values())) if len(couples) == 1 else None


def answer_fields(names: Sequence[str]) -> list[str]:
    """All fields of the stem whose first two ``two_answers`` finds, in order: ``response-1`` to ``response-4``."""
    both = two_answers(names)
    if both is None:
        return []
    stem = re.sub(r"[\s_.-]*(a|b|0|1|2|left|right|one|two)$", "", both[1].casefold())
    more = [name for name in names if re.fullmatch(rf"{re.escape(stem)}[\s_.-]*(\d+|[a-z])", name.casefold())]
    others = sorted(set(more) - set(both), key=lambda name: (len(name), name))
    return [*both, *others]


def prompt_field(names: Sequence[str], taken: Sequence[str]) -> str | None:
    """Find the field of the prompt among those that are not answers; None if there is none."""
    free = {name.casefold(): name for name in names if name not in taken}
    return next((free[name] for name in PROMPTS if name in free), None)
