"""Who gets in: links work once, cookies are kept from scripts and other sites, and nobody acts in another's name."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from campaign_people import OURS, PLAIN, SAFE, Person, invited, link_of, put_pairs
from fastapi import FastAPI
from sqlalchemy import delete, select

from shell import shell
from votewise.collect.database import reading, writing
from votewise.collect.erasing import erase_person
from votewise.collect.folder import Collection
from votewise.collect.schema import annotator, identity, invite, session, vote
from votewise.collect.service import make_service

Later = Callable[[float], None]
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "</div></section></main><iframe src=//evil.example>",
    "{{ 7 * 7 }}{% raw %}",
    "<style>@import url(//evil.example)</style>",
    "![x](http://evil.example/pixel.png)",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<!-- --><base href=//evil.example>",
]


@pytest.fixture
def app(collection: Collection) -> FastAPI:
    put_pairs(collection, 3)
    return make_service(collection)


def all_of(collection: Collection, table: Any) -> list[Any]:
    with reading(collection.engine) as connection:
        return list(connection.execute(select(table)))


def test_a_link_works_once(collection: Collection, app: FastAPI) -> None:
    token = link_of(collection, "ann")
    ann, thief = Person(app), Person(app)
    assert ann.client.get("/join").status_code == 200, "looking at the link uses nothing up"
    assert ann.sign_in(token).status_code == 204
    refused = thief.sign_in(token)
    assert (refused.status_code, "used before" in refused.json()["error"]) == (403, True)
    assert "set-cookie" not in refused.headers
    assert thief.client.get("/annotate").status_code == 401
    assert ann.shown() is not None


def test_a_link_expires_and_a_new_one_takes_its_place(collection: Collection, app: FastAPI, later: Later) -> None:
    old, late = link_of(collection, "ann"), link_of(collection, "bob", days=2)
    new = link_of(collection, "ann")
    assert Person(app).sign_in(old).status_code == 403
    later(2 * 86_400)
    assert Person(app).sign_in(late).status_code == 403
    assert Person(app).sign_in(new).status_code == 204
    assert len(all_of(collection, annotator)) == 2, "ann is one person"
    assert Person(app).sign_in("nonsense").status_code == 403


def test_no_token_and_no_cookie_is_stored(collection: Collection, app: FastAPI) -> None:
    token = link_of(collection, "ann")
    ann = Person(app)
    cookie = ann.sign_in(token).cookies["votewise"]
    stored = repr([all_of(collection, table) for table in (invite, session, annotator, identity)])
    assert token not in stored
    assert cookie not in stored


@pytest.mark.parametrize("url", [PLAIN, SAFE])
def test_the_cookie_is_kept_from_scripts_and_other_sites(collection: Collection, app: FastAPI, url: str) -> None:
    answer = Person(app, url).sign_in(link_of(collection, "ann"))
    sent = answer.headers["set-cookie"]
    assert "HttpOnly" in sent
    assert "SameSite=lax" in sent
    assert "Path=/" in sent
    assert "Domain" not in sent
    assert sent.startswith("__Host-votewise=" if url == SAFE else "votewise=")
    assert ("Secure" in sent) == (url == SAFE)


def test_behind_a_server_that_speaks_https_the_cookie_is_secure(collection: Collection, app: FastAPI) -> None:
    """The service believes the server on this machine that the browser used HTTPS."""
    config = uvicorn.Config(app, port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        body = json.dumps({"token": link_of(collection, "ann")})
        kind = {"Content-Type": "application/json", "X-Forwarded-Proto": "https"}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/annotate/sign-in", body, {**OURS, **kind})
        answer = connection.getresponse()
        sent = answer.getheader("set-cookie") or ""
        answer.read()
        connection.close()
    finally:
        server.should_exit = True
        thread.join()
    assert sent.startswith("__Host-votewise=")
    assert "Secure" in sent


def test_a_cookie_that_somebody_prepared_is_worth_nothing(collection: Collection, app: FastAPI) -> None:
    attacker = invited(collection, app, "mallory")
    known = attacker.client.cookies["votewise"]
    victim = Person(app)
    victim.client.cookies.set("votewise", known)
    made = victim.sign_in(link_of(collection, "ann")).cookies["votewise"]
    assert made != known
    assert attacker.client.get("/annotate").status_code == 401, "the session that was planted has ended"
    planted = Person(app)
    planted.client.cookies.set("votewise", "planted")
    assert planted.client.get("/annotate").status_code == 401
    assert planted.sign_in(link_of(collection, "bob")).cookies["votewise"] != "planted"


def test_a_session_ends(collection: Collection, app: FastAPI, later: Later) -> None:
    ann, bob = invited(collection, app, "ann"), invited(collection, app, "bob")
    name = ann.shown()
    assert ann.send("POST", "/annotate/sign-out").status_code == 204
    ann.client.cookies.clear()
    assert ann.vote(name)[0] == 401
    again = invited(collection, app, "ann")
    assert again.shown() == name, "the pair is still hers"
    later(30 * 86_400)
    assert bob.client.get("/annotate").status_code == 401


def test_whose_name_is_erased_is_signed_out(collection: Collection, app: FastAPI) -> None:
    ann = invited(collection, app, "ann")
    name = ann.shown()
    with writing(collection.engine) as connection:
        erase_person(connection, "ann", collection.clock())
    assert ann.client.get("/annotate").status_code == 401
    assert ann.vote(name)[0] == 401


def test_somebody_elses_comparison_is_none(collection: Collection, app: FastAPI) -> None:
    ann, bob = invited(collection, app, "ann"), invited(collection, app, "bob")
    name = ann.shown()
    nobody = Person(app)
    assert bob.vote(name)[0] == 404
    assert bob.undo(name)[0] == 404
    assert bob.vote("0" * 36)[1] == bob.vote("0" * 36)[1]
    assert bob.vote(name)[1]["error"].replace(str(name), "X") == bob.vote("0" * 36)[1]["error"].replace("0" * 36, "X")
    assert nobody.vote(name)[0] == 401
    assert all_of(collection, vote) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://evil.example", "Host": "127.0.0.1:8620"},
        {},
    ],
    ids=str,
)
def test_another_site_cannot_act(collection: Collection, app: FastAPI, headers: dict[str, str]) -> None:
    ann = invited(collection, app, "ann")
    name = ann.shown()
    for method, path, body in (
        ("PUT", f"/annotate/comparisons/{name}/vote", {"choice": "left"}),
        ("DELETE", f"/annotate/comparisons/{name}/vote", None),
        ("POST", "/annotate/sign-out", None),
        ("POST", "/annotate/sign-in", {"token": link_of(collection, "mallory")}),
    ):
        assert ann.client.request(method, path, json=body, headers=headers).status_code == 403, path
    assert ann.shown() == name
    assert all_of(collection, vote) == []


def test_our_own_pages_can_also_without_the_newer_header(collection: Collection, app: FastAPI) -> None:
    ann = invited(collection, app, "ann")
    path = f"/annotate/comparisons/{ann.shown()}/vote"
    origin = {"Origin": "http://127.0.0.1:8620"}
    assert ann.client.put(path, json={"choice": "left"}, headers=origin).status_code == 200


def test_a_form_is_no_vote(collection: Collection, app: FastAPI) -> None:
    ann = invited(collection, app, "ann")
    path = f"/annotate/comparisons/{ann.shown()}/vote"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = ann.client.put(path, content=b'{"choice": "left"}', headers={**OURS, "Content-Type": kind})
        assert answer.status_code == 415, kind
    assert ann.client.get(path).status_code == 405, "and no vote is a GET"
    assert all_of(collection, vote) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_are_shown_and_never_run(collection: Collection, text: str) -> None:
    put_pairs(collection, 1, prompt=text, good=text, poor=f"other {text}")
    ann = invited(collection, make_service(collection), text)
    page = ann.client.get("/annotate")
    inner = page.text.split('<main id="pair"')[1].split("</main>")[0]
    assert inner.count("&lt;") >= 3 or not re.search("<", text)
    assert text not in page.text or not re.search("[<\"']", text)
    assert set(re.findall(r"<([a-z0-9]+)", inner)) <= {"h1", "h2", "section", "div"}
    assert len(re.findall("<script", page.text)) == 1
    policy = page.headers.get_list("content-security-policy")
    assert len(policy) == 1
    assert "default-src 'self'" in policy[0]
    assert "unsafe" not in policy[0]
    for header in ("x-content-type-options", "referrer-policy"):
        assert header in page.headers


def test_pages_load_only_what_this_service_has(app: FastAPI) -> None:
    person = Person(app)
    found = re.findall(r'(?:src|href)="([^"]+)"', person.client.get("/join").text)
    assert found
    for path in found:
        assert path.startswith("/annotate/static/")
        assert person.client.get(path).status_code == 200
    assert person.client.get("/annotate/static/../annotator_page.py").status_code == 404


def test_trying_links_is_slowed_down(app: FastAPI) -> None:
    person = Person(app)
    answers = [person.sign_in(f"guess{n}").status_code for n in range(70)]
    assert answers[:60] == [403] * 60
    assert 429 in answers[60:]


def test_the_shell_shows_links_once(collection: Collection, later: Later) -> None:
    later(time.time() - collection.clock())  # what the shell goes by
    folder = str(collection.folder)
    ended = shell("collect", "invite", folder, "ann", "bob", "--group", "students", "--url", "https://c.example.org/")
    assert ended.code == 0
    links = dict(line.split(": ", 1) for line in ended.out.splitlines())
    assert links.keys() == {"ann", "bob"}
    assert all(re.fullmatch(r"https://c\.example\.org/join#[\w-]{43}", link) for link in links.values())
    app = make_service(collection)
    assert Person(app).sign_in(links["ann"].partition("#")[2]).status_code == 204
    assert [row.group_name for row in all_of(collection, annotator)] == ["students"] * 2
    for words, said in (
        (("invite", folder, "ann", "ann"), "names: a name occurs twice"),
        (("invite", folder, " "), "names: is no name"),
        (("invite", folder, "ann", "--days", "0"), "--days: out of range, got 0"),
        (("invite", folder, "ann", "--url", "example.org"), "--url: is no address"),
    ):
        ended = shell("collect", *words)
        assert (ended.code, said in ended.err) == (2, True), ended


def test_the_shell_pauses_a_campaign(collection: Collection) -> None:
    folder = str(collection.folder)
    ended = shell("collect", "campaign", folder, "pause")
    assert (ended.code, "there is no campaign" in ended.err) == (2, True)
    put_pairs(collection, 1)
    assert shell("collect", "campaign", folder, "pause").out == "The campaign is paused.\n"
    assert shell("collect", "campaign", folder, "close").out == "The campaign is closed.\n"
    assert shell("collect", "campaign", folder, "resume").out == "The campaign is open.\n"
    with writing(collection.engine) as connection:
        connection.execute(delete(invite))
