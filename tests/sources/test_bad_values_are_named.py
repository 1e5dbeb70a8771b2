"""A few bad values in a column of counts, lists or ranks are faults of rows: the message names column, row and value."""

from __future__ import annotations

from typing import Any

import pytest
from told import Row, refused, told

from votewise.sources import read_votes

ANSWERS = {"prompt": "q", "response_a": "x", "response_b": "y"}
RANKED = [{"text": "x", "rank": 0}, {"text": "y", "rank": 1}]


def counts(i: int, a: Any, b: Any) -> Row:
    return ANSWERS | {"prompt": f"q{i}", "votes_a": a, "votes_b": b}


@pytest.mark.parametrize("bad", ["two", -2, 1.5, "1e9"])
@pytest.mark.parametrize("first", [True, False])
def test_a_number_of_votes(bad: Any, first: bool) -> None:
    rows = [counts(1, 1, 0), counts(2, 3, bad), counts(3, 0, 2)]
    rows = sorted(rows, key=lambda row: row["votes_b"] != bad) if first else rows
    refused(rows, f"row {1 if first else 2}, column 'votes_b'", str(bad))
    votes = read_votes(rows, on_error="skip")
    assert (len(votes), votes.reading.rejected) == (3, 1)


@pytest.mark.parametrize(
    "bad",
    [
        "oops", {"a": "b"}, [{"text": "x", "rank": "best"}, {"text": "y", "rank": "worst"}],
        [{"text": None, "rank": 0}, {"text": "y", "rank": 1}], [{"text": "x", "rank": None}, {"text": "y", "rank": 1}],
    ],
)  # fmt: skip
@pytest.mark.parametrize("first", [True, False])
def test_a_list_of_answers(bad: Any, first: bool) -> None:
    rows: list[Row] = [{"prompt": "q1", "completions": RANKED}, {"prompt": "q2", "completions": bad}]
    rows = rows[::-1] if first else rows
    refused(rows, f"row {1 if first else 2}, column 'completions'")
    votes = read_votes(rows, on_error="skip")
    assert (told(votes), votes.reading.rejected) == (["(unknown): x > y | q1"], 1)


@pytest.mark.parametrize("bad", ["many", ["a", {"x": 1}], 3])
def test_a_list_of_votes(bad: Any) -> None:
    rows = [ANSWERS | {"votes": ["a", "b"]}, ANSWERS | {"votes": bad}]
    refused(rows, "row 2, column 'votes", "--on-error skip")
    assert read_votes(rows, on_error="skip").reading.rejected == 1


def test_shares_are_no_numbers_of_votes() -> None:
    refused([counts(1, 0.7, 0.3), counts(2, 0.2, 0.8)], "unknown format")
