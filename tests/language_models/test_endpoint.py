"""Answers from a server that fails in every way a server can; the real one is tested in tests/generate."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from email.utils import formatdate
from typing import Any

import pytest
from scripted import Reply, refused, said, scripted_server

from votewise.errors import BadInputError
from votewise.language_models.completions import Completion, requested_wait
from votewise.language_models.endpoint import Endpoint
from votewise.language_models.retries import RetryPolicy


def ask(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def endpoint(url: str, **settings: Any) -> Endpoint:
    return Endpoint("m", url, **{"timeout": 10.0, "retries": 3, "concurrency": 2, "backoff": 0.001} | settings)


def complete(where: Endpoint, *prompts: str, **options: Any) -> list[Completion]:
    options = {"temperature": 0.0, "max_tokens": 5} | options
    found = dict(where.complete([ask(prompt) for prompt in prompts], **options))
    assert sorted(found) == list(range(len(prompts)))
    return [found[i] for i in range(len(prompts))]


def test_answers_and_requests() -> None:
    with scripted_server(lambda request, before: said(request["messages"][-1]["content"].upper())) as server:
        found = complete(endpoint(server.url, api_key="k"), "a", "b", "c", temperature=0.5, seed=7, top_p=0.9)
    assert found == [Completion("A", None, 3, 1), Completion("B", None, 3, 1), Completion("C", None, 3, 1)]
    assert server.keys == ["Bearer k"] * 3
    asked = {name: value for name, value in server.requests[0].items() if name != "messages"}
    assert asked == {"model": "m", "temperature": 0.5, "max_tokens": 5, "seed": 7, "top_p": 0.9}


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with scripted_server(lambda request, before: said("yes")) as server:
        where = endpoint(server.url)
        complete(where, "a")
    assert server.keys == ["Bearer secret"]
    assert "secret" not in repr(endpoint(server.url, api_key="secret"))


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
def test_temporary_errors_are_tried_again(status: int) -> None:
    with scripted_server(lambda request, before: said("yes") if before == 2 else refused(status)) as server:
        assert complete(endpoint(server.url), "a") == [Completion("yes", None, 3, 1)]
        assert server.asked("a") == 3


def only_bad(reply: Reply) -> Any:
    """Answers `bad...` with this reply, others with yes."""
    return lambda request, before: reply if request["messages"][-1]["content"].startswith("bad") else said("yes")


def test_a_lasting_error_is_recorded_after_all_tries() -> None:
    with scripted_server(only_bad(refused(500, "out of order"))) as server:
        found = complete(endpoint(server.url, concurrency=1), "good", "bad", "fine")
        assert found[1] == Completion(None, "status 500: out of order (tried 4 times)")
        assert [c.text for c in found] == ["yes", None, "yes"]
        assert server.asked("bad") == 4


@pytest.mark.parametrize("reply", [refused(503, "asleep"), refused(429, "no credit"), Reply(cut=True)])
def test_a_server_that_no_longer_answers_stops_the_run(reply: Reply) -> None:
    prompts = [ask(text) for text in ("good", "bad1", "bad2", "good2", "bad3", "bad4", "bad5", "bad6", "bad7")]
    with scripted_server(only_bad(reply)) as server:
        where = endpoint(server.url, concurrency=1, retries=1)
        results, found = where.complete(prompts, temperature=0.0, max_tokens=5), []
        with pytest.raises(BadInputError, match=r"asleep|no credit|no connection"):
            found.extend((number, completion.text) for number, completion in results)
        assert found == [(0, "yes"), (1, None), (2, None), (3, "yes"), (4, None), (5, None)]
        assert (server.asked("bad5"), server.asked("bad6")) == (2, 0)


def test_a_server_that_only_sends_errors_stops_the_run_after_some_prompts() -> None:
    with scripted_server(lambda request, before: refused(502, "starting")) as server:
        with pytest.raises(BadInputError, match="status 502: starting"):
            complete(endpoint(server.url, concurrency=1, retries=1), *"abcdef")
        assert [server.asked(prompt) for prompt in "abcdef"] == [2, 2, 2, 0, 0, 0]


@pytest.mark.parametrize("reply", [refused(500, "crashed"), Reply(cut=True)])
def test_a_first_prompt_that_a_server_cannot_answer_is_an_error_of_its_own(reply: Reply) -> None:
    with scripted_server(only_bad(reply)) as server:
        bad, good = complete(endpoint(server.url, concurrency=1), "bad", "good")
    assert bad.text is None
    assert good.text == "yes"


def test_more_patience_goes_on_however_many_prompts_fail() -> None:
    with scripted_server(only_bad(refused(500, "crashed"))) as server:
        where = endpoint(server.url, concurrency=1, retries=0)
        found = list(where.complete(map(ask, ["bad"] * 9), temperature=0.0, max_tokens=5, patience=10))
    assert len(found) == 9


def test_broken_connections_and_timeouts_are_tried_again() -> None:
    never = threading.Event()

    def answer(request: dict[str, Any], before: int) -> Reply:
        slow = request["messages"][-1]["content"] == "slow"
        if before == 0:
            return Reply(wait=never, cut=True) if slow else Reply(cut=True)
        return said("yes")

    with scripted_server(answer) as server:
        assert [c.text for c in complete(endpoint(server.url, timeout=0.3), "cut", "slow")] == ["yes", "yes"]
        assert (server.asked("cut"), server.asked("slow")) == (2, 2)
        never.set()


def test_a_prompt_that_breaks_the_connection_is_an_error_if_others_are_answered() -> None:
    with scripted_server(only_bad(Reply(cut=True))) as server:
        good, bad = complete(endpoint(server.url, concurrency=1), "good", "bad")
    assert good.text == "yes"
    assert bad.text is None
    assert bad.error is not None
    assert bad.error.startswith("no connection")


def test_a_refused_prompt_is_an_error_at_once() -> None:
    with scripted_server(lambda request, before: refused(400, "context\n too long")) as server:
        assert complete(endpoint(server.url), "a") == [Completion(None, "status 400: context too long")]
        assert server.asked("a") == 1


@pytest.mark.parametrize(("status", "message"), [(401, "wrong key"), (404, "no such model")])
def test_errors_of_every_prompt_stop_the_run(status: int, message: str) -> None:
    with scripted_server(lambda request, before: refused(status, message)) as server:
        with pytest.raises(BadInputError, match=f"{server.url}: model 'm': status {status}: {message}"):
            complete(endpoint(server.url, concurrency=1), *"abcdef")
        assert len(server.requests) == 1


def test_a_server_that_never_answers_stops_the_run() -> None:
    with scripted_server(lambda request, before: said("")) as server:
        gone = server.url
    with pytest.raises(BadInputError, match=r"no connection: .*refused"):
        complete(endpoint(gone, retries=1), "a")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (said("", reason="length"), r"an empty answer \(finish reason: length\)"),
        (said(" \n"), r"an empty answer \(finish reason: stop\)"),
        (said(None), "an empty answer"),
        (said("half of it", reason="content_filter"), "content filter"),
        (said(None, refusal="I will not"), "refused: 'I will not'"),
        (Reply(body={"object": "chat.completion", "choices": []}), "no choices"),
    ],
)
def test_replies_without_an_answer_are_errors(reply: Reply, error: str) -> None:
    with scripted_server(lambda request, before: reply) as server:
        (found,) = complete(endpoint(server.url), "a")
    assert found.text is None
    assert re.search(error, found.error or "")


def test_an_answer_cut_at_its_limit_is_an_answer() -> None:
    with scripted_server(lambda request, before: said("half a", reason="length")) as server:
        assert complete(endpoint(server.url), "a")[0].text == "half a"


def test_a_page_instead_of_an_answer_is_an_error() -> None:
    page = Reply(body="<html>", headers={"Content-Type": "text/html"})
    with scripted_server(lambda request, before: page) as server:
        (found,) = complete(endpoint(server.url, retries=0), "a")
    assert found.text is None
    assert found.error is not None
    assert "cannot be read" in found.error


def test_a_server_that_knows_the_limit_by_another_name() -> None:
    def answer(request: dict[str, Any], before: int) -> Reply:
        if "max_tokens" in request:
            return refused(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return said(str(request["max_completion_tokens"]))

    with scripted_server(answer) as server:
        assert [c.text for c in complete(endpoint(server.url, retries=0), *"abc")] == ["5"] * 3


def test_waits_double_unless_the_server_asks_for_another() -> None:
    policy = RetryPolicy(timeout=1.0, retries=10, patience=3, backoff=1.0)
    for tried in range(10):
        longest = min(2.0**tried, 60.0)
        waits = [policy.pause(tried, None) for _ in range(50)]
        assert all(longest / 2 <= wait <= longest for wait in waits)
        assert len(set(waits)) > 1
    assert policy.pause(0, 17.0) == 17.0
    assert policy.pause(0, 1e9) == 600.0


def test_the_wait_that_a_server_asks_for() -> None:
    assert requested_wait({"retry-after": "2.5"}) == 2.5
    assert requested_wait({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    asked = requested_wait({"retry-after": formatdate(time.time() + 100, usegmt=True)})
    assert asked is not None
    assert 90 < asked <= 100
    assert requested_wait({"retry-after": formatdate(0, usegmt=True)}) == 0
    assert requested_wait({}) is None
    assert requested_wait({"retry-after": "soon"}) is None


def test_the_requested_wait_is_kept() -> None:
    def answer(request: dict[str, Any], before: int) -> Reply:
        return said("yes") if before else refused(429, "slow down", Retry_After="0.2")

    with scripted_server(answer) as server:
        start = time.monotonic()
        assert complete(endpoint(server.url), "a")[0].text == "yes"
        assert time.monotonic() - start >= 0.2


def test_no_more_requests_run_at_once_than_allowed_and_closing_stops_them() -> None:
    together = threading.Barrier(3, timeout=10)
    under_way: list[int] = []
    too_many: list[int] = []
    now = threading.Semaphore(3)

    def answer(request: dict[str, Any], before: int) -> Reply:
        if not now.acquire(blocking=False):
            too_many.append(1)
            return said("a fourth at once")
        if len(under_way) < 3:
            under_way.append(1)
            together.wait()  # passes only if three run at once
        now.release()
        return said("yes")

    with scripted_server(answer) as server:
        prompts = (ask(str(i)) for i in range(1_000_000))
        results = endpoint(server.url, concurrency=3).complete(prompts, temperature=0, max_tokens=1)
        found = [next(results)[1].text for _ in range(5)]
        results.close()
        assert found == ["yes"] * 5
        assert len(server.requests) < 1000
        assert not too_many


def test_an_error_in_the_prompts_reaches_the_reader() -> None:
    def prompts() -> Any:
        yield ask("a")
        raise RuntimeError("broken source")

    with scripted_server(lambda request, before: said("yes")) as server, pytest.raises(RuntimeError, match="broken"):
        list(endpoint(server.url).complete(prompts(), temperature=0, max_tokens=1))


def test_impossible_settings_are_refused() -> None:
    for wrong in ({"concurrency": 0}, {"retries": -1}, {"timeout": 0.0}):
        with pytest.raises(BadInputError, match="expected at least 1, at least 0 and above 0"):
            Endpoint("m", **wrong)


def test_without_a_key_openai_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(BadInputError, match="OPENAI_API_KEY"):
        list(Endpoint("m").complete([ask("a")], temperature=0, max_tokens=1))


def test_without_the_client_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['openai'] = None\n"
        "from votewise.language_models.endpoint import Endpoint\n"
        "list(Endpoint('m', 'http://x').complete([], temperature=0, max_tokens=1))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'votewise[endpoint]'" in found.stderr.splitlines()[-1]
