"""The better and the worse answer under other names, and names that look like theirs and hold something else."""

from __future__ import annotations

import json
import shlex
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from told import Sample, refused, told

from votewise.errors import BadInputError
from votewise.sources import read_votes

COUPLES = [
    ("better", "worse"), ("winner", "loser"), ("win", "lose"), ("good", "bad"), ("pos", "neg"), ("y_w", "y_l"),
    ("Winning Response", "Losing Response"), ("response_better", "response_worse"), ("good_answer", "bad_answer"),
    ("positive_response", "negative_response"), ("selected", "rejected"), ("accept", "reject"), ("output_w", "output_l"),
    ("chosen_messages", "rejected_messages"), ("answer_j", "answer_k"), ("messages", "rejected_messages"),
]  # fmt: skip


@pytest.mark.parametrize(("better", "worse"), COUPLES)
def test_the_better_and_the_worse_answer_under_other_names(better: str, worse: str) -> None:
    texts = [("Yes, it really is.", "No, it is not."), ("No, it never is.", "Yes, it always is.")]
    rows: list[dict[str, Any]] = [{"prompt": f"Is it {i}?", better: a, worse: b} for i, (a, b) in enumerate(texts)]
    if "messages" in better:
        rows = [
            {"prompt": r["prompt"]} | {n: [{"role": "assistant", "content": r[n]}] for n in (better, worse)}
            for r in rows
        ]
    votes = read_votes(rows)
    assert told(votes) == [
        "(unknown): No, it never is. > Yes, it always is. | Is it 1?",
        "(unknown): Yes, it really is. > No, it is not. | Is it 0?",
    ]
    assert any("other names" in note for note in votes.reading.notes)


OTHER_THINGS = {
    "models": {"winner": "gpt-4", "loser": "claude"},
    "models with long names": {"winner": "GPT 4 turbo", "loser": "Claude 3 opus"},
    "sides": {"better": "a", "worse": "b"},
    "numbers": {"win": 3, "lose": 1},
    "counts in texts": {"good": "12", "bad": "7"},
    "ids": {"pos": "d17", "neg": "d4"},
}


@pytest.mark.parametrize("name", OTHER_THINGS)
def test_names_of_models_sides_and_numbers_are_no_answers(name: str) -> None:
    with pytest.raises(BadInputError, match="unknown format") as error:
        read_votes([{"prompt": "Is it one?"} | OTHER_THINGS[name], {"prompt": "Is it two?"} | OTHER_THINGS[name]])
    better, worse = OTHER_THINGS[name]
    assert f"--columns chosen={better} --columns rejected={worse}" in str(error.value)


def test_the_command_for_single_words_reads_them() -> None:
    rows = [{"question": "Is fire hot?", "better": "Yes", "worse": "No"}]
    assert told(read_votes(rows, columns={"prompt": "question", "chosen": "better", "rejected": "worse"})) == [
        "(unknown): Yes > No | Is fire hot?"
    ]


def test_praise_and_blame_of_an_answer_are_no_answers() -> None:
    remarks = {"good": "It has a nice tone.", "bad": "It is far too long."}
    refused([{"prompt": "Is it so?", "response": "Yes."} | remarks], "single verdicts")


def test_two_couples_are_not_guessed() -> None:
    names = ("better", "worse", "good", "bad")
    rows = [{"prompt": "p q", **{name: f"A text of {name} words" for name in names}}]
    with pytest.raises(BadInputError, match="unknown format"):
        read_votes(rows)


def test_a_winner_beside_two_answers_is_a_label() -> None:
    rows = [{"worker": "w", "prompt": "p", "response_a": "x x", "response_b": "y y", "winner": "y y", "loser": "x x"}]
    assert told(read_votes(rows)) == ["w: y y > x x | p"]


