"""Labels in notations of tools, verdicts in several columns, lists in texts: what is read, and what never is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from told import Row, Sample, refused, told

from votewise.errors import BadInputError
from votewise.sources import read_votes

PAIR = {"worker": "w", "prompt": "p", "response_a": "x", "response_b": "y"}
A, B, TIE = "w: x > y | p", "w: y > x | p", "w: x = y | p"

NOTATIONS = {
    "A": ["Response A", "Assistant A", "Option (A)", "output-a", "A>>B", "A > B", "B<A", "[[A]]", "[[A>B]]", "leftvote",
          "1st"],
    "B": ["Model B", "Text B", "chatbot_b", "A<<B", "[[B>A]]", "rightvote", "2nd"],
    "tie": ["Tie", "A=B", "[[A=B]]", "tievote", "bothbad_vote"],
}  # fmt: skip


@pytest.mark.parametrize(("label", "side"), [(text, side) for side, texts in NOTATIONS.items() for text in texts])
def test_notations_mean_one_thing(label: str, side: str) -> None:
    assert told(read_votes([PAIR | {"label": label}])) == [{"A": A, "B": B, "tie": TIE}[side]]


NO_NOTATIONS = [
    "neither", "both", "unsure", "can't choose", "A is worse", "A is not better", "not A", "A or B", "A > A",
    "Left is better", "prefer A",
    "response c", "[[C]]", "1", "Answer 1", "Response 2", "1>2", "yes", "win", "N/A", "better", "a b", "A>B>C",
    "about the same", "no preference", "[A", "A)B", "model", "(b", "good", "option left",
]  # fmt: skip


@pytest.mark.parametrize("label", NO_NOTATIONS)
def test_sentences_and_numbers_are_not_guessed(label: str) -> None:
    refused([PAIR | {"label": label}, PAIR | {"prompt": "q", "label": "a"}], "unknown label", "--label")


def test_what_the_user_says_goes_before_notations() -> None:
    rows = [PAIR | {"label": "Option A"}, PAIR | {"prompt": "q", "label": "a=b"}]
    assert told(read_votes(rows, label={"option a": "b", "A=B": "both_bad"})) == ["w: x = y | q", B]


def test_numbers_in_notations_mean_what_the_answers_columns_are_called() -> None:
    row = {"worker": "w", "prompt": "p", "response_1": "x", "response_2": "y"}
    assert told(read_votes([row | {"label": "Response 2"}])) == [B]
    assert told(read_votes([row | {"label": "2>1"}])) == [B]
    zero = {"worker": "w", "prompt": "p", "response_0": "x", "response_1": "y"}
    assert told(read_votes([zero | {"label": "Response 1"}])) == [B]
    refused([zero | {"label": "Response 2"}], "unknown label")


@pytest.mark.parametrize("label", ["leftvote", "1st"])
def test_places_are_in_doubt_where_another_column_says_who_was_left(label: str) -> None:
    rows = [PAIR | {"prompt": f"p{i}", "label": label, "left_model": ("m", "n")[i]} for i in (0, 1)]
    refused(rows, "left_model")


@pytest.mark.parametrize("label", ["Assistant A", "A>B"])
def test_models_called_like_notations_are_refused(label: str) -> None:
    row = {
        "worker": "w",
        "prompt": "p",
        "output_a": "x",
        "output_b": "y",
        "model_a": "m",
        "model_b": label,
        "label": label,
    }
    with pytest.raises(BadInputError, match="may mean"):
        read_votes([row])


def test_a_model_called_tie_is_no_tie() -> None:
    refused([PAIR | {"model_a": "tie", "model_b": "m", "winner": "tie"}], "may mean")


def test_floating_numbers_of_answers() -> None:
    row = {"worker": "w", "output_1": "x", "output_2": "y"}
    rows = [row | {"prompt": prompt, "choice": number} for prompt, number in (("p", "1.0"), ("q", "2.0"))]
    assert told(read_votes(rows)) == [A, "w: y > x | q"]
    rows = [{"worker": "w", "prompt": "p", "left": "x", "right": "y", "label": "1.0"}]
    refused(rows, "unknown label")
    assert told(read_votes(rows, label={"1": "b"})) == [B]


def marked(**marks: Any) -> Row:
    return PAIR | marks


ONE_HOT = {
    "truth values": Sample([marked(winner_model_a=False, winner_model_b=True, winner_tie=False)], [B], "parquet"),
    "two columns": Sample(
        [marked(winner_a=1, winner_b=0), marked(winner_a=0, winner_b=1, prompt="q")], [A, "w: y > x | q"], "csv"),
    "what two people say": Sample([marked(prefer_a="no", prefer_b="yes")], [B], "csv"),
    "neither of two": Sample([marked(prefer_a=0, prefer_b=0)], refused=("prefer_a", "prefer_b")),
    "both of two": Sample([marked(winner_a=1, winner_b=1)], refused=("winner_a",)),
    "numbers that are no marks": Sample([marked(winner_a=3, winner_b=1)], container="csv", refused=("winner_a",)),
    "a label beside two marks": Sample([marked(prefer_a=1, prefer_b=0, label="b")], [B]),
}  # fmt: skip

LISTS = {
    "as Python": Sample([PAIR | {"labels": "['a', 'b', None]"}], ["(unknown): x > y | p", "(unknown): y > x | p"], "csv"),
    "as NumPy": Sample([PAIR | {"votes": "['A' 'tie']"}], ["(unknown): x = y | p", "(unknown): x > y | p"], "csv"),
    "as JSON with names": Sample(
        [PAIR | {"votes": '["a", "b"]', "annotators": '["u", "v"]'}], ["u: x > y | p", "v: y > x | p"], "csv"),
    "an object": Sample([PAIR | {"votes": '{"u": "a", "v": "b"}'}], ["u: x > y | p", "v: y > x | p"], "tsv"),
    "a bracket that is none": Sample([PAIR | {"label": "[a"}], refused=("unknown label",)),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE_HOT)
def test_verdicts_in_marks(name: str, tmp_path: Path) -> None:
    ONE_HOT[name].check(tmp_path)


@pytest.mark.parametrize("name", LISTS)
def test_lists_in_texts(name: str, tmp_path: Path) -> None:
    sample = LISTS[name]
    rows = [{key: value for key, value in row.items() if key != "worker" or "label" in row} for row in sample.rows]
    Sample(rows, sample.votes, sample.container, sample.refused).check(tmp_path)
