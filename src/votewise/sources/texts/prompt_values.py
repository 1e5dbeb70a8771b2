"""Parts of the prompt that are one text: texts, whole numbers, and texts in parts as Bedrock and Gemini keep them."""

from __future__ import annotations

from typing import Any

from votewise.sources.cells import is_text
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.texts.messages import conversation, joined_parts


def texts_of_part(rows: Rows, name: str | None) -> list[str | None]:
    """A text per row of a column such as system text or input, None where a row has none.

    Values that are not texts are noted, for a model saw them in a form that nobody knows.
    """
    if name is None:
        return [None] * len(rows)
    found = []
    for i, value in enumerate(rows.values(name)):
        text = text_of_part(value)
        if text is None and value not in (None, [], {}):
            own = rows.source_column(name)
            expected = f"a text; {column_option(own, '')} if no model saw it"
            rows.reject(i, "is a part of the prompt and not a text", column=name, value=value, expected=expected)
        found.append(text)
    return found


def text_of_part(value: Any) -> str | None:
    """One text; None for anything that is not one.

    >>> text_of_part("Be kind."), text_of_part(5), text_of_part([{"text": "Be kind."}])
    ('Be kind.', '5', 'Be kind.')
    >>> text_of_part({"parts": [{"text": "Be kind."}]}), text_of_part({"role": "system", "content": "Be kind."})
    ('Be kind.', 'Be kind.')
    >>> text_of_part(["one", "two"]), text_of_part(0.5)
    (None, None)
    """
    if is_text(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, dict) and "parts" in value:
        value = value["parts"]
    messages = conversation(value)
    if messages is not None:
        plain = len(messages) == 1 and messages[0]["role"] == "system" and "other" not in messages[0]
        return messages[0]["content"] if plain else None
    text, pictures = joined_parts(value) or ("", True)
    return None if pictures else text
