"""What to say about roles of messages that are not those of chat templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from votewise.sources.rows import Rows
from votewise.sources.texts.messages import STARTS, WHO, conversation
from votewise.sources.texts.roles import KNOWN, role_of
from votewise.sources.texts.text_conversations import parsed_list
from votewise.sources.values import decoded

FIRST = 100
"""Rows that are looked at."""


def role_notes(rows: Rows) -> list[str]:
    """Notes on roles in the columns that were read: which are read as others, and which chat templates may not know."""
    names = [name for name in rows.roles if name in rows.head.column_names]
    found = {role for name in names for value in decoded(rows.head.slice(0, FIRST), name) for role in _roles(value)}
    read = {role: role_of(role) for role in sorted(found)}
    other = [f"'{role}' as {known}" for role, known in read.items() if known in KNOWN and role != known]
    unknown = [f"'{role}'" for role, known in read.items() if known not in KNOWN]
    notes = [f"Roles of messages are read as those of chat templates: {', '.join(other)}."] if other else []
    if unknown:
        notes.append(f"Roles of messages that chat templates may not know stay as they are: {', '.join(unknown)}.")
    return notes


def _roles(value: Any) -> Iterator[str]:
    """Who speaks, wherever a value holds messages."""
    if isinstance(value, str) and STARTS.match(value):
        value = parsed_list(value) or []
    if isinstance(value, list) and value and conversation(value) is not None:
        speakers = (next((item[key] for key in WHO if isinstance(item.get(key), str)), None) for item in value)
        yield from (role for role in speakers if role is not None)
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _roles(inner)
