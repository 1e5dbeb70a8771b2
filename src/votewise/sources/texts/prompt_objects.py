"""Prompts that a source keeps as an object: a question with its id, a post with its title, messages with their tools."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from votewise.sources.canonical import said
from votewise.sources.meanings.column_names import HISTORY, INPUT, PROMPT, SEEN, SYSTEM, plain_name
from votewise.sources.meanings.unread_people import ABOUT
from votewise.sources.meanings.unread_values import MEDIA, RECORDS, REMARKS
from votewise.sources.rows import Rows
from votewise.sources.texts.messages import Message, conversation, without_nulls
from votewise.sources.texts.prompt_values import text_of_part
from votewise.sources.texts.text_conversations import parsed_object
from votewise.sources.texts.words import words
from votewise.sources.values import decoded, is_marked

SAMPLE = 50

TITLE = ("title", "subject", "headline")
BODY = ("full_text", "text", "content", "body", "value")
WORDS = 3
"""A text of more words than this under a name that nobody knows may be part of what a model sees."""


@dataclass(frozen=True)
class PromptObject:
    """What an object says about the prompt.

    Attributes:
        prompt: a text, or a conversation where there is more than a text of one turn; None where there is neither.
        seen: what a model sees beside the texts.
        open: names of texts of which nobody knows whether they are part of the prompt.
        rest: what else it holds, except ids.
    """

    prompt: str | list[Message] | None
    seen: dict[str, Any] = field(default_factory=dict)
    open: tuple[str, ...] = ()
    rest: dict[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[str, ...]:
        """Names of the rest that annotators saw: all but records of where it came from, and what is about it."""
        return tuple(
            name
            for name, value in self.rest.items()
            if isinstance(value, list | dict | str)
            and (
                (isinstance(value, str) and MEDIA.search(value) is not None)
                or not (RECORDS.fullmatch(plain_name(name)) or ABOUT.search(plain_name(name)) or name in REMARKS)
            )
        )

    @property
    def nested(self) -> tuple[str, ...]:
        """Names of lists and objects among the rest."""
        return tuple(name for name, value in self.rest.items() if isinstance(value, list | dict) and value)


def as_object(value: Any) -> dict[str, Any] | None:
    """The object that a value is, or that a text spells; None for messages and for everything else."""
    if isinstance(value, str):
        value = parsed_object(value) if value.lstrip().startswith("{") else None
    if not isinstance(value, dict) or not value:
        return None
    return None if conversation(value) is not None else value


def holds_objects(rows: Rows, name: str) -> bool:
    """Whether a column holds prompts as objects; a column of texts does where every text spells one."""
    key = ("objects", rows.source_column(name))
    if key not in rows.decisions:
        rows.decisions[key] = _holds_objects(rows, name)
    return rows.decisions[key]


def _holds_objects(rows: Rows, name: str) -> bool:
    kind = rows.head.schema.field(name)
    if not (pa.types.is_struct(kind.type) or is_marked(kind) or pa.types.is_string(kind.type)
            or pa.types.is_large_string(kind.type)):  # fmt: skip
        return False
    values = [value for value in decoded(rows.head.slice(0, SAMPLE), name) if value is not None]
    objects = [item for value in values if (item := as_object(value)) is not None]
    # A text such as {"a": 1} that asks nothing by a name that we know is a text.
    asks = all(
        isinstance(v, dict) or object_prompt(o).prompt is not None for v, o in zip(values, objects, strict=False)
    )
    return bool(values) and len(objects) == len(values) and asks


def object_prompt(value: Mapping[str, Any]) -> PromptObject:
    """Read an object: system text, history, title, prompt or body, and input, in this order."""
    free: dict[str, str] = {}
    for own, item in value.items():
        if item not in (None, "", [], {}):
            free[own if plain_name(own) in free else plain_name(own)] = own
    texts: list[str] = []
    turns: list[Message] = []
    before: list[Message] = []
    for group in (SYSTEM, HISTORY, TITLE, PROMPT, BODY, INPUT):
        for name in group:
            key = free.get(name)
            if key is None:
                continue
            alone = text_of_part(value[key]) if group is SYSTEM or isinstance(value[key], str) else None
            found = conversation(value[key]) if group is not SYSTEM or alone is None else None
            if found is None and alone is None:
                continue
            del free[name]
            if found is not None:
                turns += found
            elif alone and group is SYSTEM:
                before += said(alone, "system")
            elif alone:
                texts.append(alone)
    seen = {name: without_nulls(value[free.pop(name)]) for name in SEEN if name in free}
    unknown = tuple(key for key in free.values() if _may_be_seen(value[key]))
    rest = {
        key: without_nulls(value[key]) for name, key in free.items() if not re.fullmatch(r"(.*_)?(id|uuid|index)", name)
    }
    text = "\n\n".join(dict.fromkeys(texts))
    if not before and not turns:
        return PromptObject(text or None, seen, unknown, rest)
    return PromptObject([*before, *turns, *(said(text, "user") if text else ())], seen, unknown, rest)


def _may_be_seen(value: Any) -> bool:
    return isinstance(value, str) and words(value) > WORDS
