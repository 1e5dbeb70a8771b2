"""Prompts and responses, as texts or as conversations (lists of messages with ``role`` and ``content``)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.sources.canonical import messages_type, said
from votewise.sources.cells import is_text
from votewise.sources.containers.stand_in_type import is_in_files, is_left, is_stand_in
from votewise.sources.rows import Rows
from votewise.sources.rows_part import staged_in_parts
from votewise.sources.texts.roles import ROLES, role_of
from votewise.sources.texts.text_conversations import parsed_list, parsed_object
from votewise.sources.values import is_marked

Message = dict[str, str]
"""``role`` and ``content``, and ``other``: JSON of what else the message has (tool calls, reasoning, names, pictures)."""

FIRST = 20
"""Texts that are looked at to tell whether a column holds conversations."""

CONVERSATION = "a list of messages with role and content"

WHO, WORDS = ("role", "from", "author", "speaker", "sender"), ("content", "value", "text", "message", "utterance")
"""Other keys of who speaks and of what is said: they make a message where the speaker is a model or its user."""

SPEAKERS = frozenset((*ROLES, "user", "assistant", "system"))

SEEN = (
    "name", "tool_calls", "tool_call_id", "function_call", "reasoning_content", "reasoning", "thinking", "images", "image",
    "audio", "refusal", "files", "thoughts", "thought", "cot", "chain_of_thought", "thinking_content", "reasoning_text",
    "reasoning_details", "scratchpad", "tools", "documents", "video", "videos", "attachments",
)  # fmt: skip
"""What a model sees of a message besides role and content; other keys (ids, times, children) record where it came from."""


def conversation(value: Any) -> list[Message] | None:
    """Check a conversation and bring it to role, content and whatever else its messages have; None where it is none.

    Read are lists of ``{role, content}``, of ``{from, value}`` and of ``{author, text}`` and the like where a user and a
    model speak, a single message, and any of them in a text.
    Content given in parts keeps its texts; other parts (pictures) become their type in brackets.
    """
    if isinstance(value, str):
        value = parsed_list(value)
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list) or not value:
        return None
    messages = [_message(item) for item in value]
    return None if any(message is None for message in messages) else messages  # type: ignore[return-value]


def _message(item: Any) -> Message | None:
    if not isinstance(item, dict):
        return None
    if isinstance(item.get("other"), str):
        # A conversation that an audit wrote.
        item = item | parsed_object(item["other"])
    role, content = _role_and_content(item)
    if not isinstance(role, str) or not is_text(role):
        return None
    other = {key: without_nulls(item[key]) for key in SEEN if item.get(key) not in (None, [], {})}
    if (joined := joined_parts(content)) is not None:
        if joined[1]:
            other["content"] = without_nulls(content)
        content = joined[0]
    elif content is None and other:
        # As OpenAI writes an answer that only calls tools.
        content = ""
    if not isinstance(content, str) or not is_text(content):
        return None
    message: Message = {"role": role_of(role), "content": content}
    if other:
        try:
            message["other"] = json.dumps(other, sort_keys=True, ensure_ascii=False, default=str)
        except ValueError:
            return None
    return message


def joined_parts(content: Any) -> tuple[str, bool] | None:
    r"""The text of content in parts, and whether some part is not a text: its type stands for it; None without parts.

    >>> joined_parts([{"type": "text", "text": "Hi"}, {"type": "image", "url": "x.png"}])
    ('Hi\n[image]', True)
    >>> joined_parts([{"text": "Hi", "inlineData": None}, {"text": None, "inlineData": {"data": "x"}}])
    ('Hi\n[inlineData]', True)
    """
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        return None
    texts = [part["text"] if is_text(part.get("text")) else None for part in content]
    named = (text if text is not None else f"[{_kind(part)}]" for text, part in zip(texts, content, strict=True))
    return "\n".join(named), None in texts


def _kind(part: dict[str, Any]) -> str:
    """What a part without a text is: its type, or the name of the first value that it has."""
    return str(part.get("type") or next((key for key, value in part.items() if value is not None), None))


def _role_and_content(item: dict[str, Any]) -> tuple[Any, Any]:
    if "role" in item and item.get("content") is None and isinstance(item.get("parts"), list):
        # As Gemini keeps them.
        parts = item["parts"]
        return item["role"], [{"text": part} if isinstance(part, str) else part for part in parts]
    if "role" in item and "content" in item:
        return item["role"], item["content"]
    if "from" in item and "value" in item and "role" not in item:
        return item["from"], item["value"]
    for who in WHO:
        role = item.get(who)
        said = next((key for key in WORDS if isinstance(item.get(key), str)), None)
        if said is not None and isinstance(role, str) and role.strip().casefold() in SPEAKERS:
            return role, item[said]
    return item.get("role"), item.get("content")


def without_nulls(value: Any) -> Any:
    """A value without the nulls that a table puts where one object lacks another one's key."""
    if isinstance(value, dict):
        return {key: without_nulls(v) for key, v in value.items() if v is not None}
    return [without_nulls(v) for v in value] if isinstance(value, list) else value


