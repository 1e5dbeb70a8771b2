"""Shapes of trainers, clouds and public sets: conversations with a worse answer, trees, lists of answers, several orders.

As in ``test_kinds_of_columns``, every sample is made up, and its votes are written by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shapes import SHAPES
from told import Row, Sample, refused, told

from votewise.sources import read_votes

ASK = {"role": "user", "content": "p"}
GOOD = {"role": "assistant", "content": "x"}
BAD = {"role": "assistant", "content": "y"}
TALK = {"messages": [ASK, GOOD], "rejected_response": "y"}
VOTE = "(unknown): x > y | p"


def gemini(text: str, role: str = "user") -> Row:
    return {"role": role, "parts": [{"text": text}]}


def nova(*labels: str, **more: Any) -> Row:
    candidates = [{"content": [{"text": "xyz"[i]}], "preferenceLabel": label} for i, label in enumerate(labels)]
    asked = {"role": "user", "content": [{"text": "p"}]}
    return {"messages": [asked, {"role": "assistant", "candidates": candidates}]} | more


def lists(**more: Any) -> Row:
    return {"prompt": "p", "responses": ["x", "y", "z"]} | more


def three(who: str, first: str, second: str, third: str) -> list[str]:
    return [f"{who}: {a} > {b} | p" for a, b in ((first, second), (first, third), (second, third))]


CONVERSATIONS = {
    "a worse answer beside a conversation": Sample([TALK], [VOTE]),
    "system text beside it": Sample([TALK | {"system": "s"}], ["(unknown): x > y | system: s / p"]),
    "pictures beside it": Sample([TALK | {"images": [f"{n}.png"]} for n in (1, 2)], [VOTE] * 2),
    "a worse message": Sample([{"conversations": [{"from": "human", "value": "p"}, {"from": "gpt", "value": "x"}],
                                "rejected": {"from": "gpt", "value": "y"}}], [VOTE]),
    "a whole worse conversation": Sample([{"conversation": [ASK, GOOD], "rejected": [ASK, BAD]}], [VOTE]),
    "people": Sample([TALK | {"user_id": "u"}, TALK | {"user_id": "v"}], ["u: x > y | p", "v: x > y | p"]),
    "conversations in a CSV": Sample(
        "messages;rejected_response\n\"[{'role': 'user', 'content': 'p'}, {'role': 'assistant', 'content': 'x'}]\";y\n",
        [VOTE], "csv"),
    "another question": Sample(
        [TALK | {"rejected_response": [{"role": "user", "content": "q"}, BAD]}], refused=("question",)),
    "a question at the end": Sample([TALK | {"messages": [ASK, GOOD, ASK]}], refused=("end with an answer", "messages")),
    "no worse answer": Sample([TALK, TALK | {"rejected_response": None}], refused=("rejected_response",)),
    "several worse answers": Sample([TALK | {"rejected_response": ["y", "z"]}], refused=("rejected_response",)),
    "verdicts beside it": Sample([TALK | {"label": False}], refused=("label",)),
    "output and rejected_response": Sample(
        [{"instruction": "p", "input": "i", "output": "x", "rejected_response": "y"}], ["(unknown): x > y | p\n\ni"]),
    "candidates": Sample([nova("preferred", "non-preferred"), nova("non-preferred", "preferred")],
                         [VOTE, "(unknown): y > x | p"]),
    "system text in parts": Sample([nova("preferred", "non-preferred", system=[{"text": "s"}])],
                                   ["(unknown): x > y | system: s / p"]),
    "three candidates": Sample([nova("preferred", "non-preferred", "non-preferred")], refused=("two",)),
    "two preferred ones": Sample([nova("preferred", "preferred")], refused=("two",)),
    "Gemini's parts": Sample(
        [{"systemInstruction": {"parts": [{"text": "s"}]}, "contents": [gemini("p")],
          "completions": [{"score": score, "completion": gemini(text, "model")} for text, score in (("y", 0), ("x", 1.0))]}],
        ["(unknown): x > y | system: s / p"]),
    "Gemini's parts beside chosen": Sample(
        [{"contents": [gemini("p")], "chosen": gemini("x", "model"), "rejected": gemini("y", "model")}], [VOTE]),
    "input_text and candidates": Sample(
        [{"input_text": q, "candidate_0": "x", "candidate_1": "y", "choice": c} for q, c in (("p", 0), ("q", 1))],
        [VOTE, "(unknown): y > x | q"]),
}  # fmt: skip

NAMED = {"format": "chosen-lists"}
LISTS = {
    "several chosen ones": Sample(
        [{"prompt": "p", "chosen": ["x", "X"], "rejected": ["y", "z"]}],
        [f"(unknown): {a} > {b} | p" for a in "xX" for b in "yz"], options=NAMED),
    "lists that nobody named": Sample(
        [{"prompt": "p", "chosen": ["x", "X"], "rejected": ["y", "z"]}], refused=("--format chosen-lists",)),
    "one list among texts": Sample(
        [{"prompt": "p", "chosen": "x", "rejected": ["y", "z"]}], refused=("rejected", "--format chosen-lists")),
    "one chosen text": Sample([{"prompt": "p", "chosen": "x", "rejected": ["y", "z"]}],
                              [VOTE, "(unknown): x > z | p"], "parquet", options=NAMED),
    "lists of conversations": Sample([{"chosen": [[ASK, GOOD]], "rejected": [[ASK, BAD]]}], [VOTE], options=NAMED),
    "answers that are lists": Sample([{"prompt": "p", "chosen": '["x"]', "rejected": "y"}], ['(unknown): ["x"] > y | p']),
    "texts that spell lists": Sample("prompt,chosen,rejected\np,\"['x']\",\"['y']\"\n", container="csv",
                                     refused=("--format chosen-lists", "--format trl")),
    "lists in a CSV": Sample("prompt,chosen,rejected\np,\"['x', 'z']\",\"['y']\"\n", [VOTE, "(unknown): z > y | p"], "csv",
                             options=NAMED),
    "lists without a prompt": Sample(
        [{"chosen": ["x"], "rejected": ["y"]}], refused=("--columns prompt=NAME",), options=NAMED),
    "a missing answer": Sample(
        [{"prompt": "p", "chosen": ["x", None], "rejected": ["y"]}], refused=("chosen",), options=NAMED),
}  # fmt: skip

ORDERS = {
    "a column of ranks for each person": Sample(
        [lists(rank_annotator_1=[1, 2, 3], annotator_2_ranks=[2, 1, 3])],
        [*three("annotator_1", "x", "y", "z"), *three("annotator_2", "y", "x", "z")]),
    "ranks in a CSV": Sample(
        'prompt;responses;rank_rater_1\np;"[""x"", ""y"", ""z""]";[3, 2, 1]\n', three("rater_1", "z", "y", "x"), "csv"),
    "a list of people and ranks": Sample(
        [lists(rankings=[{"annotator": "u", "ranks": [1, 2, 3]}])], three("u", "x", "y", "z")),
    "names of criteria": Sample([lists(honesty_scores=[5, 1, 3], style_scores=[1, 5, 3])], refused=("scores_1", "honesty")),
    "names of criteria in an object": Sample(
        [lists(ratings={"honesty": [5, 1, 3], "style": [1, 5, 3]})], refused=("ratings.honesty",)),
    "lists of numbers without a kind": Sample(
        [lists(annotator_1=[1, 2, 3], annotator_2=[2, 1, 3])], refused=("--columns ranks_1=annotator_1", "best_first_1")),
    "a ranking or ranks": Sample([lists(annotator_1_ranking=[2, 3, 1])], refused=("best_first_1",)),
    "ranks that people were told": Sample(
        [lists(ann=[1, 2, 3], bo=[2, 1, 3])], [*three("ann", "x", "y", "z"), *three("bo", "y", "x", "z")],
        options={"columns": {"ranks_1": "ann", "ranks_2": "bo"}}),
    "scores that people gave": Sample(
        [lists(ann=[9, 5, 1])], three("ann", "x", "y", "z"), options={"columns": {"scores_1": "ann"}}),
    "answers in order": Sample(
        [lists(ann=[2, 3, 1])], three("ann", "y", "z", "x"), options={"columns": {"best_first_1": "ann"}}),
    "orders in an object": Sample(
        [lists(rankings={"ann": [1, 2, 3], "bo": [2, 1, 3]})], three("bo", "y", "x", "z"),
        options={"columns": {"ranks_1": "rankings.bo"}}),
    "people's ranks beside one order": Sample(
        [lists(ranks=[1, 2, 3], rank_annotator_1=[3, 2, 1])], refused=("--columns ranks=", "--columns rank_annotator_1=")),
    "an order that is too short": Sample([lists(rank_annotator_1=[1, 2])], refused=("rank_annotator_1",)),
}  # fmt: skip

TWO = {"prompt": "p", "response_0": "x", "response_1": "y"}
MARKS = {
    "marks that add up to one": Sample([TWO | {"label_0": 1, "label_1": 0}], [VOTE]),
    "a row without a vote": Sample(
        [TWO | {"label_0": 1, "label_1": 0, "has_label": True},
         TWO | {"prompt": "q", "label_0": 0, "label_1": 0, "has_label": False}], [VOTE]),
    "marks or people": Sample(
        [TWO | {"label_0": 1, "label_1": 0}, TWO | {"prompt": "q", "label_0": 0, "label_1": 0}],
        refused=("--columns score_0=label_0 --columns score_1=label_1", "--format several-votes")),
    "marks as scores": Sample(
        [TWO | {"label_0": 1, "label_1": 0}, TWO | {"prompt": "q", "label_0": 0, "label_1": 0}],
        [VOTE, "(unknown): x = y | q"], options={"columns": {"score_0": "label_0", "score_1": "label_1"}}),
    "fractions": Sample(
        [TWO | {"prompt": str(n), "label": n} for n in (0.0, 0.5, 1.0)],
        ["(unknown): x = y | 0.5", "(unknown): x > y | 1.0", "(unknown): y > x | 0.0"],
        options={"label": {"1": "a", "0.5": "tie", "0": "b"}}),
    "fractions without a meaning": Sample([TWO | {"label": 0.5}], refused=("--label '0.5'=a",)),
    "truth values": Sample([TWO | {"label": True}], [VOTE], "parquet", options={"label": {"true": "a"}}),
    "a verdict that is always against": Sample(
        [{"prompt": "p", "chosen": "x", "rejected": "y", "label": False}], refused=("--columns label=",)),
}  # fmt: skip

PARTS = {
    "system text in parts": Sample(
        [{"system": [{"text": "s"}], "prompt": "p", "chosen": "x", "rejected": "y"}], ["(unknown): x > y | system: s / p"]),
    "a system message": Sample(
        [{"system": {"role": "system", "content": "s"}, "prompt": "p", "chosen": "x", "rejected": "y"}],
        ["(unknown): x > y | system: s / p"]),
    "a list of texts": Sample(
        [{"system": ["s", "t"], "prompt": "p", "chosen": "x", "rejected": "y"}], refused=("--columns system=",)),
    "numbers": Sample(
        [{"instruction": "p", "input": n, "chosen": "x", "rejected": "y"} for n in (5, 6)],
        ["(unknown): x > y | p\n\n5", "(unknown): x > y | p\n\n6"]),
    "objects": Sample([{"instruction": "p", "input": {"a": "b"}, "chosen": "x", "rejected": "y"}],
                      refused=("--columns input=",)),
    "a number as the prompt": Sample(
        [{"system": "s", "prompt": 5, "chosen": "x", "rejected": "y"}], refused=("prompt",)),
}  # fmt: skip


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversations_with_a_worse_answer(name: str, tmp_path: Path) -> None:
    CONVERSATIONS[name].check(tmp_path)


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_chosen_and_rejected_answers(name: str, tmp_path: Path) -> None:
    LISTS[name].check(tmp_path)


@pytest.mark.parametrize("name", ORDERS)
def test_orders_of_several_people(name: str, tmp_path: Path) -> None:
    ORDERS[name].check(tmp_path)


@pytest.mark.parametrize("name", MARKS)
def test_marks_and_values_that_are_no_words(name: str, tmp_path: Path) -> None:
    MARKS[name].check(tmp_path)


@pytest.mark.parametrize("name", PARTS)
def test_parts_of_the_prompt_that_are_no_texts(name: str, tmp_path: Path) -> None:
    PARTS[name].check(tmp_path)


def message(own: str, parent: str | None, text: str, rank: float | None = None, **more: Any) -> Row:
    role = "prompter" if rank is None else "assistant"
    return {
        "message_id": own,
        "parent_id": parent,
        "role": role,
        "text": text,
        "rank": rank,
        "user_id": "writer",
    } | more


THREAD = [
    message("q", None, "p"),
    message("a", "q", "x", 0),
    message("b", "q", "y", 1),
    message("c", "a", "Sure?"),
    message("d", "c", "No.", 1),
    message("e", "c", "Yes.", 0),
]
TOLD = ["(unknown): Yes. > No. | p / x / Sure?", VOTE]


def test_trees_name_nobody_and_keep_their_threads(tmp_path: Path) -> None:
    found = Sample(THREAD, TOLD).check(tmp_path)
    assert found is not None
    assert found.reading is not None
    assert any("user_id" in note for note in found.reading.notes)


def test_ranks_of_a_csv_are_numbers(tmp_path: Path) -> None:
    Sample(THREAD, TOLD, "csv").check(tmp_path)


def test_deleted_messages_answer_nothing(tmp_path: Path) -> None:
    rows = [row | {"deleted": row["message_id"] == "b"} for row in THREAD]
    Sample(rows, TOLD[:1]).check(tmp_path)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (THREAD[1:], ("not in the source",)),
        ([*THREAD, THREAD[1]], ("twice",)),
        ([THREAD[0] | {"role": "x"}], ("message",)),
    ],
)
def test_broken_trees_are_refused(rows: list[Row], words: tuple[str, ...]) -> None:
    refused(rows, *words)


def test_a_tree_and_its_messages_give_the_same_votes() -> None:
    def tree(own: str) -> Row:
        row = next(row for row in THREAD if row["message_id"] == own)
        return row | {"replies": [tree(child["message_id"]) for child in THREAD if child["parent_id"] == own]}

    row = json.loads(json.dumps({"message_tree_id": "q", "prompt": tree("q")}))
    assert told(read_votes([row])) == TOLD


@pytest.mark.parametrize("name", ["ms-swift", "prodigy", "nova"])
def test_a_json_file_with_one_row_is_that_row_and_not_the_list_in_it(name: str, tmp_path: Path) -> None:
    shape = SHAPES[name]
    path = tmp_path / "votes.json"
    path.write_text(json.dumps(shape.rows[0]))
    votes = read_votes(path)
    assert votes.reading.format == shape.format
    assert len(votes) == 1
