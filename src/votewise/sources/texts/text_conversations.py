"""Conversations that a table keeps as texts: JSON, or what Python and NumPy print of a list of messages."""

from __future__ import annotations

import ast
import json
from typing import Any

LONGEST = 5_000_000
"""Characters of the longest text that is parsed."""


def parsed_list(text: Any) -> list[Any] | None:
    """The list of objects that a text spells, as JSON or as Python; None where it spells anything else.

    ``[{"role": "user", "content": "Hi"}]`` and ``[{'role': 'user', 'content': 'Hi'}]`` are both read, with or without
    commas between the objects (NumPy prints none) and inside ``array(..., dtype=object)``.
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        return None
    body = text.strip()
    if body.startswith("array(") and body.endswith(")"):
        body = body[len("array(") : -1].rpartition(", dtype=")[0] or body[len("array(") : -1]
    if not (body.startswith("[") and body.endswith("]") and "{" in body[:80]):
        return None
    for parse in (json.loads, _python):
        try:
            value = parse(body)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            return value
    return None


def parsed_object(text: str) -> dict[str, Any]:
    """The object that a text spells as JSON; empty where it spells anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _python(text: str) -> Any:
    return ast.literal_eval(_with_commas(text))


def _with_commas(text: str) -> str:
    """Put commas between objects that stand side by side, outside of quotes."""
    found: list[str] = []
    quote, escaped, after_object = "", False, False
    for character in text:
        if quote:
            if character == quote and not escaped:
                quote = ""
            escaped = character == "\\" and not escaped
        elif character in "'\"":
            quote = character
        elif character == "{" and after_object:
            found.append(",")
        if not quote and not character.isspace():
            after_object = character == "}"
        found.append(character)
    return "".join(found)
