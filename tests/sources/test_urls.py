"""Secrets in connection URLs are used and never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from votewise.sources.databases.urls import ConnectionUrl


@pytest.mark.parametrize("password", ["p#w/d?x", "a@b", "50%", "über", "p:w", "&table", "secret"])
def test_a_password_may_hold_any_sign(password: str) -> None:
    url = ConnectionUrl.parse(f"postgres://ann:{password}@localhost:5432/base?table=votes&sslmode=off")
    assert (url.user, url.password, url.place) == ("ann", password, "localhost:5432/base")
    assert url.query == (("table", "votes"), ("sslmode", "off"))
    assert url.shown() == "postgres://ann@localhost:5432/base?table=votes&sslmode=off"
    assert ConnectionUrl.parse(url.address()).password == password


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="%"), min_size=3, max_size=20))
def test_no_password_is_ever_shown(password: str) -> None:
    url = ConnectionUrl.parse(f"postgres://u:{password}!~^@h/b?table=v")
    assert f"{password}!~^" not in url.shown()
    assert f"{password}!~^" not in url.without_secrets(f"failed: {password}!~^ is wrong, so is {url.address()}")


@pytest.mark.parametrize(
    "name", ["password", "sslpassword", "api_key", "accessToken", "X-Amz-Signature", "client_secret", "pwd"]
)
def test_parameters_that_mean_a_secret_are_left_out(name: str) -> None:
    url = ConnectionUrl.parse(f"duckdb://file.db?table=votes&{name}=hidden&threads=2")
    assert url.shown() == "duckdb://file.db?table=votes&threads=2"
    assert f"{name}=hidden" in url.address()


def test_an_at_sign_in_the_query_belongs_to_the_query() -> None:
    url = ConnectionUrl.parse("postgres://host/base?table=a@b")
    assert (url.user, url.place, url.query) == (None, "host/base", (("table", "a@b"),))


def test_a_url_without_a_host_keeps_its_slashes() -> None:
    url = ConnectionUrl.parse("duckdb:///absolute/path.db?table=s.votes")
    assert url.shown() == "duckdb:///absolute/path.db?table=s.votes"
    assert url.address() == "duckdb:///absolute/path.db"
