"""Answers from any server that speaks OpenAI's chat completions: OpenAI itself, vLLM, llama.cpp, ``transformers serve``.

Several requests are under way at once. What may pass (429, 5xx, a timeout, a broken connection) is tried again, each wait
twice as long as the last and shortened by a random share, or as long as the server asks for; what will not pass is the
prompt's error. A prompt that failed has an error and no text: it is never mistaken for an answer. What no prompt can
mend (a wrong key, an unknown model, a server that does not answer any more) ends the run with one line.

Needs the [endpoint] extra.
"""

from __future__ import annotations

import os
import queue
import random
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from votewise.errors import BadInputError, VotewiseError, shorten

PASSING = (408, 409, 425, 429)
"""Statuses below 500 that may pass."""

FATAL = (401, 404)
"""Statuses that every further prompt would get as well."""

LONGEST_WAIT = 60.0
"""Seconds; a server that asks for a longer one is given it, up to ten times as long."""

Conversation = Sequence[dict[str, str]]
"""Messages with ``role`` and ``content``."""


@dataclass(frozen=True)
class Completion:
    """What came of one prompt: a text, or an error and no text.

    Attributes:
        text: the answer, not empty; None where there is none.
        error: why there is none.
        tokens: tokens of the answer, where the server counts them.
    """

    text: str | None
    error: str | None = None
    tokens: int | None = None


@dataclass(frozen=True)
class Endpoint:
    """A model behind an OpenAI-compatible server.

    Attributes:
        model: its name there.
        base_url: like ``http://localhost:8000/v1``; None for OPENAI_BASE_URL, or OpenAI's own where that is not set.
        api_key: None for OPENAI_API_KEY, which a server of one's own may not need.
        timeout: seconds until a request counts as failed.
        retries: how often a request that failed is tried again.
        concurrency: how many requests are under way at once.
        backoff: seconds of the first wait; the waits double from there.
    """

    model: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 120.0
    retries: int = 6
    concurrency: int = 8
    backoff: float = 1.0

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.retries < 0 or not self.timeout > 0:
            given = f"concurrency {self.concurrency}, retries {self.retries}, timeout {self.timeout:g}"
            raise BadInputError(
                "an endpoint cannot work like this", value=given, expected="at least 1, at least 0 and above 0"
            )

    @property
    def where(self) -> str:
        """The server's address, for messages."""
        return self.base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"

    def complete(
        self,
        conversations: Iterable[Conversation],
        *,
        temperature: float,
        max_tokens: int,
        seed: int | None = None,
        top_p: float | None = None,
    ) -> Generator[tuple[int, Completion], None, None]:
        """Ask for one answer to each conversation, ``concurrency`` at a time, and give each as soon as it is there.

        Args:
            conversations: what to answer; taken one by one as requests are sent.
            temperature: of the sampling; 0 for the likeliest answer.
            max_tokens: of an answer.
            seed: sent along, for servers that heed it.
            top_p: sample from the likeliest tokens that make up this share; None leaves it to the server.

        Yields:
            The number of a conversation, from 0, and what came of it; in the order in which they are done.

        Raises:
            BadInputError: no [endpoint] extra, no key, no such model, no server.
        """
        client = self._client()
        options: dict[str, Any] = {"model": self.model, "temperature": temperature, "max_tokens": max_tokens}
        options |= {name: v for name, v in (("seed", seed), ("top_p", top_p)) if v is not None}
        work = _Work(self, client, options, enumerate(conversations))
        try:
            yield from work.results()
        finally:
            work.stop.set()

    def _client(self) -> Any:
        try:
            from openai import OpenAI
        except ImportError as error:
            raise BadInputError(
                "an endpoint needs the openai client, which is not installed", expected="pip install votewise[endpoint]"
            ) from error
        key = self.api_key or os.environ.get("OPENAI_API_KEY")
        if not key and self.base_url is None and "OPENAI_BASE_URL" not in os.environ:
            raise BadInputError("there is no key for OpenAI's endpoint", expected="OPENAI_API_KEY, or a base URL")
        # The client retries too, but does not tell for how long, and cannot be stopped meanwhile.
        return OpenAI(api_key=key or "none", base_url=self.base_url, timeout=self.timeout, max_retries=0)


