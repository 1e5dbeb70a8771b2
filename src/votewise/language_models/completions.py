"""What a language model answers to one prompt, and how to read it from a server's reply (OpenAI's chat completions)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from votewise.errors import shorten
from votewise.language_models.bounded_request import UnreadableReplyError

Conversation = Sequence[dict[str, str]]
"""Messages with ``role`` and ``content``."""


@dataclass(frozen=True)
class Completion:
    """The result of one prompt: a text, or an error and no text.

    Attributes:
        text: the answer, not empty; None if there is none.
        error: why there is none.
        tokens: number of tokens of the answer, if it is known.
        prompt_tokens: number of tokens that the model read, if it is known.
    """

    text: str | None
    error: str | None = None
    tokens: int | None = None
    prompt_tokens: int | None = None


def read_completion(reply: Any) -> Completion:
    """A server's reply as a completion: an empty answer, or one that a filter stopped, is an error.

    Args:
        reply: the reply's JSON value.

    Raises:
        UnreadableReplyError: it is not a chat completion.
    """
    tokens, read = _usage(reply, "completion_tokens"), _usage(reply, "prompt_tokens")
    choice, message = _choice(reply)
    reason, text, refusal = choice.get("finish_reason"), message.get("content"), message.get("refusal")
    if reason == "content_filter":
        return Completion(None, "stopped by the server's content filter", tokens, read)
    if refusal:
        return Completion(None, f"refused: {shorten(valid_text(refusal), 200)}", tokens, read)
    if text is not None and not isinstance(text, str):
        raise UnreadableReplyError(f"the answer is not a text: {shorten(text)}")
    if not text or not text.strip():
        shown = reason if isinstance(reason, str) else shorten(reason)
        return Completion(None, f"an empty answer (finish reason: {valid_text(shown)})", tokens, read)
    return Completion(valid_text(text), None, tokens, read)


def _usage(reply: Any, name: str) -> int | None:
    """A count of tokens that a server reports; None where it reports none that can be one."""
    usage = reply.get("usage")
    tokens = usage.get(name) if isinstance(usage, dict) else None
    return tokens if isinstance(tokens, int) and not isinstance(tokens, bool) and 0 <= tokens < 2**53 else None


def _choice(reply: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first choice of a reply, and its message."""
    said = reply.get("error")
    if said and not reply.get("choices"):
        problem = said.get("message", said) if isinstance(said, dict) else said
        raise UnreadableReplyError(f"the server reports an error in it: {shorten(problem, 200)}")
    choices = reply.get("choices")
    if not choices:
        raise UnreadableReplyError("no choices")
    if not isinstance(choices, list) or not isinstance(choices[0], dict):
        raise UnreadableReplyError(f"odd choices: {shorten(choices)}")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise UnreadableReplyError(f"no message in the first choice: {shorten(choices[0])}")
    return choices[0], message


def valid_text(text: Any) -> Any:
    """A text without half surrogate pairs, which are not valid text and cannot be written to a file."""
    return text.encode("utf-8", "replace").decode("utf-8") if isinstance(text, str) else text


def status_problem(error: Any) -> str:
    """An HTTP error on one line, like ``status 400: This model's maximum context length is ...``."""
    body = error.body if isinstance(error.body, dict) else {}
    inner = body.get("error", body)
    said = inner.get("message") or inner.get("detail") if isinstance(inner, dict) else inner
    text = " ".join(str(said or error.response.text or error).split())
    return f"status {error.status_code}: {valid_text(text[:300])}"


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
    except (TypeError, ValueError, OverflowError, OSError):
        return None
