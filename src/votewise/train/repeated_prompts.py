"""Conversations beside a ``prompt`` in plain text that says once more what they begin with (UltraFeedback binarized)."""

from __future__ import annotations

from functools import partial
from typing import Any

from votewise.errors import BadInputError
from votewise.train.seen_rows import ANSWERS


def without_repeated_prompt(rows: Any, name: str) -> Any:
    """The rows without their column ``prompt`` where it repeats the first thing that the user says in both conversations.

    The prompt is then what both conversations begin with, as TRL takes it from rows without such a column. TRL itself cannot
    read rows with a text and messages.

    Args:
        rows: a dataset, a stream, several of them by name, or anything else, which is returned as it is.
        name: what the rows are called.

    Raises:
        BadInputError: a text beside messages that is not what they begin with; in a stream when the row arrives.
    """
    if isinstance(rows, dict):
        changed = {key: without_repeated_prompt(value, name) for key, value in rows.items()}
        return changed if type(rows) is dict else type(rows)(changed)
    first = next(iter(rows), None) if getattr(rows, "column_names", None) or hasattr(rows, "map") else None
    if not isinstance(first, dict) or not _is_mixed(first):
        return rows
    if hasattr(rows, "__len__"):
        shown = rows.select_columns(["prompt", *ANSWERS]).with_format(None)
        for place, row in enumerate(shown):
            _check(row, place, name=name)
        return rows.remove_columns("prompt")
    return rows.map(partial(_check, name=name), with_indices=True).remove_columns("prompt")


def _is_mixed(row: dict[str, Any]) -> bool:
    return isinstance(row.get("prompt"), str) and all(isinstance(row.get(answer), list) for answer in ANSWERS)


def _check(row: dict[str, Any], place: int, *, name: str) -> dict[str, Any]:
    if not _is_mixed(row) or any(_first_words(row[answer]) != row["prompt"] for answer in ANSWERS):
        raise BadInputError(
            "is a text, and chosen and rejected are messages that do not begin with it",
            source=name,
            row=place + 1,
            column="prompt",
            expected="the prompt as messages, or conversations that begin with it",
        )
    return row


def _first_words(messages: list[Any]) -> Any:
    """What the user says first, after system texts; None where an answer comes first."""
    for message in messages:
        if message.get("role") != "system":
            return message.get("content") if message.get("role") == "user" else None
    return None
