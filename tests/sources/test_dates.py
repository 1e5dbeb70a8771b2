"""Dates of numbers: read where a day after the 12th shows whether the month comes first, and never by a guess."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from told import Row, refused, told

from votewise.sources import read_votes
from votewise.sources.dates import moments


def column(*texts: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(texts, pa.large_string())])


@pytest.mark.parametrize(
    ("text", "beside", "meant", "order"),
    [
        ("5/13/2026", "1/2/2026", (2026, 5, 13), "month"),
        ("1/2/2026", "5/13/2026", (2026, 1, 2), "month"),
        ("13.5.2026", "1.2.2026", (2026, 5, 13), "day"),
        ("1.2.2026", "13.5.2026", (2026, 2, 1), "day"),
        ("5/13/2026 10:30 PM", "5/1/2026 1:00 AM", (2026, 5, 13, 22, 30), "month"),
        ("5/13/2026 12:05 am", "5/1/2026 1:00 AM", (2026, 5, 13, 0, 5), "month"),
        ("13-05-2026 09:08:07", "01-05-2026 09:08:07", (2026, 5, 13, 9, 8, 7), "day"),
        ("2026-05-13", "2026-05-14", (2026, 5, 13), None),
    ],
)
def test_dates(text: str, beside: str, meant: tuple[int, ...], order: str | None) -> None:
    found = moments(column(text, None, beside))
    assert found.order == order
    assert not found.wrong.any()
    assert found.seconds[0] == datetime(*meant, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    "texts",
    [
        ("5/6/2026", "6/5/2026"),
        ("5/13/2026", "13/5/2026"),
        ("5/13/2026", "soon"),
        ("5/13/2026", "2026-05-14"),
        ("5/13/26", "5/14/26"),
    ],
)
def test_what_may_mean_two_days_is_not_a_time(texts: tuple[str, ...]) -> None:
    found = moments(column(*texts))
    assert found.order is None
    assert found.wrong.any()


def test_a_day_that_does_not_exist_is_wrong() -> None:
    assert moments(column("2/30/2026", "5/13/2026")).wrong.tolist() == [True, False]


def votes(*times: str) -> list[Row]:
    shared = {"annotator": "w", "prompt": "p", "response_a": "x", "response_b": "y"}
    return [shared | {"label": "ab"[i % 2], "created_at": time} for i, time in enumerate(times)]


def test_the_latest_vote_counts_and_a_note_says_how_dates_are_read() -> None:
    found = read_votes(votes("5/14/2026 8:00", "5/13/2026 9:00"))
    assert told(found) == ["w: x > y | p"]
    assert found.reading is not None
    assert any("month first" in note for note in found.reading.notes)
    assert told(read_votes(votes("12.6.2026", "13.5.2026"))) == ["w: x > y | p"]


def test_votes_whose_order_is_open_are_refused() -> None:
    refused(votes("5/6/2026", "6/5/2026"), "created_at", "--columns")
