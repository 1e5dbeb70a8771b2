"""Columns that put in doubt which answer a label means, which question was asked, or which split a row is in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from told import Row, refused, told, vote

from votewise.sources import read_votes


@pytest.mark.parametrize("names", [("answer_1", "answer_2", "answer_3"), ("response_a", "response_b", "response_c")])
def test_more_than_two_answers_are_not_read_as_two(names: tuple[str, ...]) -> None:
    rows = [{"worker": "w", "prompt": f"Ask {i}", "label": names[0]} | {n: f"{n} {i}" for n in names} for i in (1, 2)]
    refused(rows, "more than two answers", names[2], f"--columns {names[2]}=")
    assert len(read_votes(rows, columns={names[2]: ""})) == 2


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("swapped", (True, False)), ("order", ("ba", "ab")), ("a_is_left", (False, True)), ("flipped", (1, 1)),
        ("display_order", ("b,a", "a,b")), ("left_response", ("response_b", "response_a")),
    ],
)  # fmt: skip
def test_left_is_no_answer_where_a_column_says_what_was_on_the_left(name: str, values: tuple[Any, Any]) -> None:
    rows = [vote(i, "left", **{name: v}) for i, v in enumerate(values)]
    refused(rows, f"'{name}'", "the labels are left", f"--columns {name}=")
    assert len(read_votes(rows, columns={name: ""})) == 2
    named = [vote(i, "a", **{name: v}) for i, v in enumerate(values)]
    assert len(read_votes(named)) == 2


def test_two_columns_of_labels_that_differ() -> None:
    rows = [vote(1, "a", preference="b"), vote(2, "b", preference="b")]
    refused(rows, "something else than 'label' (row 1)", "--columns preference=", "--columns label=preference")
    assert told(read_votes(rows, columns={"preference": ""}))[0] == "w: one1 > two1 | Ask 1"
    assert told(read_votes(rows, columns={"label": "preference"}))[0] == "w: two1 > one1 | Ask 1"
    assert len(read_votes([vote(1, "a", preference="A"), vote(2, "b", preference="B", majority_label="a")])) == 2


@pytest.mark.parametrize("name", ["prompt_id", "qid", "item_id", "image_id", "task_id"])
def test_ids_of_questions_that_are_not_there(name: str) -> None:
    rows = [
        {"annotator": "w", "response_a": "Yes", "response_b": "No", "label": x, name: f"q{i}"}
        for i, x in enumerate("ab")
    ]
    refused(rows, f"--columns prompt={name}", f"--columns {name}=")
    assert told(read_votes(rows, columns={"prompt": name})) == ["w: No > Yes | q1", "w: Yes > No | q0"]
    assert read_votes(rows, columns={name: ""}).reading.repeated == 1


def test_answers_to_different_questions_are_no_pair() -> None:
    def said(question: str, answer: str, system: str | None = None) -> list[Row]:
        first = [{"role": "system", "content": system}] if system else []
        return [*first, {"role": "user", "content": question}, {"role": "assistant", "content": answer}]

    good = {"chosen": said("Ask", "yes"), "rejected": said("Ask", "no")}
    assert told(read_votes([good])) == ["(unknown): yes > no | Ask"]
    for other in (said("Other", "no"), said("Ask", "no", system="Be kind")):
        refused([good, {"chosen": said("Ask", "yes"), "rejected": other}], "row 2", "begins with another question")


def test_one_split_of_a_column_of_splits_is_read() -> None:
    rows = [vote(1, split="train"), vote(2, split="test"), vote(3, split="train")]
    votes = read_votes(rows)
    assert told(votes) == ["w: one1 > two1 | Ask 1", "w: one3 > two3 | Ask 3"]
    assert votes.reading.skipped == 1
    assert "--columns split= reads all" in " ".join(votes.reading.notes)
    assert told(read_votes(rows, split="test")) == ["w: one2 > two2 | Ask 2"]
    assert len(read_votes(rows, columns={"split": ""})) == 3
    refused([vote(1, split="dev"), vote(2, split="test")], "holds the splits dev, test")
    assert len(read_votes([vote(1, split="odd"), vote(2, split="even")])) == 2


def test_a_prompt_beside_the_list_of_a_json_object_is_every_rows_prompt(tmp_path: Path) -> None:
    path = tmp_path / "votes.json"
    rows = [{"response_a": f"one{i}", "response_b": f"two{i}", "label": "a"} for i in (1, 2)]
    path.write_text(json.dumps({"version": 2, "prompt": "Ask", "worker": "w", "votes": rows}))
    votes = read_votes(path)
    assert told(votes) == ["w: one1 > two1 | Ask", "w: one2 > two2 | Ask"]
    assert "beside it and left out: version." in " ".join(votes.reading.notes)


def test_scores_that_hold_the_mark_of_one_answer_go_first() -> None:
    answers = [
        {"answer_id": i, "text": f"answer {i}", "pm_score": s, "selected": i == 2} for i, s in enumerate((3, 1, 2))
    ]
    votes = read_votes([{"question": "Ask", "answers": answers}])
    assert [line.split(" | ")[0] for line in told(votes)] == [
        "(unknown): answer 0 > answer 1", "(unknown): answer 0 > answer 2", "(unknown): answer 2 > answer 1",
    ]  # fmt: skip
