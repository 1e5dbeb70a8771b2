"""What a language model answers to one prompt, and how to read it from a server's reply (OpenAI's chat completions)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from votewise.errors import shorten

Conversation = Sequence[dict[str, str]]
"""Messages with ``role`` and ``content``."""


@dataclass(frozen=True)
class Completion:
    """The result of one prompt: a text, or an error and no text.

    Attributes:
        text: the answer, not empty; None if there is none.
        error: why there is none.
        tokens: number of tokens of the answer, if it is known.
    """

    text: str | None
    error: str | None = None
    tokens: int | None = None


def read_completion(reply: Any) -> Completion:
    """A server's reply as a completion: an empty answer, or one that a filter stopped, is an error."""
    tokens = getattr(getattr(reply, "usage", None), "completion_tokens", None)
    choices = getattr(reply, "choices", None)
    if not choices:
        return Completion(None, "an answer that cannot be read: no choices", tokens)
    reason, message = choices[0].finish_reason, choices[0].message
    text = getattr(message, "content", None)
    if reason == "content_filter":
        return Completion(None, "stopped by the server's content filter", tokens)
    if getattr(message, "refusal", None):
        return Completion(None, f"refused: {shorten(message.refusal, 200)}", tokens)
    if not isinstance(text, str) or not text.strip():
        return Completion(None, f"an empty answer (finish reason: {reason})", tokens)
    # Half a surrogate pair is not valid text and cannot be written to a file.
    return Completion(text.encode("utf-8", "replace").decode("utf-8"), None, tokens)


def status_problem(error: Any) -> str:
    """An HTTP error on one line, like ``status 400: This model's maximum context length is ...``."""
    body = error.body if isinstance(error.body, dict) else {}
    inner = body.get("error", body)
    said = inner.get("message") or inner.get("detail") if isinstance(inner, dict) else inner
    text = " ".join(str(said or error.response.text or error).split())
    return f"status {error.status_code}: {text[:300]}"


def requested_wait(headers: Any) -> float | None:
    """Seconds that a server asks us to wait, from ``Retry-After`` as a number or a date; None if it does not ask."""
    value = headers.get("retry-after-ms")
    try:
        if value is not None:
            return max(0.0, float(value) / 1000)
        value = headers.get("retry-after")
        if value is None:
            return None
        try:
            return max(0.0, float(value))
        except ValueError:
            return float(max(0.0, parsedate_to_datetime(value).timestamp() - time.time()))
    except (TypeError, ValueError):
        return None
