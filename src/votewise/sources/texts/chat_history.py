"""The chat of an Open WebUI snapshot: a tree of messages, each with its parent; answers to one message are siblings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from votewise.sources.nested import get, named
from votewise.sources.texts.messages import Message, conversation

HISTORIES = (("chat", "chat", "history", "messages"), ("chat", "history", "messages"), ("history", "messages"))


@dataclass(frozen=True)
class ChatAnswer:
    """One answer in a chat: the message's id, the model that wrote it, and its text as a conversation of one message."""

    id: str
    model: str | None
    messages: list[Message] | None


def rated_answer(snapshot: Any, message: str) -> ChatAnswer | None:
    """The message with this id; None where the snapshot lacks it."""
    found = _history(snapshot).get(message)
    return None if found is None else _answer(found)


def prompt_of(snapshot: Any, message: str) -> list[Message] | None:
    """The messages that lead to this one, from the first on; None where there are none."""
    history = _history(snapshot)
    told: list[Any] = []
    rated = history.get(message)
    parent = None if rated is None else _parent(rated, history)
    seen = {message}
    while parent is not None and parent["id"] not in seen:
        seen.add(parent["id"])
        told.insert(0, parent)
        parent = _parent(parent, history)
    return conversation(told)


def answers_to(snapshot: Any, message: str, models: Sequence[str]) -> list[ChatAnswer | None]:
    """The answers beside this one, one for each of these models in their order; None for those that the snapshot lacks.

    A model that is named twice wrote two of them, in the order of the chat: a regeneration is an answer of its own. An
    arena hides models behind one name in the messages and says who wrote them in ``selectedModelId``.
    """
    history = _history(snapshot)
    rated = history.get(message)
    if rated is None or _parent(rated, history) is None:
        return [None] * len(models)
    left = [m for m in history.values() if m.get("parentId") == rated["parentId"] and m["id"] != rated["id"]]
    children = get(_parent(rated, history), "childrenIds")
    order = children if isinstance(children, list) else []
    left.sort(key=lambda m: order.index(m["id"]) if m["id"] in order else len(order))
    found: list[ChatAnswer | None] = []
    for model in models:
        own = next((m for m in left if model in (named(m.get("selectedModelId")), named(m.get("model")))), None)
        if own is None or conversation([own]) is None:
            found.append(None)
            continue
        left.remove(own)
        found.append(_answer(own))
    return found


def _answer(message: dict[str, Any]) -> ChatAnswer:
    return ChatAnswer(
        message["id"], named(message.get("selectedModelId")) or named(message.get("model")), conversation([message])
    )


def _history(snapshot: Any) -> dict[str, dict[str, Any]]:
    """Messages by id, from an object or a list."""
    for path in HISTORIES:
        value = get(snapshot, *path)
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found = {item["id"]: item for item in items if isinstance(item, dict) and isinstance(item.get("id"), str)}
        if found:
            return found
    return {}


def _parent(message: dict[str, Any], history: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    return history.get(named(message.get("parentId")) or "")
