"""The API: what it answers, whom it lets in, and that a request which is sent again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from votewise.collect.database import reading, writing
from votewise.collect.folder import Collection
from votewise.collect.product_keys import make_key, revoke_key
from votewise.collect.rate_limits import Buckets
from votewise.collect.schema import comparison, person, product, vote
from votewise.collect.service import make_service, sweep
from votewise.errors import BadInputError

BODY: dict[str, Any] = {
    "client_key": "k1",
    "user": "ann",
    "prompt": "2 + 2?",
    "left": {"model": "new", "content": "Four."},
    "right": {"model": "old", "content": "Five."},
}
Api = Callable[..., Any]


def key_of(collection: Collection, name: str = "website") -> str:
    with writing(collection.engine) as connection:
        return make_key(connection, name, collection.clock())


@pytest.fixture
def api(collection: Collection) -> Iterator[Api]:
    """Sends a request with a product's key; gives the status and the body."""
    client = TestClient(make_service(collection), raise_server_exceptions=False)
    mine = key_of(collection)

    def send(method: str, path: str, body: Any = None, *, key: str | None = mine, **more: Any) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        found = client.request(method, f"/api/v1{path}", json=body, headers=headers, **more)
        return found.status_code, found.json()

    yield send
    client.close()


def test_a_comparison_and_its_vote(api: Api, collection: Collection, later: Callable[[float], None]) -> None:
    status, made = api("POST", "/comparisons", BODY)
    assert (status, made["state"], made["left_model"], made["right_model"]) == (201, "ready", "new", "old")
    assert api("POST", "/comparisons", BODY) == (200, made)
    path = f"/comparisons/{made['id']}"
    assert api("PUT", f"{path}/shown")[1]["state"] == "shown"
    assert api("PUT", f"{path}/vote", {"choice": "left"}) == (200, made | {"state": "voted", "choice": "left"})
    assert api("DELETE", f"{path}/vote") == (200, made | {"state": "shown"})
    assert (
        api("PUT", f"{path}/vote", {"choice": "tie", "ms_visible": 3, "reasons": ["both fine"]})[1]["choice"] == "tie"
    )
    later(10)
    sweep(collection)
    assert api("GET", path)[1]["state"] == "final"
    status, said = api("PUT", f"{path}/vote", {"choice": "left"})
    assert (status, "is final" in said["error"]) == (409, True)
    assert api("POST", f"{path}/void")[1] == made | {"state": "voided"}


def test_models_are_drawn_where_no_answers_are_given(api: Api) -> None:
    _, made = api("POST", "/comparisons", {"client_key": "k", "user": "ann", "prompt": "2 + 2?"})
    assert made["state"] == "created"
    path = f"/comparisons/{made['id']}/answers"
    given = {"model": made["left_model"], "content": "Four.", "tokens_in": 5, "tokens_out": 2}
    assert api("PUT", f"{path}/left", given)[1]["state"] == "answering"
    assert api("PUT", f"{path}/right", {"failed": False})[0] == 422
    assert api("PUT", f"{path}/right", {"failed": True})[1]["state"] == "one_sided"
    assert api("PUT", f"{path}/middle", given)[0] == 422


def test_a_batch_keeps_what_is_right(api: Api, collection: Collection) -> None:
    entries = [BODY | {"client_key": f"k{n}", "vote": {"choice": "left", "at": 1.7e9}} for n in range(3)]
    entries[1] = entries[1] | {"left": {"model": "nobody", "content": "?"}}
    status, found = api("POST", "/comparisons/batch", {"comparisons": entries})
    assert (status, found["refused"]) == (200, 1)
    assert [outcome["state"] for outcome in found["outcomes"]] == ["voted", None, "voted"]
    assert "no such model in collect.toml, got 'nobody' (expected new, old, small)" in found["outcomes"][1]["error"]
    assert api("POST", "/comparisons/batch", {"comparisons": entries}) == (status, found)
    with reading(collection.engine) as connection:
        assert connection.execute(select(vote.c.at)).scalars().all() == [1.7e9, 1.7e9]
        assert len(connection.execute(select(person.c.id)).all()) == 1


def test_votes_in_a_batch(api: Api) -> None:
    names = [api("POST", "/comparisons", BODY | {"client_key": f"k{n}"})[1]["id"] for n in range(2)]
    votes = [{"comparison": name, "choice": "right"} for name in [*names, "nothing", names[0]]]
    found = api("POST", "/votes/batch", {"votes": votes})[1]
    assert [outcome["state"] for outcome in found["outcomes"]] == ["voted", "voted", None, "voted"]
    assert "no such comparison" in found["outcomes"][2]["error"]