class _Work:
    """The requests of one run: threads that take conversations and put completions into a queue.

    The threads are daemons, so that whoever interrupts the run need not wait for answers that nobody reads any more; the
    last one closes the client.
    """

    def __init__(self, endpoint: Endpoint, client: Any, options: dict[str, Any], tasks: Iterator[Any]) -> None:
        self.endpoint, self.client, self.options, self.tasks = endpoint, client, options, tasks
        self.stop = threading.Event()
        self._answered = False
        self._failures = 0
        self._running = endpoint.concurrency
        self._taking = threading.Lock()
        self._done: queue.Queue[tuple[int, Completion] | BaseException | None] = queue.Queue()

    def results(self) -> Iterator[tuple[int, Completion]]:
        n = self._running
        for _ in range(n):
            threading.Thread(target=self._run, daemon=True).start()
        while n:
            found = self._done.get()
            if found is None:
                n -= 1
            elif isinstance(found, BaseException):
                raise found
            else:
                yield found

    def _run(self) -> None:
        try:
            while not self.stop.is_set():
                with self._taking:
                    task = next(self.tasks, None)
                if task is None:
                    break
                number, conversation = task
                completion = self._ask(list(conversation))
                if completion is None:
                    break
                self._done.put((number, completion))
        except BaseException as error:  # it belongs to whoever reads the results
            self._done.put(error)
        with self._taking:
            self._running -= 1
            last = self._running == 0
        if last:
            self.client.close()
        self._done.put(None)

    def _ask(self, messages: list[dict[str, str]]) -> Completion | None:
        """What comes of one conversation; None when the run was stopped meanwhile."""
        cause: Exception | None = None
        from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

        for tried in range(self.endpoint.retries + 1):
            try:
                answer = self._send(messages)
            except APIStatusError as error:
                problem, asked = _status_problem(error), _retry_after(error.response.headers)
                if error.status_code in FATAL:
                    raise self._fatal(problem) from error
                if error.status_code < 500 and error.status_code not in PASSING:
                    self._note(answered=True)
                    return Completion(None, problem)
                cause = error
            except APITimeoutError as error:
                problem, asked, cause = f"no answer within {self.endpoint.timeout:g} seconds", None, error
            except APIConnectionError as error:
                problem, asked, cause = f"no connection: {error.__cause__ or error}", None, error
            except (APIError, ValueError) as error:  # an answer that is no chat completion
                problem, asked, cause = f"an answer that cannot be read: {error}", None, error
            else:
                self._note(answered=True)
                return _completion(answer)
            if tried < self.endpoint.retries and self.stop.wait(self._pause(tried, asked)):
                return None
        if self._note(answered=False) >= self._patience:
            raise self._fatal(problem) from cause
        return Completion(None, f"{problem} (tried {self.endpoint.retries + 1} times)")

    def _note(self, *, answered: bool) -> int:
        """Count the prompts since the last answer, whatever it was, that failed although they were tried again."""
        with self._taking:
            self._answered |= answered
            self._failures = 0 if answered else self._failures + 1
            return self._failures

    @property
    def _patience(self) -> int:
        """How many such failures in a row mean that it is the server: one, where it has not answered anything yet."""
        return max(3, self.endpoint.concurrency) if self._answered else 1

    def _pause(self, tried: int, asked: float | None) -> float:
        """Seconds to wait before the next try: as long as the server asked for, or twice as long each time."""
        if asked is not None:
            return min(asked, 10 * LONGEST_WAIT)
        longest = min(self.endpoint.backoff * 2.0**tried, LONGEST_WAIT)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311

    def _send(self, messages: list[dict[str, str]]) -> Any:
        """One request; OpenAI's newer models know ``max_tokens`` only under another name, and say so."""
        from openai import BadRequestError

        options = self.options
        try:
            return self.client.chat.completions.create(messages=messages, **options)
        except BadRequestError as error:
            if "max_tokens" not in options or "max_completion_tokens" not in _status_problem(error):
                raise
        others = {name: value for name, value in options.items() if name != "max_tokens"}
        self.options = others | {"max_completion_tokens": options["max_tokens"]}
        return self.client.chat.completions.create(messages=messages, **self.options)

    def _fatal(self, problem: str) -> VotewiseError:
        return BadInputError(
            f"model '{self.endpoint.model}': {problem}",
            source=self.endpoint.where,
            expected="a server that answers, a model it knows and a key it takes",
        )


def _completion(answer: Any) -> Completion:
    """A server's reply as a completion: an empty answer, or one that a filter cut, is an error."""
    tokens = getattr(getattr(answer, "usage", None), "completion_tokens", None)
    choices = getattr(answer, "choices", None)
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
    # Half a surrogate pair is no text, and no file would take it.
    return Completion(text.encode("utf-8", "replace").decode("utf-8"), None, tokens)


def _status_problem(error: Any) -> str:
    """Like ``status 400: This model's maximum context length is ...``, on one line."""
    body = error.body if isinstance(error.body, dict) else {}
    inner = body.get("error", body)
    said = inner.get("message") or inner.get("detail") if isinstance(inner, dict) else inner
    text = " ".join(str(said or error.response.text or error).split())
    return f"status {error.status_code}: {text[:300]}"


def _retry_after(headers: Any) -> float | None:
    """Seconds that the server asks to wait, from ``Retry-After`` as a number or a date; None where it does not."""
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
