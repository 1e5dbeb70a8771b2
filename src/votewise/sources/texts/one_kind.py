"""The texts of one vote brought to one kind: all of them texts, or all of them conversations."""

from __future__ import annotations

from typing import Any

from votewise.sources.canonical import said
from votewise.sources.cells import is_text
from votewise.sources.texts.messages import conversation, cut


def one_kind(asked: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Prompt and answers, all texts or all conversations; answers are cut after what both begin with.

    Args:
        asked: a text, messages, or None.
        a: a text, one that spells messages, or messages.
        b: the same.
    """
    told = [conversation(value) if not is_text(value) else conversation(value) or value for value in (a, b)]
    if all(isinstance(value, str) for value in (*told, asked or "")):
        return asked, told[0], told[1]
    one, other = (said(value) if isinstance(value, str) else value for value in told)
    return cut(said(asked, "user") if isinstance(asked, str) and asked else asked, one, other)
