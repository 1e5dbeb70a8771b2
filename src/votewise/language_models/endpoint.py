"""Answers from any server that speaks OpenAI's chat completions: OpenAI itself, vLLM, llama.cpp, ``transformers serve``.

Several requests run at the same time, each with retries (see ``votewise.language_models.retries``). A prompt that failed
has an error and no text, so it is never mistaken for an answer.

Needs the [endpoint] extra.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from votewise.defaults import CONCURRENCY, RETRIES, TIMEOUT
from votewise.errors import BadInputError, needs
from votewise.language_models.completions import Completion, Conversation
from votewise.language_models.retries import RetryingClient, RetryPolicy
from votewise.sources.databases.urls import shown_url


@dataclass(frozen=True)
class Endpoint:
    """A model behind an OpenAI-compatible server.

    Attributes:
        model: its name there.
        base_url: like ``http://localhost:8000/v1``; None for OPENAI_BASE_URL, or OpenAI's own if that is not set.
        api_key: None for OPENAI_API_KEY; a local server may not need one.
        timeout: seconds until a request counts as failed, from the connection to the last byte of the answer.
        retries: how often a failed request is tried again.
        concurrency: how many requests run at the same time.
        backoff: seconds of the first wait before a retry; each further wait is twice as long.
    """

    model: str
    base_url: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    timeout: float = TIMEOUT
    retries: int = RETRIES
    concurrency: int = CONCURRENCY
    backoff: float = 1.0

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.retries < 0 or not self.timeout > 0:
            given = f"concurrency {self.concurrency}, retries {self.retries}, timeout {self.timeout:g}"
            raise BadInputError(
                "an endpoint cannot work like this", value=given, expected="at least 1, at least 0 and above 0"
            )

    @property
    def where(self) -> str:
        """The server's address without secrets, for messages and summaries."""
        return shown_url(self._address)

    @property
    def _address(self) -> str:
        return self.base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"

    def complete(
        self,
        conversations: Iterable[Conversation],
        *,
        temperature: float,
        max_tokens: int,
        seed: int | None = None,
        top_p: float | None = None,
        patience: int | None = None,
    ) -> Generator[tuple[int, Completion], None, None]:
        """Ask for one answer to each conversation, ``concurrency`` at a time, and yield each as soon as it is there.

        Args:
            conversations: what to answer; taken one by one as requests are sent.
            temperature: of the sampling; 0 for the likeliest answer.
            max_tokens: of an answer.
            seed: sent along, for servers that use it.
            top_p: sample from the likeliest tokens that make up this share; None lets the server decide.
            patience: after so many failed prompts in a row the server is given up; None for ``concurrency``, at least 3.

        Yields:
            The number of a conversation, from 0, and its completion, in the order in which they are finished.

        Raises:
            BadInputError: no [endpoint] extra, no key, no such model, no server.
        """
        options: dict[str, Any] = {"model": self.model, "temperature": temperature, "max_tokens": max_tokens}
        options |= {name: v for name, v in (("seed", seed), ("top_p", top_p)) if v is not None}
        patience = max(3, self.concurrency) if patience is None else patience
        policy = RetryPolicy(self.timeout, self.retries, patience, self.backoff)
        client = RetryingClient(self._client(), options, self._address, policy)
        workers = _Workers(client, self.concurrency, enumerate(conversations))
        try:
            yield from workers.results()
        finally:
            client.stop.set()

    def _client(self) -> Any:
        with needs("endpoint", "an endpoint"):
            from openai import OpenAI
        key = self.api_key or os.environ.get("OPENAI_API_KEY")
        if not key and self.base_url is None and "OPENAI_BASE_URL" not in os.environ:
            raise BadInputError("there is no key for OpenAI's endpoint", expected="OPENAI_API_KEY, or a base URL")
        # OpenAI's client can retry too, but it does not tell how long it waits and cannot be stopped meanwhile.
        return OpenAI(api_key=key or "none", base_url=self.base_url, timeout=self.timeout, max_retries=0)


class _Workers:
    """Threads that take conversations and put completions into a queue.

    The threads are daemons: an interrupted program need not wait for answers that nobody will read. The last thread
    closes the client.
    """

    def __init__(self, client: RetryingClient, number: int, tasks: Iterator[tuple[int, Conversation]]) -> None:
        self._client, self._tasks, self._running = client, tasks, number
        self._lock = threading.Lock()
        self._done: queue.Queue[tuple[int, Completion] | BaseException | None] = queue.Queue()

    def results(self) -> Iterator[tuple[int, Completion]]:
        """Start the threads and yield what they finish."""
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
            while not self._client.stop.is_set():
                with self._lock:
                    task = next(self._tasks, None)
                if task is None:
                    break
                number, conversation = task
                completion = self._client.ask(list(conversation))
                if completion is None:
                    break
                self._done.put((number, completion))
        except BaseException as error:  # raised again where the results are read
            self._done.put(error)
        with self._lock:
            self._running -= 1
            last = self._running == 0
        if last:
            self._client.close()
        self._done.put(None)
