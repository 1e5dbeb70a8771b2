"""Texts and numbers as they are shown."""

from __future__ import annotations

import pytest

from votewise.errors import many
from votewise.report.page import percent, script_json
from votewise.report.text import CAP, PREVIEW, passages, readable, shorten


def test_long_texts_are_cut_into_preview_and_rest() -> None:
    (passage,) = passages("word " * 2000)
    assert len(passage.start) <= PREVIEW
    assert len(passage.start) + len(passage.rest) == CAP
    assert passage.left_out == 10_000 - CAP


def test_conversations_keep_their_roles_and_share_the_cap() -> None:
    found = passages([{"role": "user", "content": "x" * CAP}, {"role": "assistant", "content": "hidden"}, "bare"])
    assert [p.role for p in found] == ["user", "assistant", None]
    assert [p.left_out for p in found] == [0, 6, 4]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, ""),
        ([{"type": "text", "text": "hi"}, {"type": "image"}], 'hi\n{"type": "image"}'),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_odd_contents_are_shown_as_they_are(content: object, expected: str) -> None:
    assert passages([{"role": "user", "content": content}])[0].start == expected


def test_nothing_is_not_a_passage() -> None:
    assert passages(None) == ()


def test_size_is_an_upper_bound_for_escaped_text() -> None:
    (passage,) = passages("<&>" * 100)
    assert passage.size >= len("&lt;&amp;&gt;" * 100)


def test_ids_are_cut_in_the_middle() -> None:
    assert shorten("abcdefghij", 5) == "ab…ij"
    assert shorten("abc", 5) == "abc"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1234, "12.3%"),
        (None, "–"),
        (float("nan"), "–"),
        (0.9999, "> 99.9%"),
        (0.0001, "< 0.1%"),
        (1.0, "100.0%"),
        (0.0, "0.0%"),
    ],
)
def test_percentages_never_round_to_certainty(value: float | None, text: str) -> None:
    assert percent(value) == text


def test_numbers_with_their_nouns() -> None:
    assert (many(1, "vote"), many(2345, "vote"), many(2, "person", "people")) == (
        "1 vote",
        "2,345 votes",
        "2 people",
    )


def test_script_json_has_no_special_character_of_html() -> None:
    text = str(script_json({"a": "</script><!--\u2028&"}))
    assert not set("<>&\u2028") & set(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (None, "none"),
        (12345, "12,345"),
        (0.25, "0.25"),
        ({"c": 5}, "c = 5"),
        ([1, "x"], "1, x"),
        ("fit", "fit"),
    ],
)
def test_settings_are_readable(value: object, text: str) -> None:
    assert readable(value) == text
