"""Tables without comparisons, and tables that leave open which answer is better: one line says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from told import Row, refused

TURNS = [{"from": "human", "value": "p"}, {"from": "gpt", "value": "x"}]
TALK = [{"role": "user", "content": "p"}, {"role": "assistant", "content": "x"}]
TASK = {"prompt": "p", "answer1": "x", "answer2": "y", "id": 1, "annotator": 7, "annotation_id": 3, "lead_time": 3.5}
THREE = {"question": "p", "answer_1": "x", "answer_2": "y", "answer_3": "z"}


@pytest.mark.parametrize(
    "row",
    [
        {"conversations": TURNS, "kto_tag": True},
        {"messages": TALK, "label": False},
        {"transcript": "\n\nHuman: p\n\nAssistant: x", "rating": 4.0},
        {"prompt": "p", "completion": "x", "label": True},
        {"instruction": "p", "output": "x", "desirable": True},
    ],
)
def test_verdicts_on_one_answer_are_no_comparisons(row: Row) -> None:
    refused([row], "single verdicts on one answer each (KTO, ratings, thumbs)")


@pytest.mark.parametrize("comparison", ['[{"selected": "left"}]', [{"selected": "left"}]])
def test_label_studios_tables_name_its_other_export(comparison: Any) -> None:
    refused([TASK | {"comparison": comparison}], "Label Studio", "export as JSON")


def test_lists_of_votes_ask_what_their_values_mean() -> None:
    refused([{"prompt": "p", "response_a": "x", "response_b": "y", "votes": [0, 1, 1]}], "--label '0'=a")
    refused([{"prompt": "p", "response_a": "x", "response_b": "y", "votes": {"a": 2, "b": 1}}], "unknown format")


@pytest.mark.parametrize(
    "votes", [{"annotator_1": "1", "annotator_2": "2"}, {"votes_1": 3, "votes_2": 1}, {"labels": ["1", "2"]}]
)
def test_a_third_answer_beside_votes_about_two(votes: Row) -> None:
    refused([THREE | votes], "more than two answers", "--columns answer_3=")
