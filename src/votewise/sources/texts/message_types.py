"""The types of columns of prompts and responses: texts, and conversations, which are lists of messages."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa

TEXT = pa.large_string()

MESSAGES = pa.large_list(pa.struct([("role", TEXT), ("content", TEXT)]))
"""A conversation."""

FULL_MESSAGES = pa.large_list(pa.struct([("role", TEXT), ("content", TEXT), ("other", TEXT)]))
"""A conversation whose messages have more than role and content: ``other`` holds the rest as JSON, or null."""


def common_kind(kinds: Collection[pa.DataType]) -> pa.DataType:
    """The type that holds the values of all: texts only where all are, messages with ``other`` where some have it."""
    return next((kind for kind in (FULL_MESSAGES, MESSAGES) if kind in kinds), TEXT)


def as_kind(column: pa.Array, kind: pa.DataType, role: str) -> pa.Array:
    """A column as another type: texts become conversations of one message by ``role``, nulls stay null."""
    if column.type == kind or pa.types.is_null(column.type):
        return column if column.type == kind else pa.nulls(len(column), kind)
    names = [kind.value_type.field(i).name for i in range(kind.value_type.num_fields)]
    if column.type == TEXT:
        known = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), bool)
        texts = column.drop_null()
        ends = np.concatenate([[0], np.cumsum(known)])
        values = {"role": pa.repeat(pa.scalar(role, TEXT), len(texts)), "content": texts}
        nulls = pa.array(~known)
    else:
        # Slices share their values with the whole, so the offsets are those of the whole.
        ends = column.offsets.to_numpy()
        inner = column.values
        values = {name: inner.field(i) for i, name in enumerate(("role", "content"))}
        nulls = column.is_null()
        texts = inner
    parts = [values.get(name, pa.nulls(len(texts), TEXT)) for name in names]
    messages = pa.StructArray.from_arrays(parts, fields=[kind.value_type.field(i) for i in range(len(names))])
    return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), messages, type=kind, mask=nulls)
