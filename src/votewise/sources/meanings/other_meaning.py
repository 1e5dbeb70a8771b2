"""Optional columns that have one of our names and another meaning: a gold that is a free text, a margin in words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.sources.cells import is_string, is_text, seconds
from votewise.sources.dates import moments
from votewise.sources.meanings.labels import meaning_of
from votewise.sources.rows import Rows
from votewise.sources.values import is_marked

NAMES = ("domain", "model_a", "model_b", "pair")
NUMBERS = ("margin", "weight")


def has_other_meaning(rows: Rows, name: str) -> bool:
    """Whether none of a column's values is what an optional column of this name holds.

    One value that fits is enough to read the column, so that a wrong value among right ones is still found. Columns
    that the user has named with ``--columns`` are always read.
    """
    if name in rows.renames or name not in (*NAMES, *NUMBERS, "judgement", "gold", "time"):
        return False
    if name == "pair" and not (rows.has("response_a") or rows.has("chosen")):
        # Without texts nothing else names the pairs.
        return False
    if name == "time" and is_string(rows.type_of(name)) and not is_marked(rows.table.schema.field(name)):
        column = pa.chunked_array([pa.array(list(rows.peek(name)), pa.large_string())])
        there = np.asarray(column.is_valid().to_numpy(), bool)
        return bool(there.any() and moments(column).wrong[there].all())
    some = False
    for value in rows.peek(name):
        if value is not None and _fits(rows, name, value):
            return False
        some = some or value is not None
    return some


def _fits(rows: Rows, name: str, value: Any) -> bool:
    if name in NAMES:
        return not isinstance(value, list | dict)
    if name == "judgement":
        # A name of a judgement, not a label: people also call the label a judgement.
        return not isinstance(value, list | dict) and meaning_of(rows, value) is None
    if name == "gold":
        return is_text(value) and (meaning_of(rows, value) is not None or not value.strip())
    if not isinstance(value, str):
        return True
    return math.isfinite(seconds(value)) if name == "time" else _spells_number(value)


def _spells_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return not text.strip()
    return True