def test_only_who_has_a_key_comes_in(api: Api, collection: Collection) -> None:
    _, made = api("POST", "/comparisons", BODY)
    other = key_of(collection, "other")
    assert api("GET", f"/comparisons/{made['id']}", key=other)[0] == 404
    for key in (None, "", "votewise_wrong"):
        assert api("GET", "/settings", key=key)[0] == 401
    old, new = other, key_of(collection, "other")
    assert [api("GET", "/settings", key=key)[0] for key in (old, new)] == [401, 200]
    with writing(collection.engine) as connection:
        revoke_key(connection, "other", 0.0)
    assert api("GET", "/settings", key=new)[0] == 401
    with reading(collection.engine) as connection:
        stored = str(connection.execute(select(product)).all())
    assert new not in stored
    said = pytest.raises(BadInputError, match=r"no such product, got 'third' \(expected other, website\)")
    with said, writing(collection.engine) as connection:
        revoke_key(connection, "third", 0.0)


WRONG: dict[str, tuple[Any, int, str]] = {
    "unknown field": (BODY | {"colour": "red"}, 422, "body.colour"),
    "one side": ({k: v for k, v in BODY.items() if k != "left"}, 422, "there is no left answer"),
    "NUL": (BODY | {"prompt": "a\0b"}, 422, "NUL"),
    "surrogate": (BODY | {"prompt": "\ud800"}, 422, "body.prompt"),
    "no user": (BODY | {"user": ""}, 422, "body.user"),
    "too long": (BODY | {"prompt": "x" * 200_001}, 422, "a text is too long"),
    "future": (BODY | {"vote": {"choice": "left", "at": 3e9}}, 422, "in the future"),
    "NaN": (BODY | {"vote": {"choice": "left", "at": float("nan")}}, 422, "at"),
    "another choice": (BODY | {"vote": {"choice": "middle"}}, 422, "choice"),
    "large number": (BODY | {"vote": {"choice": "left", "ms_visible": 2**63}}, 422, "ms_visible"),
    "a list": ([BODY], 422, "body"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_used_is_one_line_and_changes_nothing(api: Api, collection: Collection, case: str) -> None:
    body, wanted, part = WRONG[case]
    status, said = api("POST", "/comparisons", None, content=json.dumps(body))
    assert (status, list(said)) == (wanted, ["error"])
    assert part in said["error"]
    assert "\n" not in said["error"]
    with reading(collection.engine) as connection:
        assert connection.execute(select(comparison.c.id)).all() == []


def test_no_path_is_a_traceback(api: Api) -> None:
    for path in ("/comparisons/%00", "/comparisons/%ff", "/comparisons/x", "/nothing"):
        status, said = api("GET", path)
        assert (status, list(said)) == (404, ["error"])
    assert api("PATCH", "/settings")[0] == 405
    assert api("POST", "/comparisons", None, content=b"{")[0] == 422
    assert api("POST", "/comparisons/batch", {"comparisons": [BODY] * 1001})[0] == 422


def test_settings_and_headers(api: Api, collection: Collection) -> None:
    status, found = api("GET", "/settings")
    assert (status, found["models"], found["batch"]) == (200, {"new": "a", "old": "b", "small": "probe"}, 1000)
    assert found["consent"] == collection.settings.consent
    client = TestClient(make_service(collection))
    shown = client.get("/api/v1/openapi.json")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert {"/api/v1/comparisons", "/api/v1/votes/batch"} < set(shown.json()["paths"])
    assert client.get("/docs").status_code == 404
    large = client.post("/api/v1/comparisons", content=b"{}", headers={"Content-Length": str(2**27)})
    assert large.status_code == 413
    unknown = client.post("/api/v1/comparisons", content=iter([b"{}"]))
    assert unknown.status_code == 411
    client.close()


def test_a_caller_waits_when_the_bucket_is_empty() -> None:
    now = [0.0]
    buckets = Buckets(60, clock=lambda: now[0])
    assert [buckets.wait("ann") for _ in range(60)] == [0.0] * 60
    assert buckets.wait("ann") == pytest.approx(1.0)
    assert buckets.wait("bob") == 0.0
    now[0] = 0.5
    assert buckets.wait("ann") == pytest.approx(0.5)
    now[0] = 1.0
    assert buckets.wait("ann") == 0.0
    now[0] = 1e6
    assert [buckets.wait("ann") for _ in range(61)].count(0.0) == 60


@pytest.mark.slow
def test_no_document_that_fits_the_openapi_is_an_error_of_the_server(collection: Collection) -> None:
    """40 drawn requests for each route, and what follows from their answers."""
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings

    service = make_service(collection)
    document = schemathesis.openapi.from_asgi("/api/v1/openapi.json", service)
    mine = {"Authorization": f"Bearer {key_of(collection)}"}
    tried = 0
    for result in document.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=40,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            nonlocal tried
            response = case.call(headers=mine)
            tried += 1
            assert response.status_code < 500, case.as_curl_command()

        check()
    assert tried >= 300
