"""Whatever a server sends, only the prompt that got it fails, with a reason, and in time."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from scripted import Reply, said, scripted_server

from votewise.language_models.completions import Completion
from votewise.language_models.endpoint import Endpoint

pytestmark = pytest.mark.slow


def complete(url: str, *prompts: str, **settings: Any) -> list[Completion]:
    where = Endpoint("m", url, **{"timeout": 5.0, "retries": 1, "concurrency": 1, "backoff": 0.001} | settings)
    asked = [[{"role": "user", "content": prompt}] for prompt in prompts]
    found = dict(where.complete(asked, temperature=0.0, max_tokens=5))
    return [found[i] for i in range(len(prompts))]


def body(**changes: Any) -> Reply:
    return Reply(body={**said("yes").body, **changes})


def raw(head: bytes, content: bytes = b"") -> Reply:
    head = b"HTTP/1.1 " + head.replace(b"\n", b"\r\n") + b"\r\nConnection: close\r\n\r\n"
    return Reply(send=lambda file: file.write(head + content))


DEEP = "[" * 200_000
ODD: dict[str, tuple[Reply, str]] = {
    "missing": (Reply(body={"object": "chat.completion"}), "no choices"),
    "empty": (body(choices=[]), "no choices"),
    "null": (body(choices=None), "no choices"),
    "text": (body(choices="yes"), "odd choices: 'yes'"),
    "object": (body(choices={"0": {}}), "odd choices"),
    "null choice": (body(choices=[None]), "odd choices"),
    "no message": (body(choices=[{"index": 0}]), "no message"),
    "message is text": (body(choices=[{"message": "yes"}]), "no message"),
    "content is a list": (body(choices=[{"message": {"content": [1]}}]), "not a text"),
    "deep": (Reply(body='{"choices": ' + DEEP), "not JSON"),
    "long number": (Reply(body='{"choices": ' + "9" * 10_000 + "}"), "not JSON"),
    "html": (Reply(body="<html>busy</html>", headers={"Content-Type": "text/html"}), "not JSON: '<html>busy</html>'"),
    "nothing": (Reply(body=""), "nothing was sent"),
    "a list": (Reply(body=[1]), "not a JSON object"),
    "binary": (raw(b"200 OK\nContent-Length: 4", b"\xff\x00\xfe\x80"), "not JSON"),
    "error inside": (Reply(body={"error": {"message": "overloaded"}}), "reports an error in it: 'overloaded'"),
    "error as text": (Reply(body={"error": "overloaded"}), "reports an error in it: 'overloaded'"),
    "a stream": (Reply(body='data: {"choices": [{"delta": {"content": "h'), "not JSON"),
    "half of it": (raw(b"200 OK\nContent-Length: 500", b'{"choices": ['), "broke off"),
    "not gzip": (raw(b"200 OK\nContent-Encoding: gzip\nContent-Length: 3", b"abc"), "damaged"),
    "half gzip": (
        raw(b"200 OK\nContent-Encoding: gzip\nConnection: close", gzip.compress(b"{}" * 99)[:20]),
        "cannot be",
    ),
    "not a chunk": (raw(b"200 OK\nTransfer-Encoding: chunked", b"zz\r\n"), "broke off"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_reply_fails_its_prompt_only(name: str) -> None:
    reply, reason = ODD[name]
    with scripted_server(lambda request, before: reply if asks_bad(request) else said("yes")) as server:
        first, *found = complete(server.url, "bad", "good", *(["bad"] * 5), "good")
        assert [c.text for c in found] == ["yes", *([None] * 5), "yes"]
        for completion in (first, *found[1:6]):
            assert completion.text is None
            assert reason in str(completion.error)
            assert str(completion.error).endswith("(tried 2 times)")


def asks_bad(request: dict[str, Any]) -> bool:
    return bool(request["messages"][-1]["content"] == "bad")


@pytest.mark.parametrize("name", ODD)
def test_an_odd_reply_is_tried_again(name: str) -> None:
    with scripted_server(lambda request, before: said("yes") if before else ODD[name][0]) as server:
        assert complete(server.url, "a") == [Completion("yes", None, 3, 1)]


def test_a_server_that_only_sends_web_pages_is_not_tried_again_for_every_prompt() -> None:
    with scripted_server(lambda request, before: ODD["html"][0]) as server:
        found = complete(server.url, *"abcdef", retries=3)
        assert all("<html>busy</html>" in str(completion.error) for completion in found)
        assert len(server.requests) == 4 + 5


@pytest.mark.parametrize(
    "usage",
    ["3 tokens", None, [], {}, {"completion_tokens": "3"}, {"completion_tokens": -1}, {"completion_tokens": 1e99}],
)
def test_odd_usage_is_no_reason_to_lose_an_answer(usage: Any) -> None:
    with scripted_server(lambda request, before: body(usage=usage)) as server:
        assert complete(server.url, "a") == [Completion("yes", None, None)]


@pytest.mark.parametrize(
    "reply",
    [
        raw(b"307 Temporary Redirect\nLocation: /v1/chat/completions\nContent-Length: 0"),
        raw(b"307 Temporary Redirect\nLocation: ftp://127.0.0.1/\nContent-Length: 0"),
        raw(b"308 Permanent Redirect\nLocation: http://[\nContent-Length: 0"),
        raw(b"304 Not Modified"),
        raw(b"nonsense"),
        Reply(status=400, body={"message": {"error": "\ud800"}}),
    ],
)
def test_redirects_and_nonsense_fail_their_prompt_only(reply: Reply) -> None:
    with scripted_server(lambda request, before: reply if asks_bad(request) else said("yes")) as server:
        good, *bad, last = complete(server.url, "good", *(["bad"] * 5), "good")
        assert (good.text, last.text) == ("yes", "yes")
        for completion in bad:
            assert completion.text is None
            assert str(completion.error).encode()


@pytest.mark.parametrize(
    "reply",
    [
        raw(b"302 Found\nLocation: /elsewhere\nContent-Length: 0"),  # asked with GET, which this server does not know
        raw(b"999 What\nContent-Length: 0"),
        Reply(status=500, body="[" * 100_000),
        Reply(status=503, body={"error": [["busy"]]}, headers={"Retry-After": "Fri, 99 Nov 9999"}),
    ],
)
def test_odd_errors_fail_their_prompt_only(reply: Reply) -> None:
    with scripted_server(lambda request, before: reply if asks_bad(request) else said("yes")) as server:
        good, bad, last = complete(server.url, "good", "bad", "good")
        assert (good.text, bad.text, last.text) == ("yes", None, "yes")
        assert str(bad.error).startswith("status ")


def dripping(head: bytes, piece: bytes, over: threading.Event) -> Callable[[Any], None]:
    """Sends ``piece`` again and again, with pauses much shorter than any timeout."""

    def send(file: Any) -> None:
        file.write(head)
        while not over.wait(0.02):
            file.write(piece)
            file.flush()

    return send


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 500 No\r\n\r\n"],
)
def test_the_timeout_bounds_the_whole_request_however_slowly_bytes_come(head: bytes) -> None:
    over = threading.Event()
    slow = Reply(send=dripping(head, b" ", over))
    with scripted_server(lambda request, before: slow if asks_bad(request) else said("yes")) as server:
        start = time.monotonic()
        good, bad, last = complete(server.url, "good", "bad", "good", timeout=0.5)
        assert time.monotonic() - start < 5
        assert (good.text, last.text) == ("yes", "yes")
        assert bad.error == "no answer within 0.5 seconds (tried 2 times)"
        over.set()


def test_an_endless_reply_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("votewise.language_models.bounded_request.LARGEST_REPLY", 2**20)
    over = threading.Event()

    def send(file: Any) -> None:
        file.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.is_set():
            file.write(b" " * 2**16)

    with scripted_server(lambda request, before: Reply(send=send)) as server:
        (found,) = complete(server.url, "a")
        over.set()
    assert "longer than 1 MiB" in str(found.error)
