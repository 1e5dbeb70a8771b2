"""A client of the service, for a product's server. It needs nothing outside of Python's library.

client = Client("http://127.0.0.1:8620", key)
made = client.create("chat-17", user="u-3", prompt="2 + 2?", left=("tuned", "4"), right=("base", "Four."))
client.vote(made["id"], "left", ms_visible=5200)
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote

from votewise.errors import BadInputError, EngineFailedError

BATCH = 1000
AGAIN = (429, 500, 502, 503, 504)
"""Answers of the server after which a request is sent again; every request may be, since it then changes nothing."""


class ServiceRefusedError(BadInputError):
    """The service refused a request.

    Attributes:
        status: the HTTP status: 401 for an unknown key, 404, 409 where it contradicts what was said before, 422.
    """

    def __init__(self, status: int, line: str, source: str) -> None:
        self.status = status
        super().__init__(line, source=source)


class Client:
    """Posts comparisons and votes to a service.

    Args:
        url: where the service is, ``https://votes.example``.
        key: the product's key, which ``votewise collect key`` showed.
        timeout: seconds to wait for an answer.
        tries: how often a request is sent, if the server cannot be reached or is busy.
    """

    def __init__(self, url: str, key: str, *, timeout: float = 30.0, tries: int = 4) -> None:
        if not url.startswith(("http://", "https://")):
            raise BadInputError("is no address of a service", parameter="url", value=url, expected="https://...")
        self._base, self._timeout, self._tries = url.rstrip("/") + "/api/v1", timeout, max(1, tries)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def settings(self) -> dict[str, Any]:
        """What people agree to (``consent``), the models with their roles, and the limits."""
        return self._send("GET", "/settings")

    def create(
        self,
        client_key: str,
        *,
        user: str,
        prompt: str,
        left: tuple[str, str] | None = None,
        right: tuple[str, str] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Make a comparison, or find the one that was made for this client key.

        Args:
            client_key: your name for it.
            user: who votes, as you call the person.
            prompt: what was asked.
            left: the model's name and the answer on the left; with neither, the service draws models and sides.
            right: the same on the right.
            more: ``system``, ``history``, ``draw_sides``, ``vote``, as in the OpenAPI document.

        Returns:
            ``id``, ``state``, ``left_model``, ``right_model``, ``choice``, ``purpose``, ``client_key``.

        Raises:
            ServiceRefusedError: the service refused it.
            EngineFailedError: the service cannot be reached.
        """
        sides = {
            side: {"model": given[0], "content": given[1]}
            for side, given in (("left", left), ("right", right))
            if given is not None
        }
        body = {"client_key": client_key, "user": user, "prompt": prompt, **sides, **more}
        return self._send("POST", "/comparisons", body)

    def answer(self, comparison: str, side: str, model: str, content: str, **tokens: int) -> dict[str, Any]:
        """Put in what a drawn model answered; ``tokens_in`` and ``tokens_out`` where known. Raises as ``create``."""
        body = {"model": model, "content": content, **tokens}
        return self._send("PUT", f"/comparisons/{quote(comparison, '')}/answers/{quote(side, '')}", body)

    def fail(self, comparison: str, side: str) -> dict[str, Any]:
        """Say that a drawn model failed for good. Raises as ``create``."""
        path = f"/comparisons/{quote(comparison, '')}/answers/{quote(side, '')}"
        return self._send("PUT", path, {"failed": True})

    def shown(self, comparison: str) -> dict[str, Any]:
        """Say that the person sees both answers. Raises as ``create``."""
        return self._send("PUT", f"/comparisons/{quote(comparison, '')}/shown")

    def vote(self, comparison: str, choice: str, **more: Any) -> dict[str, Any]:
        """Put a vote: ``left``, ``right``, ``tie``, ``both_bad`` or ``skip``; within ten seconds it may be revised.

        Args:
            comparison: the comparison's id.
            choice: what the person chose.
            more: ``strength``, ``reasons``, ``ms_visible``, ``at``, as in the OpenAPI document.

        Returns:
            As ``create``.

        Raises:
            ServiceRefusedError: the comparison cannot be voted on, or another vote on it is final.
            EngineFailedError: the service cannot be reached.
        """
        return self._send("PUT", f"/comparisons/{quote(comparison, '')}/vote", {"choice": choice, **more})

    def undo(self, comparison: str) -> dict[str, Any]:
        """Undo a vote within ten seconds. Raises as ``vote``."""
        return self._send("DELETE", f"/comparisons/{quote(comparison, '')}/vote")

    def void(self, comparison: str) -> dict[str, Any]:
        """Take a comparison back for good, with its vote. Raises as ``create``."""
        return self._send("POST", f"/comparisons/{quote(comparison, '')}/void")

    def state(self, comparison: str) -> dict[str, Any]:
        """The state of a comparison, and the vote on it. Raises as ``create``."""
        return self._send("GET", f"/comparisons/{quote(comparison, '')}")

    def create_many(self, comparisons: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Make many comparisons, 1,000 in a request; bodies as in the OpenAPI document, each perhaps with its ``vote``.

        Yields:
            For each one, in order: ``index`` (in its request), ``id`` and ``state``, or ``error`` where it was refused.
        """
        for part in _parts(comparisons):
            yield from self._send("POST", "/comparisons/batch", {"comparisons": part})["outcomes"]

    def vote_many(self, votes: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Put many votes, 1,000 in a request: ``comparison``, ``choice`` and what else a vote has.

        Yields:
            As ``create_many``.
        """
        for part in _parts(votes):
            yield from self._send("POST", "/votes/batch", {"votes": part})["outcomes"]

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        problem = ""
        for number in range(self._tries):
            if number:
                time.sleep(0.2 * 2**number)
            request = urllib.request.Request(self._base + path, data, self._headers, method=method)  # noqa: S310 - http(s)
            try:
                with urllib.request.urlopen(request, timeout=self._timeout) as response:  # noqa: S310
                    found: dict[str, Any] = json.load(response)
                    return found
            except urllib.error.HTTPError as error:
                with error:
                    line = _line(error)
                if error.code not in AGAIN:
                    raise ServiceRefusedError(error.code, line, f"{method} {self._base}{path}") from None
                problem = f"{error.code} {line}"
            except (OSError, ValueError) as error:  # no connection, a timeout, a body that is no JSON
                problem = str(getattr(error, "reason", error))
        raise EngineFailedError(f"{method} {self._base}{path}: no answer after {self._tries} tries: {problem}")


def _line(error: urllib.error.HTTPError) -> str:
    """What the service said, in one line."""
    try:
        return str(json.load(error)["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return str(error.reason)


def _parts(entries: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    rest = iter(entries)
    while part := list(islice(rest, BATCH)):
        yield part