def split(a: list[Message], b: list[Message]) -> tuple[list[Message], list[Message], list[Message]]:
    """Split two conversations into what they share at the start (the prompt) and the rest of each (the responses).

    If two conversations are equal, the last message is the response. If only the last messages differ, the cut is before
    the last message; if earlier answers differ too, they belong to the responses.
    """
    most = min(len(a), len(b)) - 1
    n = next((i for i in range(most) if a[i] != b[i]), most)
    return a[:n], a[n:], b[n:]


ASKING = frozenset(("user", "system", "developer"))
"""Roles of what a model is asked, with which no answer begins."""


def answers(rows: Rows, prompt: str | None, a: str, b: str) -> dict[str, Any]:
    """Take prompt and responses from these columns: all texts, or all conversations where one of them holds these.

    Responses that start with the prompt are cut after it, also where only they contain the prompt.
    """
    names = {"prompt": prompt, "response_a": a, "response_b": b}
    found = {own: name for own, name in names.items() if name is not None and rows.has(name)}
    left = any(is_left(rows.table.schema.field(name)) for name in found.values())
    if not any(holds_lists(rows, name) for name in found.values()) and not left:
        return {own: rows.text(name, stand_ins=True) for own, name in found.items()}
    if any(is_in_files(rows.table.schema.field(name)) for name in found.values()):
        # What the columns hold is decided by all rows, before some are read at a time.
        for name in found.values():
            holds_lists(rows, name)
        return staged_in_parts(rows, tuple(found.values()), lambda part: answers(part, prompt, a, b))
    prompts = _conversations(rows, prompt, "user") if "prompt" in found else [None] * len(rows)
    split_rows = [
        cut(p, x, y) for p, x, y in zip(prompts, _conversations(rows, a), _conversations(rows, b), strict=True)
    ]
    if prompt is None:
        refuse_other_questions(rows, split_rows, a)
    return conversations(split_rows)


def refuse_other_questions(rows: Rows, split_rows: Sequence[tuple[Any, Any, Any]], column: str) -> None:
    """Note rows whose answers, after the beginning that they share, begin with different questions."""
    asked = [bool(x and y and x[0] != y[0] and {x[0]["role"], y[0]["role"]} & ASKING) for _, x, y in split_rows]
    rows.reject_where(
        np.array(asked, bool),
        "begins with another question than the other answer",
        column=column,
        expected="one prompt, and answers to it",
    )


def conversations(split_rows: list[tuple[Any, Any, Any]]) -> dict[str, Any]:
    """Make the three columns of (prompt, response_a, response_b) given per row as conversations or None."""
    columns = zip(*split_rows, strict=True) if split_rows else ((), (), ())
    names = ("prompt", "response_a", "response_b")
    found = {name: list(column) for name, column in zip(names, columns, strict=True)}
    kind = messages_type(found.values())
    return {name: pa.array(column, kind) for name, column in found.items()}


