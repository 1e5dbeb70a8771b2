"""Point 9 of the contract, secrets: those of URLs are in no output, no error and no file, whatever signs they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from kept_contract import empty_folder, examples

from shell import shell
from votewise.sources.databases.urls import ConnectionUrl

pytestmark = pytest.mark.slow

SECRET = "zq9hunter"
signs = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=6)
odd = signs | st.text("#/?%@:&=+ ;,\\'\"<>[]{}", max_size=6)
PARAMETERS = (
    "password",
    "sslpassword",
    "api_key",
    "accessToken",
    "X-Amz-Signature",
    "client_secret",
    "pwd",
    "PW",
    "jwt",
    "sas",
)


@st.composite
def urls(draw: st.DrawFn, place: str) -> str:
    """URLs with a secret in the user part or in a parameter."""
    before, after = draw(odd), draw(odd)
    if draw(st.booleans()):
        scheme, _, rest = place.partition("://")
        return f"{scheme}://{draw(st.sampled_from(['ann', '', 'a b']))}:{before}{SECRET}{after}@{rest}?table=votes"
    value = f"{before}{SECRET}{after}".replace("&", "")
    first = f"table=votes&{draw(st.sampled_from(PARAMETERS))}={value}"
    other = f"{draw(st.sampled_from(PARAMETERS))}={value}&table=votes"
    return f"{place}?{draw(st.sampled_from([first, other]))}"


@examples(100)
@given(urls("postgres://127.0.0.1:1/base") | urls("http://localhost:1/v1") | urls("duckdb://a.db"))
def test_secrets_of_urls_are_not_shown(url: str) -> None:
    parts = ConnectionUrl.parse(url)
    assert SECRET not in parts.shown()
    for text in (url, repr(url), parts.address(), f"failed for {url!r}: " + " ".join(url.split())):
        assert SECRET not in parts.without_secrets(text)


READERS: tuple[tuple[Any, ...], ...] = (
    ("read",), ("audit",), ("filter", "--win-rate", "0.7"), ("score", "--score-columns", "x", "y"),
    ("simulate", "annotators"), ("simulate", "users"), ("evaluate", "win-rate"), ("evaluate", "matrix"),
    ("generate", "--model", "m"),
)  # fmt: skip


@pytest.mark.parametrize("words", READERS, ids=lambda words: " ".join(words[:2]))
@examples(2)
@given(urls("postgres://127.0.0.1:1/base") | urls(" postgres://127.0.0.1:1/base") | urls("duckdb://none.db"))
def test_no_command_tells_the_secret_of_a_database_that_cannot_be_read(words: tuple[str, ...], url: str) -> None:
    assume("\r" not in url)
    with empty_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        out = (
            []
            if words[0] == "read"
            else ["--out", "out.jsonl" if words[0] in ("score", "simulate", "generate") else "out"]
        )
        ended = shell(*words, *out, "--", url)
        assert ended.code in (1, 2)
        assert SECRET not in ended.shown
        check_files(folder)


@examples(4)
@given(before=odd, after=odd)
def test_no_file_holds_the_secret_of_a_database_that_can_be_read(before: str, after: str) -> None:
    import duckdb

    with empty_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        # DuckDB takes a password, and does not need it.
        url = "duckdb://votes.db?table=votes&password=" + f"{before}{SECRET}{after}".replace("&", "")
        with duckdb.connect("votes.db") as base:
            base.execute(
                "CREATE TABLE votes AS SELECT 'w' || i % 3 AS annotator, 'p' || i AS pair, 'a' AS label FROM range(9) t(i)"
            )
        for words in (
            ("read",),
            ("audit", "--force", "--out", "audit"),
            ("audit", "--force", "--json", "--out", "again"),
        ):
            ended = shell(*words, "--", url)
            assert ended.code == 0, ended
            assert SECRET not in ended.shown
        check_files(folder)


def check_files(folder: Path) -> None:
    for file in folder.rglob("*"):
        assert SECRET not in file.name
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file
