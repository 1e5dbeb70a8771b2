"""One request to a server, bounded in time and in size, whatever the server sends."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

LARGEST_REPLY = 64 * 2**20
"""Bytes of a reply after which reading it stops."""


class UnreadableReplyError(Exception):
    """A server replied, but what it sent is not a chat completion."""


class TooSlowError(Exception):
    """A reply that was not complete in time.

    Attributes:
        begun: whether some of it had arrived.
    """

    def __init__(self, *, begun: bool) -> None:
        super().__init__()
        self.begun = begun


class _Request(threading.Thread):
    """Sends one request and holds what came of it.

    A thread of its own, because a server that sends one byte after another keeps the client waiting past any timeout
    between two bytes. It is a daemon: when the time is up, nobody waits for it.
    """

    def __init__(self, client: Any, options: dict[str, Any], timeout: float) -> None:
        super().__init__(daemon=True)
        self.begun, self.content = False, b""
        self.error: BaseException | None = None
        self._client, self._options, self._timeout = client, options, timeout
        self._end = time.monotonic() + timeout

    def run(self) -> None:
        try:
            with self._client.chat.completions.with_streaming_response.create(**self._options) as response:
                self.begun = True
                self.content = self._read(response)
        except BaseException as error:  # raised again where the reply is awaited
            self.error = error

    def _read(self, response: Any) -> bytes:
        parts, size = [], 0
        try:
            for part in response.iter_bytes():
                size += len(part)
                if time.monotonic() > self._end:
                    raise TooSlowError(begun=True)
                if size > LARGEST_REPLY:
                    raise UnreadableReplyError(f"longer than {LARGEST_REPLY // 2**20} MiB")
                parts.append(part)
        except (TooSlowError, UnreadableReplyError):
            raise
        except Exception as error:
            if "Timeout" in type(error).__name__:
                raise TooSlowError(begun=True) from error
            raise UnreadableReplyError(f"it broke off or is damaged: {error or type(error).__name__}") from error
        return b"".join(parts)


def request_completion(client: Any, options: dict[str, Any], timeout: float) -> dict[str, Any]:
    """Ask for a chat completion, and give the JSON object that the server replies.

    Args:
        client: an ``openai.OpenAI``.
        options: of the request: messages, model and so on.
        timeout: seconds for everything, from the connection to the last byte.

    Raises:
        TooSlowError: the reply is not complete in time.
        UnreadableReplyError: the reply is not a JSON object, breaks off, or is too long.
        openai.APIError: there is no connection, or the server replies with an error.
    """
    request = _Request(client, options, timeout)
    request.start()
    request.join(timeout)
    if request.is_alive():
        raise TooSlowError(begun=request.begun)
    if request.error is not None:
        raise request.error
    try:
        reply = json.loads(request.content)
    except (ValueError, RecursionError) as error:
        raise UnreadableReplyError(f"it is not JSON: {_beginning(request.content)}") from error
    if not isinstance(reply, dict):
        raise UnreadableReplyError(f"it is not a JSON object: {_beginning(request.content)}")
    return reply


def _beginning(content: bytes) -> str:
    text = " ".join(content[:400].decode("utf-8", "replace").split())
    return repr(text[:100]) if text else "nothing was sent"
