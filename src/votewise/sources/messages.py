"""Prompts and responses, as texts or as conversations (lists of messages with ``role`` and ``content``)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from votewise.sources.canonical import MESSAGES, said
from votewise.sources.cells import is_text
from votewise.sources.rows import Rows
from votewise.sources.values import is_marked

Message = dict[str, str]
CONVERSATION = "a list of messages with role and content"


def conversation(value: Any) -> list[Message] | None:
    """Check a conversation and reduce its messages to role and content, both texts; None where it is not one.

    Of content in parts, texts are kept; other parts (images) become their type in brackets.
    """
    if not isinstance(value, list) or not value:
        return None
    messages = []
    for message in value:
        if not isinstance(message, dict) or not is_text(message.get("role")):
            return None
        content = message.get("content")
        if isinstance(content, list) and all(isinstance(part, dict) for part in content):
            content = "\n".join(
                part["text"] if is_text(part.get("text")) else f"[{part.get('type')}]" for part in content
            )
        if not is_text(content):
            return None
        messages.append({"role": message["role"], "content": content})
    return messages


def split(a: list[Message], b: list[Message]) -> tuple[list[Message], list[Message], list[Message]]:
    """Split two conversations into what they share at the start (the prompt) and the rest of each (the responses).

    If two conversations are equal, the last message is the response. If only the last messages differ, the cut is before
    the last message; if earlier answers differ too, they belong to the responses.
    """
    most = min(len(a), len(b)) - 1
    n = next((i for i in range(most) if a[i] != b[i]), most)
    return a[:n], a[n:], b[n:]


def answers(rows: Rows, prompt: str | None, a: str, b: str) -> dict[str, Any]:
    """Take prompt and responses from these columns: all texts, or all conversations where one of them holds these.

    Responses that start with the prompt are cut after it, also where only they contain the prompt.
    """
    names = {"prompt": prompt, "response_a": a, "response_b": b}
    found = {own: name for own, name in names.items() if name is not None and rows.has(name)}
    if not any(holds_lists(rows, name) for name in found.values()):
        return {own: rows.text(name) for own, name in found.items()}
    prompts = _conversations(rows, prompt, "user") if "prompt" in found else [None] * len(rows)
    split_rows = [
        _cut(p, x, y) for p, x, y in zip(prompts, _conversations(rows, a), _conversations(rows, b), strict=True)
    ]
    return conversations(split_rows)


def conversations(split_rows: list[tuple[Any, Any, Any]]) -> dict[str, Any]:
    """(prompt, response_a, response_b) per row, conversations or None -> three columns."""
    columns = zip(*split_rows, strict=True) if split_rows else ((), (), ())
    names = ("prompt", "response_a", "response_b")
    return {name: pa.array(list(column), MESSAGES) for name, column in zip(names, columns, strict=True)}


def holds_lists(rows: Rows, name: str) -> bool:
    """Tell whether a column holds lists rather than texts; in a mixed column the more frequent kind decides."""
    field = rows.table.schema.field(name)
    if is_marked(field):
        items = [v for v in rows.values(name) if v is not None]
        return sum(isinstance(v, list) for v in items) > len(items) / 2
    return bool(pa.types.is_list(field.type) or pa.types.is_large_list(field.type))


def _conversations(rows: Rows, name: str | None, role: str = "assistant") -> list[list[Message] | None]:
    if name is None:
        return [None] * len(rows)
    values = rows.values(name)
    if not holds_lists(rows, name):
        texts = rows.text(name).to_pylist()
        return [None if text is None else said(text, role) for text in texts]
    found = [conversation(value) for value in values]
    wrong = np.array([c is None for c in found])
    rows.reject_where(wrong, "is not a conversation", column=name, expected=CONVERSATION)
    return found


def _cut(prompt: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    if a is None or b is None:
        return prompt, a, b
    if prompt:
        n = len(prompt)
        if a[:n] == prompt == b[:n] and len(a) > n and len(b) > n:
            return prompt, a[n:], b[n:]
        if len(prompt) > 1 or len(a) == len(b) == 1:
            return prompt, a, b
    shared, x, y = split(a, b)
    return (shared, x, y) if shared else (prompt, a, b)
