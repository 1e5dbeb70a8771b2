"""One conversation -> one completion, with retries.

An error that may be temporary (408, 409, 425, 429, 5xx, a timeout, a broken connection) is tried again. Each wait is twice
as long as the last one, shortened by a random share, or as long as the server asks for. A reply that cannot be read is
tried again, too, and belongs to the prompt in the end. So does any other error, except those that every prompt would get
(a wrong key, an unknown model, a server that cannot be reached or no longer answers): they end the run.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import Any

from votewise.errors import BadInputError
from votewise.language_models.bounded_request import TooSlowError, request_completion
from votewise.language_models.completions import (
    Completion,
    read_completion,
    requested_wait,
    status_problem,
    valid_text,
)
from votewise.sources.databases.urls import shown_url, without_secrets

TEMPORARY = (408, 409, 425, 429)
"""Statuses below 500 that may be temporary."""

FATAL = (401, 404)
"""Statuses that every further prompt would get as well."""

LONGEST_WAIT = 60.0
"""The longest wait that we choose, in seconds. A server can ask for up to ten times as much."""


class TemporaryError(Exception):
    """A request that failed, and may succeed when it is tried again.

    Attributes:
        problem: why it failed.
        wait: seconds that the server asks us to wait.
        replied: whether the server had begun to reply, which says that it still works.
        reached: whether there was a server at all.
    """

    def __init__(self, problem: str, wait: float | None = None, *, replied: bool = False, reached: bool = True) -> None:
        super().__init__(problem)
        self.problem, self.wait, self.replied, self.reached = str(valid_text(problem)), wait, replied, reached


@dataclass(frozen=True)
class RetryPolicy:
    """When and how often a failed request is tried again.

    Attributes:
        timeout: seconds until a request counts as failed, from the connection to the last byte.
        retries: how often it is tried again.
        patience: after so many failed prompts in a row a server is given up; one that has never answered and cannot be
            reached is given up after the first.
        backoff: seconds of the first wait; each further wait is twice as long.
    """

    timeout: float
    retries: int
    patience: int
    backoff: float

    def pause(self, attempt: int, requested: float | None) -> float:
        """Seconds to wait after a try, counted from 0: as long as the server asks for, or twice as long each time."""
        if requested is not None:
            return min(requested, 10 * LONGEST_WAIT)
        longest = min(self.backoff * 2.0**attempt, LONGEST_WAIT)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311


class RetryingClient:
    """Sends conversations to a model at a server; several threads share it.

    Args:
        client: an ``openai.OpenAI`` that does not retry by itself.
        options: of every request: model, temperature and so on.
        server: its address, for messages, which show it without secrets.
        policy: when and how often to try again.
    """

    def __init__(self, client: Any, options: dict[str, Any], server: str, policy: RetryPolicy) -> None:
        self.stop = threading.Event()
        self._client, self._options, self._server, self._policy = client, options, server, policy
        self._answered, self._failures, self._counting = False, 0, threading.Lock()
        self._readable, self._unreadable = False, False

    def ask(self, messages: list[dict[str, str]]) -> Completion | None:
        """Get the completion of one conversation; None if the run was stopped meanwhile.

        Raises:
            BadInputError: no prompt can be answered.
        """
        # A server that has only ever sent what cannot be read, like a web page, is not asked again for each prompt.
        tries = 1 if self._unreadable and not self._readable else self._policy.retries + 1
        failed = TemporaryError("not sent")
        for attempt in range(tries):
            try:
                completion = self._try(messages)
            except TemporaryError as error:
                failed = error
            else:
                self._readable = True
                self._count(answered=True)
                return completion
            if attempt + 1 < tries and self.stop.wait(self._policy.pause(attempt, failed.wait)):
                return None
        self._unreadable |= failed.replied
        failures = self._count(answered=failed.replied)
        patience = self._policy.patience if self._answered or failed.reached else 1
        if not failed.replied and failures >= patience:
            raise self._fatal(failed.problem) from failed.__cause__
        return Completion(None, f"{failed.problem} (tried {tries} times)" if tries > 1 else failed.problem)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _try(self, messages: list[dict[str, str]]) -> Completion:
        """One request; raises TemporaryError if it is worth trying again."""
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        late = f"no answer within {self._policy.timeout:g} seconds"
        try:
            return read_completion(self._send(messages))
        except APIStatusError as error:
            return self._refused(error)
        except TooSlowError as error:
            raise TemporaryError(late, replied=error.begun) from error
        except APITimeoutError as error:
            raise TemporaryError(late) from error
        except APIConnectionError as error:
            cause = error.__cause__ or error
            replied, reached = self._has_replied(cause), type(cause).__name__ != "ConnectError"
            raise TemporaryError(self._safe(f"no connection: {cause}"), replied=replied, reached=reached) from error
        except Exception as error:  # whatever a server sends, only its prompt fails
            raise TemporaryError(self._safe(f"an answer that cannot be read: {error}"), replied=True) from error

    def _has_replied(self, cause: BaseException) -> bool:
        """Whether the server sent something that is not HTTP, or a redirect that leads nowhere."""
        kind = type(cause).__name__
        if kind == "TooManyRedirects" or (kind == "RemoteProtocolError" and "disconnected" not in str(cause)):
            return True
        try:
            asked, ours = cause.request.url, self._client.base_url  # type: ignore[attr-defined]
            return bool((asked.scheme, asked.host, asked.port) != (ours.scheme, ours.host, ours.port))
        except (AttributeError, RuntimeError):  # an error that does not say what was asked
            return False

    def _refused(self, error: Any) -> Completion:
        """What a reply with a status of an error means."""
        problem = self._safe(status_problem(error))
        if error.status_code in FATAL:
            raise self._fatal(problem) from error
        if error.status_code < 500 and error.status_code not in TEMPORARY:
            return Completion(None, problem)
        raise TemporaryError(problem, requested_wait(error.response.headers)) from error

    def _send(self, messages: list[dict[str, str]]) -> Any:
        """Send a request. OpenAI's newer models accept ``max_tokens`` only under another name, and say so."""
        from openai import BadRequestError

        options = self._options
        try:
            return request_completion(self._client, {"messages": messages, **options}, self._policy.timeout)
        except BadRequestError as error:
            if "max_tokens" not in options or "max_completion_tokens" not in status_problem(error):
                raise
        others = {name: value for name, value in options.items() if name != "max_tokens"}
        self._options = others | {"max_completion_tokens": options["max_tokens"]}
        return request_completion(self._client, {"messages": messages, **self._options}, self._policy.timeout)

    def _count(self, *, answered: bool) -> int:
        """Count the failed prompts since the last one that got any reply."""
        with self._counting:
            self._answered |= answered
            self._failures = 0 if answered else self._failures + 1
            return self._failures

    def _safe(self, text: str) -> str:
        return without_secrets(text, self._server)

    def _fatal(self, problem: str) -> BadInputError:
        return BadInputError(
            f"model '{self._options['model']}': {problem}",
            source=shown_url(self._server),
            expected="a server that answers, a model that it has and a key that it accepts",
        )
