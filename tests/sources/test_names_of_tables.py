"""Columns as public tools and data sets name them: prompts, verdicts, the better and the worse answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from told import Row, told, written

from votewise.errors import BadInputError
from votewise.sources import read_votes


def turker(worker: str, status: str, choice: str) -> Row:
    work = {"HITId": "h1", "Title": "Compare two answers", "AssignmentId": f"a{worker}", "WorkerId": worker}
    inputs = {"Input.prompt": "Ask", "Input.a": "one", "Input.b": "two"}
    return work | {"AssignmentStatus": status, "WorkTimeInSeconds": 40} | inputs | {"Answer.choice": choice}


def test_mechanical_turks_results(tmp_path: Path) -> None:
    rows = [turker("w1", "Approved", "a"), turker("w2", "Submitted", "b"), turker("w3", "Rejected", "a")]
    votes = read_votes(written(rows, "csv", tmp_path))
    assert told(votes) == ["w1: one > two | Ask", "w2: two > one | Ask"]
    assert votes.reading.skipped == 1


def test_a_prompt_belongs_to_the_answers_whose_names_begin_like_its_own() -> None:
    long = "says more than twenty characters"
    row = {"orig_instruction": "Ask", "orig_response_A": f"one {long}", "orig_response_B": f"two {long}"}
    judge = {"instruction": f"Which is better? one {long} two {long}", "output": "B", "orig_preference": "B"}
    assert told(read_votes([row | judge])) == [f"(unknown): two {long} > one {long} | Ask"]


def test_what_a_judge_was_asked_is_not_the_prompt() -> None:
    a, b = "one says more than twenty characters", "two says more than twenty characters"
    row = {"prompt": f"Which is better? {a} {b}", "response_a": a, "response_b": b, "label": "a"}
    with pytest.raises(BadInputError, match=r"holds both answers.*--columns prompt=NAME"):
        read_votes([row])
    short = {"prompt": "Tea or coffee?", "response_a": "Tea", "response_b": "coffee", "label": "a"}
    assert told(read_votes([short])) == ["(unknown): Tea > coffee | Tea or coffee?"]


def test_answers_that_are_one_message_each() -> None:
    said = [{"from": "human", "value": "What is it?"}]
    rows: list[Row] = [
        {
            "conversations": said,
            "output_1": {"from": "m", "value": f"one{i}"},
            "output_2": {"from": "m", "value": f"two{i}"},
        }
        | {"preference": i}
        for i in (1, 2)
    ]
    for row in rows:
        row["output_1"]["from"] = row["output_2"]["from"] = "gpt"
    assert told(read_votes(rows)) == ["(unknown): one1 > two1 | What is it?", "(unknown): two2 > one2 | What is it?"]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("output_chosen", "output_rejected"), ("output", "rejected_output"), ("answer", "rejected_answer"),
        ("response", "rejected_response"), ("positive", "negative"), ("response_w", "response_l"),
    ],
)  # fmt: skip
def test_more_names_of_the_better_and_the_worse_answer(better: str, worse: str) -> None:
    assert told(read_votes([{"prompt": "Ask", better: "good", worse: "poor"}])) == ["(unknown): good > poor | Ask"]


@pytest.mark.parametrize("name", ["comparison", "Answer.pref", "human_preference", "final_verdict"])
def test_the_only_column_that_names_sides_is_the_verdict(name: str) -> None:
    rows: list[dict[str, Any]] = [
        {"annotator": "w", "prompt": f"Ask {i}", "answer1": f"one{i}", "answer2": f"two{i}", name: v}
        for i, v in enumerate(("left", "answer2"))
    ]
    assert told(read_votes(rows)) == ["w: one0 > two0 | Ask 0", "w: two1 > one1 | Ask 1"]
    with pytest.raises(BadInputError, match="unknown format"):
        read_votes([{**row, "fluency_preference": "left"} for row in rows])


@pytest.mark.parametrize("name", ["system", "context"])
def test_system_texts_that_a_format_does_not_read(name: str) -> None:
    hh = {"chosen": "\n\nHuman: Ask\n\nAssistant: good", "rejected": "\n\nHuman: Ask\n\nAssistant: poor"}
    messages = {role: [{"role": "assistant", "content": role}] for role in ("preferred_output", "non_preferred_output")}
    openai = {"input": {"messages": [{"role": "user", "content": "Ask"}]}} | messages
    for row in (hh, openai):
        with pytest.raises(BadInputError, match=f"--columns {name}= if no model saw them"):
            read_votes([row | {name: "Be kind."}])
        for nothing in ({name: ""}, {name: None}):
            assert len(read_votes([row | nothing])) == 1
        assert len(read_votes([row | {name: "Be kind."}], columns={name: ""})) == 1


def test_a_third_answer_beside_several_votes() -> None:
    row = {"prompt": "Ask", "response_a": "one", "response_b": "two", "rater_1": "a", "rater_2": "b"}
    assert len(read_votes([row])) == 2
    with pytest.raises(BadInputError, match="more than two answers"):
        read_votes([row | {"response_c": "three"}])
