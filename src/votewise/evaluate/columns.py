"""The columns that files of answers and files of comparisons share: prompts, answers, domains, names of prompts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from votewise.data.contests import Text
from votewise.sources.rows import Rows
from votewise.sources.texts.messages import CONVERSATION, conversation, holds_lists

PROMPT, ANSWER, MODEL, DOMAIN = (
    ("prompt", "instruction"),
    ("answer", "output"),
    ("model", "generator"),
    ("domain", "dataset"),
)
"""Our name of a column, then AlpacaEval's."""

IDS = ("prompt_index", "prompt_id")
"""Columns that name prompts."""


def find(rows: Rows, names: Sequence[str]) -> str | None:
    """The first of these columns that the rows have; None if they have none."""
    return next((name for name in names if rows.has(name)), None)


def texts(rows: Rows, name: str, *, leave: Sequence[bool] | None = None, empty: bool = False) -> list[Any]:
    """Read a column of texts or conversations. Missing ones are rejected, and without ``empty`` empty ones, too.

    Rows where ``leave`` is true are left as they are.
    """
    if holds_lists(rows, name):
        values: list[Any] = [conversation(value) for value in rows.values(name)]
        expected = CONVERSATION
    else:
        values, expected = rows.text(name, null=True).to_pylist(), "a text"
    for row, value in enumerate(values):
        if leave is not None and leave[row]:
            continue
        if value is None:
            rows.reject(row, f"there is no {name}", column=name, expected=expected)
        elif not empty and not plain_text(value).strip():
            rows.reject(row, f"the {name} is empty", column=name, expected=f"{expected}; --on-error skip leaves it out")
    return values


def optional_names(rows: Rows, names: Sequence[str]) -> list[str | None] | None:
    """Read the first of these columns, as names; None if there is none of them, or if all its values are null."""
    name = find(rows, names)
    if name is None:
        return None
    values: list[str | None] = rows.identifier(name, null=True).to_pylist()
    return values if any(values) else None


def prompt_key(prompt: Text) -> str:
    """Equal for equal prompts. A conversation of one user message equals the text of that message."""
    if isinstance(prompt, str):
        return prompt
    if len(prompt) == 1 and prompt[0]["role"] == "user":
        return prompt[0]["content"]
    return json.dumps([[message["role"], message["content"]] for message in prompt])


def plain_text(text: Text) -> str:
    """The text of a prompt or an answer; of a conversation, the texts of its messages without their roles."""
    return text if isinstance(text, str) else "\n".join(message["content"] for message in text)
