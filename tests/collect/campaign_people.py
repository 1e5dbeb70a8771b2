"""A campaign with pairs, and annotators who use its pages over HTTP."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fastapi import FastAPI
from fastapi.testclient import TestClient

from votewise.collect.database import retried
from votewise.collect.folder import Collection
from votewise.collect.importing import import_pairs
from votewise.collect.invitations import make_invite
from votewise.judge.asked_pairs import AskedPairs

PLAIN = "http://127.0.0.1:8620"
SAFE = "https://compare.example.org"
OURS = {"Sec-Fetch-Site": "same-origin"}


def put_pairs(collection: Collection, number: int, *, want: int = 3, **texts: str) -> None:
    """Put pairs in: ``ask n``, with the answers ``good n`` of one model and ``poor n`` of another."""
    given = {"prompt": "ask", "good": "good", "poor": "poor", "name": "p"} | texts
    pairs = AskedPairs(
        names=[f"{given['name']}{n}" for n in range(number)],
        prompt=[f"{given['prompt']} {n}" for n in range(number)],
        response_a=[f"{given['good']} {n}" for n in range(number)],
        response_b=[f"{given['poor']} {n}" for n in range(number)],
        models=[("strong-model", "weak-model")] * number,
        gold=np.zeros(number, np.int8),
        vote_pair=np.zeros(0, np.int32),
        vote_sign=np.zeros(0, np.int8),
        vote_by=[],
        source="pairs",
    )
    import_pairs(collection, pairs, want=want)


def link_of(collection: Collection, name: str, *, group: str | None = None, days: int = 14) -> str:
    """The token of a new link."""
    return retried(collection.engine, lambda connection: make_invite(connection, collection, name, group, days))


@dataclass
class Person:
    """Somebody with a browser."""

    app: FastAPI
    url: str = PLAIN
    client: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = TestClient(self.app, base_url=self.url, raise_server_exceptions=False)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send what a page of ours would send."""
        return self.client.request(method, path, json=body, headers={**OURS, **headers})

    def sign_in(self, token: str) -> Any:
        return self.send("POST", "/annotate/sign-in", {"token": token})

    def look(self) -> str:
        """The page, which must be there."""
        found = self.client.get("/annotate")
        assert found.status_code == 200, found.text
        return str(found.text)

    def shown(self) -> str | None:
        """The comparison on the page, None where there is no pair."""
        found = re.search(r'id="pair" data-comparison="([0-9a-f-]{36})"', self.look())
        return found[1] if found else None

    def about(self) -> str:
        """What a page without a pair is about."""
        found = re.search(r'data-about="([a-z-]+)"', self.look())
        assert found is not None
        return found[1]

    def vote(self, name: str | None, choice: str = "left", **more: Any) -> tuple[int, Any]:
        answer = self.send("PUT", f"/annotate/comparisons/{name}/vote", {"choice": choice, **more})
        return answer.status_code, answer.json()

    def undo(self, name: str | None) -> tuple[int, Any]:
        answer = self.send("DELETE", f"/annotate/comparisons/{name}/vote")
        return answer.status_code, answer.json()

    def choose(self, word: str) -> tuple[int, Any]:
        """Vote for the answer that has a word in it; a tie where both have."""
        page = self.look()
        name = re.search(r'id="pair" data-comparison="([0-9a-f-]{36})"', page)
        answers = re.findall(r'id="(?:left|right)-head">[^<]*</h2><div class="text" dir="auto">([^<]*)<', page)
        assert name is not None
        sides = [word in text for text in answers]
        return self.vote(name[1], "tie" if sides[0] == sides[1] else "left" if sides[0] else "right")


def invited(collection: Collection, app: FastAPI, name: str, url: str = PLAIN) -> Person:
    """Somebody who is invited and signed in."""
    person = Person(app, url)
    answer = person.sign_in(link_of(collection, name))
    assert answer.status_code == 204, answer.text
    return person
