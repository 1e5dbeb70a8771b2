"""Texts from the data, prepared for the page: one string each, cut where they are too long. The template escapes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

PREVIEW = 420
"""Characters of a text that are shown first; a click shows the rest."""
CAP = 4_000
"""Characters of a text that the page contains."""


@dataclass(frozen=True)
class Passage:
    """One text as shown: ``role`` (None outside conversations), ``start``, ``rest`` to open, characters ``left_out``."""

    role: str | None
    start: str
    rest: str
    left_out: int

    @property
    def size(self) -> int:
        """Approximate number of bytes that the texts take in the page: escaping a character takes up to six."""
        text = self.start + self.rest
        return len(text.encode("utf-8", "replace")) + 5 * sum(map(text.count, "<>&\"'"))


def passages(value: object, cap: int = CAP) -> tuple[Passage, ...]:
    """A prompt or answer, a string or a list of messages ``{role, content}``, as passages of at most ``cap`` characters."""
    if value is None:
        return ()
    if not isinstance(value, list):
        return (_passage(None, _plain(value), cap),)
    shown: list[Passage] = []
    for message in value:
        role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, message)
        passage = _passage(None if role is None else str(role), _plain(content), max(cap, 0))
        cap -= len(passage.start) + len(passage.rest)
        shown.append(passage)
    return tuple(shown)


def _plain(content: object) -> str:
    """The text of a message: its content is a string, or a list of parts of which only texts are shown."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(_plain(part.get("text", part)) if isinstance(part, dict) else _plain(part) for part in content)
    return "" if content is None else json.dumps(content, ensure_ascii=False, default=str)


def _passage(role: str | None, text: str, cap: int) -> Passage:
    kept = text[:cap]
    if len(kept) <= PREVIEW * 1.25:
        return Passage(role, kept, "", len(text) - len(kept))
    space = kept.rfind(" ", PREVIEW - 60, PREVIEW)
    cut = space if space > 0 else PREVIEW
    return Passage(role, kept[:cut], kept[cut:], len(text) - len(kept))


def shorten(text: str, length: int = 60) -> str:
    """``text`` cut in the middle to ``length`` characters; ids often differ only at their ends."""
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def readable(value: object) -> Any:
    """A setting or a fact as text: names without quotes, numbers with separators, nested values as ``name = value``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} = {readable(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(readable(item)) for item in value)
    return str(value)
