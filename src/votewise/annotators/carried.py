"""The source's other columns: those that no vote was read from, and that go with the votes wherever they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from votewise.data.votes import Votes

KEPT_ROLES = (None, "weight", "status", "split", "criterion")
"""Roles of columns that nothing in the rows of an export says; None is that of a column that nothing was read from."""

MOST = 8
"""Columns that a note names."""

OF_TRL = frozenset((
    "prompt", "chosen", "rejected", "annotator", "confidence", "judgement", "completion", "completions", "messages",
    "conversations", "label", "labels", "image", "images", "tools", "chat_template_kwargs", "input_ids", "attention_mask",
    "prompt_ids", "chosen_ids", "rejected_ids", "ref_chosen_logps", "ref_rejected_logps",
))  # fmt: skip
"""Columns to which TRL gives a meaning, or that are ours in its shape."""


def carried_columns(votes: Votes) -> list[str]:
    """The names of these columns in ``votes.table``."""
    if votes.reading is None or votes.table is None:
        return []
    kept = {column.name for column in votes.reading.columns if column.role in KEPT_ROLES}
    return [name for name in votes.table.column_names if name in kept]


def for_trl(table: Any, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which of the columns can stand beside TRL's own; and which cannot, by name or by a type that 🤗 datasets lacks."""
    fits = {name for name in names if name not in OF_TRL and _is_known(table.schema.field(name).type)}
    return [name for name in names if name in fits], [name for name in names if name not in fits]


def _is_known(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_map(kind) or types.is_union(kind) or types.is_interval(kind) or isinstance(kind, pa.BaseExtensionType):
        return False
    return all(_is_known(kind.field(i).type) for i in range(kind.num_fields))


def left_out(names: Sequence[str], shape: str) -> tuple[str, ...]:
    """What to say about columns that a shape has no place for; nothing where there are none."""
    if not names:
        return ()
    listed = ", ".join(repr(name) for name in names[:MOST])
    listed += f" and {len(names) - MOST:,} more" if len(names) > MOST else ""
    return (f"Left out, since {shape} has no place for columns of such names or types: {listed}.",)