def test_options_in_messages_can_be_pasted() -> None:
    rows = [{"prompt": "p", "chosen": "c", "rejected": "r", "Who is it?": who} for who in ("Ann", "Bob")]
    with pytest.raises(BadInputError) as error:
        read_votes(rows)
    words = shlex.split(str(error.value)[str(error.value).index("--columns") :])
    assert words[1] == "annotator=Who is it?"
    refused(
        [{"prompt": "p", "chosen": "c", "rejected": "r", "meta": {"worker": w}} for w in "ab"], "annotator=meta.worker"
    )


def test_a_value_inside_an_object_is_offered_as_the_label() -> None:
    rows = [{"prompt": "p", "answer1": "x", "answer2": "y", "annotator": 1, "comparison": {"selected": "right"}}]
    refused(rows, "--columns label=comparison.selected")
    assert told(read_votes(rows, columns={"label": "comparison.selected"})) == ["1: y > x | p"]


def test_rows_that_are_columns_are_not_offered_as_votes() -> None:
    """The command must not read the first row alone, as of an object with a row under each number."""
    row = {"annotator": "w", "prompt": "p", "response_a": "x", "response_b": "y", "label": "a"}
    with pytest.raises(BadInputError, match="unknown format") as error:
        read_votes([{"0": row, "1": row}])
    assert "0." not in str(error.value)


def test_all_columns_of_a_wide_table_are_named() -> None:
    names = [f"field{i}x" for i in range(30)]
    refused([dict.fromkeys(names, "text")], *names)


EXCEL = {
    "semicolons": Sample("sep=;\nworker;prompt;left;right;label\nw;p;x;y;left\n", ["w: x > y | p"], "csv"),
    "commas and two line ends": Sample(
        "sep=,\r\nworker,prompt,left,right,label\r\nw,p,x,y,right\r\n", ["w: y > x | p"], "csv"),
    "a bar": Sample("\ufeffsep=|\nworker|prompt|left|right|label\nw|p|x|y|tie\n", ["w: x = y | p"], "csv"),
    "bars alone": Sample("worker|prompt|left|right|label\nw|p|x|y|tie\n", ["w: x = y | p"], "csv"),
    "filled with commas": Sample("sep=,,,,\nworker,prompt,left,right,label\nw,p,x,y,left\n", ["w: x > y | p"], "csv"),
    "a column of that name": Sample("sep,worker,left,right,label\n1,w,x,y,left\n", ["w: x > y | "], "csv"),
    "a row that is too short": Sample("sep=;\nworker;prompt;left;right;label\nw;p;x;y;left\nv;p\n", container="csv",
                                      refused=("row 2", "2 fields")),
}  # fmt: skip


@pytest.mark.parametrize("name", EXCEL)
def test_a_first_line_that_names_the_separator(name: str, tmp_path: Path) -> None:
    EXCEL[name].check(tmp_path)


@pytest.mark.parametrize("orient", ["columns", "index", "split", "records", "table"])
def test_tables_as_pandas_writes_them(orient: Any, tmp_path: Path) -> None:
    row = {"prompt": "p", "left": "x", "right": "y"}
    rows = [row | {"worker": who, "label": side} for who, side in (("u", "left"), ("v", "right"))]
    pd.DataFrame(rows).to_json(tmp_path / "votes.json", orient=orient)
    assert told(read_votes(tmp_path / "votes.json")) == ["u: x > y | p", "v: y > x | p"]


NO_TABLES = {
    "columns of other lengths": {
        "left": {"0": "x", "1": "z"},
        "right": {"0": "y"},
        "label": {"0": "left", "1": "left"},
    },
    "rows with names": {"left": {"a": "x"}, "right": {"a": "y"}, "label": {"a": "left"}},
    "no votes": {"0": {"x": 1}, "1": {"x": 2}},
    "a short row": {"columns": ["left", "right", "label"], "data": [["x", "y"]]},
}


@pytest.mark.parametrize("name", NO_TABLES)
def test_other_objects_are_no_tables_of_pandas(name: str, tmp_path: Path) -> None:
    (tmp_path / "votes.json").write_text(json.dumps(NO_TABLES[name]))
    with pytest.raises(BadInputError):
        read_votes(tmp_path / "votes.json")


