"""Conversations whose last turn is the better answer, with the worse one beside them (ms-swift) or in them (Amazon Nova)."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from votewise.data.identity import ALSO
from votewise.sources.canonical import Canonical, said
from votewise.sources.cells import TEXT, is_text
from votewise.sources.containers.stand_in_type import is_in_files
from votewise.sources.format import Format
from votewise.sources.meanings.better_and_worse import ANSWERS, better_and_worse
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.people import people_column
from votewise.sources.nested import get
from votewise.sources.rows import Rows
from votewise.sources.rows_part import staged_in_parts
from votewise.sources.shapes.trl import chosen_votes
from votewise.sources.texts.messages import CONVERSATION, Message, conversation, conversations
from votewise.sources.texts.prompt_parts import Parts, find_parts, joined, prompts_of, seen_of
from votewise.sources.values import decoded

TALKS = ("messages", "conversations", "conversation")
WORSE = ("rejected_response", "rejected_answer", "rejected_output", "rejected_completion", "rejected")
NOVA = {"preferred": 0, "non-preferred": 1}
"""Labels of Nova's candidates -> their places among (better, worse)."""
SAMPLE = 20

Turns = tuple[Any, Any, Any]
"""Prompt, better and worse answer, as messages; None three times where a row has none."""
NOTHING: Turns = (None, None, None)


def is_swift(rows: Rows) -> bool:
    """Tell whether one column holds conversations, another one a worse answer, and none a better one."""
    plain = {plain_name(name): name for name in rows.table.column_names}
    if {"chosen", *ANSWERS} & set(plain) or better_and_worse(rows, plain) is not None:
        return False
    talk, worse = _columns(rows)
    return worse is not None and any(conversation(value) is not None for value in _first(rows, talk))


def is_nova(rows: Rows) -> bool:
    """Tell whether the last messages of the first rows hold candidates."""
    values = _first(rows, "messages" if rows.has("messages") else None)
    return any(isinstance(value, list) and value and get(value[-1], "candidates") is not None for value in values)


def read_swift(rows: Rows) -> Canonical:
    """Read one vote per row: the conversation's last answer is better than the one beside it."""
    talk, worse = _columns(rows)
    if talk is None or worse is None:
        raise rows.fail(
            "has no conversations with a worse last answer beside them",
            expected="the columns messages and rejected_response",
        )
    rows.use(worse, "rejected")
    return _read(rows, talk, worse)


def read_nova(rows: Rows) -> Canonical:
    """Read one vote per row: of the candidates of the last turn the preferred one is better than the other."""
    return _read(rows, "messages", None)


def _read(rows: Rows, talk: str, worse: str | None) -> Canonical:
    answers = (talk,) if worse is None else (talk, worse)
    people = people_column(rows, taken=answers)
    parts = find_parts(rows, {*answers, *((people,) if people is not None else ())})
    for name in parts.columns:
        rows.use(name, "prompt" if name == parts.prompt else f"prompt ({plain_name(name)})")
    rows.use(talk, "prompt and answers" if worse is None else "prompt and chosen")
    used = (*parts.columns, *answers)
    if any(is_in_files(rows.table.schema.field(name)) for name in used):
        texts = staged_in_parts(rows, used, lambda part: _texts(part, parts, talk, worse))
    else:
        texts = _texts(rows, parts, talk, worse)
    return chosen_votes(rows, texts, taken=answers)


def _texts(rows: Rows, parts: Parts, talk: str, worse: str | None) -> dict[str, Any]:
    asked = prompts_of(rows, parts)
    others = rows.values(worse) if worse is not None else [None] * len(rows)
    found = []
    for i, (value, other, before) in enumerate(zip(rows.values(talk), others, asked, strict=True)):
        turns = _candidates(rows, i, value) if worse is None else _last(rows, i, talk, value, worse, other)
        start = said(before, "user") if isinstance(before, str) and before else before
        found.append((joined(start or None, turns[0]), turns[1], turns[2]))
    texts = conversations(found)
    seen = seen_of(rows, parts)
    return texts if seen is None else texts | {ALSO: pa.array(seen, TEXT)}


def _last(rows: Rows, row: int, talk: str, value: Any, worse: str, other: Any) -> Turns:
    """The turns of a conversation whose last one is the better answer."""
    messages = conversation(value)
    if messages is None:
        rows.reject(row, "is not a conversation", column=talk, value=value, expected=CONVERSATION)
        return NOTHING
    if messages[-1]["role"] != "assistant" or len(messages) < 2:
        expected = "a conversation whose last turn is the better answer, by the assistant"
        rows.reject(row, "does not end with an answer", column=talk, value=value, expected=expected)
        return NOTHING
    answer = said(other) if is_text(other) and other.strip() and conversation(other) is None else conversation(other)
    if answer is None:
        rows.reject(row, "is not an answer", column=worse, value=other, expected="a text or messages")
        return NOTHING
    start = messages[:-1]
    if answer[: len(start)] == start and len(answer) > len(start):
        answer = answer[len(start) :]
    if answer[0]["role"] in ("user", "system"):
        expected = "the worse answer to the same prompt"
        rows.reject(
            row, "begins with another question than the better answer", column=worse, value=other, expected=expected
        )
        return NOTHING
    return start, messages[-1:], answer


def _candidates(rows: Rows, row: int, value: Any) -> Turns:
    """The turns of a conversation whose last one holds a preferred and a non-preferred candidate."""
    asked = conversation(value[:-1]) if isinstance(value, list) and len(value) > 1 else None
    if asked is None:
        rows.reject(row, "is not a conversation", column="messages", value=value, expected=CONVERSATION)
        return NOTHING
    given = get(value[-1], "candidates")
    answers: dict[int, list[Message] | None] = {}
    for candidate in given if isinstance(given, list) else ():
        place = NOVA.get(str(get(candidate, "preferenceLabel")))
        if place is not None:
            answers.setdefault(place, conversation({"role": "assistant", "content": get(candidate, "content")}))
    if len(answers) < 2 or None in answers.values() or len(given) != 2:
        expected = "two candidates, one preferred and one non-preferred"
        rows.reject(row, "does not end with two answers", column="messages", value=value[-1], expected=expected)
        return NOTHING
    return asked, answers[0], answers[1]


def _columns(rows: Rows) -> tuple[str | None, str | None]:
    """The column of the conversations, and that of the worse answers."""
    plain = {plain_name(name): name for name in rows.table.column_names}
    return tuple(next((plain[n] for n in names if n in plain), None) for names in (TALKS, WORSE))  # type: ignore[return-value]


def _first(rows: Rows, name: str | None) -> list[Any]:
    return [] if name is None else [value for value in decoded(rows.head.slice(0, SAMPLE), name) if value is not None]


SWIFT = Format(
    "ms-swift",
    "ms-swift: conversations that end with the better answer, and a worse one beside them",
    (("*",),),
    read_swift,
    looks=is_swift,
    general=True,
    leaves_texts=True,
)
NOVA_DPO = Format(
    "nova",
    "Amazon Nova on Bedrock: conversations whose last turn holds a preferred and a non-preferred candidate",
    (("*",),),
    read_nova,
    looks=is_nova,
    leaves_texts=True,
)
