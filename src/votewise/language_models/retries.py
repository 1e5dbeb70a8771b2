"""One conversation -> one completion, with retries.

An error that may be temporary (408, 409, 425, 429, 5xx, a timeout, a broken connection) is tried again. Each wait is twice
as long as the last one, shortened by a random share, or as long as the server asks for. Any other error belongs to the
prompt. An error that every prompt would get (a wrong key, an unknown model, a server that no longer answers) ends the run.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import Any

from votewise.errors import BadInputError
from votewise.language_models.completions import Completion, read_completion, requested_wait, status_problem

TEMPORARY = (408, 409, 425, 429)
"""Statuses below 500 that may be temporary."""

FATAL = (401, 404)
"""Statuses that every further prompt would get as well."""

LONGEST_WAIT = 60.0
"""The longest wait that we choose, in seconds. A server can ask for up to ten times as much."""


class TemporaryError(Exception):
    """A request that failed, and may succeed when it is tried again."""

    def __init__(self, problem: str, wait: float | None = None) -> None:
        super().__init__(problem)
        self.problem, self.wait = problem, wait


@dataclass(frozen=True)
class RetryPolicy:
    """When and how often a failed request is tried again.

    Attributes:
        timeout: seconds until a request counts as failed, for messages.
        retries: how often it is tried again.
        patience: after so many failed prompts in a row, a server that has answered before is given up; one that has never
            answered is given up after the first.
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
        server: its address, for messages.
        policy: when and how often to try again.
    """

    def __init__(self, client: Any, options: dict[str, Any], server: str, policy: RetryPolicy) -> None:
        self.stop = threading.Event()
        self._client, self._options, self._server, self._policy = client, options, server, policy
        self._answered, self._failures, self._counting = False, 0, threading.Lock()

    def ask(self, messages: list[dict[str, str]]) -> Completion | None:
        """Get the completion of one conversation; None if the run was stopped meanwhile.

        Raises:
            BadInputError: no prompt can be answered.
        """
        tries = self._policy.retries + 1
        failed = TemporaryError("not sent")
        for attempt in range(tries):
            try:
                completion = self._try(messages)
            except TemporaryError as error:
                failed = error
            else:
                self._count(answered=True)
                return completion
            if attempt + 1 < tries and self.stop.wait(self._policy.pause(attempt, failed.wait)):
                return None
        if self._count(answered=False) >= (self._policy.patience if self._answered else 1):
            raise self._fatal(failed.problem) from failed.__cause__
        return Completion(None, f"{failed.problem} (tried {tries} times)")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _try(self, messages: list[dict[str, str]]) -> Completion:
        """One request; raises TemporaryError if it is worth trying again."""
        from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

        try:
            return read_completion(self._send(messages))
        except APIStatusError as error:
            problem = status_problem(error)
            if error.status_code in FATAL:
                raise self._fatal(problem) from error
            if error.status_code < 500 and error.status_code not in TEMPORARY:
                return Completion(None, problem)
            raise TemporaryError(problem, requested_wait(error.response.headers)) from error
        except APITimeoutError as error:
            raise TemporaryError(f"no answer within {self._policy.timeout:g} seconds") from error
        except APIConnectionError as error:
            raise TemporaryError(f"no connection: {error.__cause__ or error}") from error
        except (APIError, ValueError) as error:  # the answer is not a chat completion
            raise TemporaryError(f"an answer that cannot be read: {error}") from error

    def _send(self, messages: list[dict[str, str]]) -> Any:
        """Send a request. OpenAI's newer models accept ``max_tokens`` only under another name, and say so."""
        from openai import BadRequestError

        options = self._options
        try:
            return self._client.chat.completions.create(messages=messages, **options)
        except BadRequestError as error:
            if "max_tokens" not in options or "max_completion_tokens" not in status_problem(error):
                raise
        others = {name: value for name, value in options.items() if name != "max_tokens"}
        self._options = others | {"max_completion_tokens": options["max_tokens"]}
        return self._client.chat.completions.create(messages=messages, **self._options)

    def _count(self, *, answered: bool) -> int:
        """Count the failed prompts since the last one that got any reply."""
        with self._counting:
            self._answered |= answered
            self._failures = 0 if answered else self._failures + 1
            return self._failures

    def _fatal(self, problem: str) -> BadInputError:
        return BadInputError(
            f"model '{self._options['model']}': {problem}",
            source=self._server,
            expected="a server that answers, a model that it has and a key that it accepts",
        )