CHOICE = {"text": "p", "answer": "accept", "_session_id": "s-ann", "_timestamp": 1_700_000_000, "_view_id": "choice",
          "options": [{"id": "A", "text": "x"}, {"id": "B", "text": "y"}]}  # fmt: skip
THREE = CHOICE | {"options": [{"id": i, "text": text} for i, text in enumerate("xyz")]}

PRODIGY = {
    "one of two": Sample([CHOICE | {"accept": ["B"]}], ["s-ann: y > x | p"]),
    "a named annotator": Sample([CHOICE | {"accept": ["A"], "_annotator_id": "db-bob"}], ["db-bob: x > y | p"]),
    "both of two": Sample([CHOICE | {"accept": ["A", "B"]}], ["s-ann: x = y | p"]),
    "two of three": Sample([THREE | {"accept": [0, 2]}], ["s-ann: x > y | p", "s-ann: z > y | p"]),
    "ignored, rejected and empty": Sample(
        [CHOICE | {"accept": ["A"]}, CHOICE | {"accept": ["A"], "answer": "ignore", "text": "q"},
         CHOICE | {"accept": ["B"], "answer": "reject", "text": "r"}, CHOICE | {"accept": [], "text": "s"}],
        ["s-ann: x > y | p"]),
    "the later one": Sample(
        [CHOICE | {"accept": ["B"], "_timestamp": 1_700_000_009}, CHOICE | {"accept": ["A"]}], ["s-ann: y > x | p"], "json"),
    "an id that is no option": Sample([CHOICE | {"accept": ["C"]}], refused=("none of the options", "'C'")),
    "options without ids": Sample([CHOICE | {"accept": ["A"], "options": ["x", "y"]}], refused=("options",)),
    "a prompt of its own": Sample(
        [CHOICE | {"accept": ["A"], "prompt": "asked", "system": "Be kind."}], ["s-ann: x > y | system: Be kind. / asked"]),
}  # fmt: skip


@pytest.mark.parametrize("name", PRODIGY)
def test_choices_of_prodigy(name: str, tmp_path: Path) -> None:
    PRODIGY[name].check(tmp_path)


def test_turns_of_inputs_and_outputs_are_a_history() -> None:
    turns = [{"input": "one", "output": "two"}]
    rows = [{"conversation": turns, "prompt": "three", "chosen": "c", "rejected": "r"}]
    assert told(read_votes(rows)) == ["(unknown): c > r | one / two / three"]


def test_the_choice_of_summaries_counts_from_0() -> None:
    row = {"info": {"post": "A long post."}, "summaries": [{"text": "x"}, {"text": "y"}], "choice": 1, "worker": "w"}
    assert told(read_votes([row])) == ["w: y > x | A long post."]
    refused([{name: value for name, value in row.items() if name != "worker"}], "best_from_0")


@pytest.mark.parametrize("name", ["annotateur", "Bewerter", "anotador_id", "評価者", "разметчик", "who"])
def test_people_in_other_languages_are_not_left_out(name: str) -> None:
    rows = [{"prompt": f"q{i}", "chosen": "x", "rejected": "y", name: f"p{i % 2}"} for i in range(4)]
    with pytest.raises(BadInputError, match="--columns") as error:
        read_votes(rows)
    assert name in str(error.value)
    assert set(read_votes(rows, columns={"annotator": name}).annotator_ids.to_pylist()) == {"p0", "p1"}


def test_people_may_be_decimal_numbers_and_are_not_dates() -> None:
    shared = {"prompt": ["p", "q"], "chosen": ["x", "x"], "rejected": ["y", "y"]}
    numbers = pa.array([Decimal("123456789012345678901"), Decimal(7)], pa.decimal128(38, 0))
    found = read_votes(pa.table(shared | {"worker_id": numbers}))
    assert set(found.annotator_ids.to_pylist()) == {"123456789012345678901", "7"}
    for other in (pa.array([date(2026, 5, 13), None]), pa.array([b"w", b"v"])):
        with pytest.raises(BadInputError, match="worker_id"):
            read_votes(pa.table(shared | {"worker_id": other}))