def holds_lists(rows: Rows, name: str) -> bool:
    """Tell whether a column holds conversations rather than texts; of mixed values the more frequent kind counts.

    A column of texts holds conversations where every text spells one.
    """
    key = ("lists", rows.source_column(name))
    if key not in rows.decisions:
        rows.decisions[key] = _holds_lists(rows, name)
    return rows.decisions[key]


def _holds_lists(rows: Rows, name: str) -> bool:
    field, kind, types = rows.table.schema.field(name), rows.type_of(name), pa.types
    if is_marked(field):
        lists = others = 0
        for value in rows.values(name):
            lists += isinstance(value, list | dict)
            others += value is not None and not isinstance(value, list | dict)
        return lists > others
    if is_stand_in(field):
        _refuse_broken(rows, name)
        # Only texts that spell no conversation have stand-ins.
        return False
    if types.is_string(kind) or types.is_large_string(kind):
        _refuse_broken(rows, name)
        return _spell_conversations(rows, name) if is_left(field) else _spells_conversations(rows, name)
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_struct(kind))


BROKEN = re.compile(r"\s*(array\()?\[\s*\{\s*['\"](role|content|from|value)['\"]\s*:\s*['\"]")
"""The beginning of a list of messages."""


def _refuse_broken(rows: Rows, name: str) -> None:
    """Refuse texts that all begin like lists of messages and spell none, as what pandas cuts off does."""
    if rows.head.schema.field(name).type not in (pa.string(), pa.large_string()):
        return
    texts = [text for text in rows.head.column(name).slice(0, FIRST).to_pylist() if text]
    if texts and all(BROKEN.match(text) for text in texts) and not any(conversation(text) for text in texts):
        raise rows.fail(
            "holds conversations that are cut off or damaged",
            column=name,
            expected=f"{CONVERSATION}, whole; the first one ends with {texts[0][-20:]!r}",
        )


def _spell_conversations(rows: Rows, name: str) -> bool:
    """The same as ``_spells_conversations`` of texts that are in files."""
    number, spelt = 0, False
    for text in rows.peek(name):
        if text is not None and STARTS.match(text):
            number += 1
            spelt = spelt or (number <= 20 and bool(conversation(text)))
    if not spelt:
        return False
    for i, text in enumerate(rows.peek(name)):
        if text is not None and conversation(text) is None:
            rows.reject(i, SPELT, column=name, value=text, expected=CONVERSATION)
    return True


STARTS = re.compile(r"[\t\n\f\r ]*(array\()?\[[\t\n\f\r ]*\{")
"""The beginning of a text that may spell a conversation."""
SPELT = "is a text, where other rows hold a conversation in a text"


def _spells_conversations(rows: Rows, name: str) -> bool:
    column = rows.table.column(name)
    starts = pc.match_substring_regex(column, r"^\s*(array\()?\[\s*\{")
    number = pc.sum(starts).as_py() or 0
    if number == 0:
        return False
    spelt = np.array([value is None or conversation(value) is not None for value in column.to_pylist()])
    if not any(conversation(value) for value in column.filter(starts).slice(0, 20).to_pylist()):
        return False
    rows.reject_where(~spelt, SPELT, column=name, expected=CONVERSATION)
    return True


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


def cut(prompt: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Prompt and responses as conversations, the responses without the prompt where they repeat it."""
    if a is None or b is None:
        return prompt, a, b
    if prompt:
        n = len(prompt)
        if a[:n] == prompt == b[:n] and len(a) > n and len(b) > n:
            # The prompt may be the last question, asked before in the same words: all that both share comes first.
            return split(a, b)
        if len(prompt) > 1 or len(a) == len(b) == 1:
            return prompt, a, b
    shared, x, y = split(a, b)
    return (shared, x, y) if shared else (prompt, a, b)
