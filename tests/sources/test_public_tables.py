"""Public data sets in which a row is one pair of answers, under the names that they really have: every vote, by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from told import Row, Sample, told, written

from shell import shell
from votewise.errors import BadInputError
from votewise.sources import read_votes

PKU = {
    "prompt": "Why?", "response_0": "Yes", "response_1": "No", "prompt_source": "x", "response_0_source": "Alpaca-7B",
    "response_1_source": "Alpaca2-8B", "is_response_0_safe": True, "is_response_1_safe": False,
    "response_0_harm_category": {"Privacy Violation": False}, "response_1_harm_category": {"Privacy Violation": True},
    "response_0_severity_level": 0, "response_1_severity_level": 2, "better_response_id": 1, "safer_response_id": 0,
    "response_0_sha256": "ab", "response_1_sha256": "cd",
}  # fmt: skip


def shp(other: str, label: int) -> Row:
    return {
        "post_id": "p1", "domain": "askculinary_train", "upvote_ratio": 0.98, "history": "Why?", "c_root_id_A": "a",
        "c_root_id_B": other, "created_at_utc_A": 1636300679, "created_at_utc_B": 1636300680, "score_A": 340, "score_B": 16,
        "human_ref_A": "Yes", "human_ref_B": other, "labels": label, "seconds_difference": 1.0, "score_ratio": 2.05,
    }  # fmt: skip


def helpsteer2(other: str, strength: int) -> Row:
    said = {"statement": "It is short.", "elaboration": "Very short.", "strength": strength}
    return {
        "split": "train", "prompt": "Why?", "response_1": "Yes", "response_2": other, "preference_strength": strength,
        "preference_statement": "It is short.", "preference_elaboration": "Very short.",
        "three_most_similar_preferences": [said], "all_preferences_unprocessed": [said, said | {"strength": 1}],
    }  # fmt: skip


def kaggle(number: int, asked: list[str], a: list[str], b: list[str], won: str) -> Row:
    row: Row = {"id": number, "model_a": "gpt-4", "model_b": "claude"}
    row |= {name: json.dumps(texts) for name, texts in (("prompt", asked), ("response_a", a), ("response_b", b))}
    return row | {f"winner_{name}": int(name == won) for name in ("model_a", "model_b", "tie")}


def farm(input: str, preference: Any, who: int) -> Row:
    return {
        "instruction": "Fix.", "input": input, "output_1": "bread", "output_2": "bred", "preference": preference,
        "annotator_index": who, "dataset": "alpaca_human", "datasplit": "eval",
    }  # fmt: skip


def judged(preference: Any) -> Row:
    return {
        "instruction": f"I {preference}", "output_1": "Yes", "generator_1": "m", "output_2": "No", "generator_2": "n",
        "annotator": "w", "preference": preference,
    }  # fmt: skip


def wide(*votes: Any) -> Row:
    return {"prompt": "Why?", "response_a": "Yes", "response_b": "No"} | {
        f"annotator_{i}": vote for i, vote in enumerate(votes, 1)
    }


WORDS = {"Left is better": "a", "Right is better": "b", "Same": "tie"}
NAN = float("nan")

FLAT = {
    "SHP": Sample([shp("No", 1), shp("Maybe", 0)], ["(unknown): Maybe > Yes | Why?", "(unknown): Yes > No | Why?"]),
    "LMSYS on Kaggle": Sample(
        [kaggle(1, ["Hi?", "And?"], ["Yes", "Yes!"], ["Yes", "No"], "model_a"), kaggle(2, ["Ho?"], ["Y"], ["N"], "tie")],
        ["(unknown): N = Y | Ho?", "(unknown): Yes! > No | Hi? / Yes / And?"]),
    "WSDM cup": Sample(
        [{"id": "6", "prompt": "Why?", "response_a": "Yes", "response_b": "No", "winner": "model_b", "model_a": "gpt-4",
          "model_b": "claude", "language": "English"}], ["(unknown): No > Yes | Why?"]),
    "alpaca_farm": Sample([farm("bred", 1, 11), farm("", 2, 12)],
                          ["11: bread > bred | Fix.\n\nbred", "12: bred > bread | Fix."]),
    "AlpacaEval": Sample([judged(1.0), judged(NAN), judged(1.5), judged(2.0)],
                         ["w: No = Yes | I 1.5", "w: No > Yes | I 2.0", "w: Yes > No | I 1.0"]),
    "AlpacaEval, 0 is a draw": Sample([judged(1), judged(0)], ["w: No = Yes | I 0", "w: Yes > No | I 1"],
                                      options={"label": {"0": "tie"}}),
    "crowd-kit": Sample(
        [{"worker": "w1", "left": "cat", "right": "dog", "label": "dog"},
         {"worker": "w2", "left": "dog", "right": "cat", "label": "dog"}], ["w1: dog > cat | ", "w2: dog > cat | "]),
    "crowd-kit, mapped": Sample(
        [{"worker": "w1", "left": "cat", "right": "dog", "label": "dog"}], ["w1: dog > cat | "],
        options={"columns": {"annotator": "worker", "response_a": "left", "response_b": "right"}}),
    "Toloka": Sample(
        [{"performer": "p1", "task": "t1", "image_left": "http://x/1.jpg", "image_right": "http://x/2.jpg",
          "label": "left"}],
        ["p1: http://x/1.jpg > http://x/2.jpg | "]),
    "votes of three people": Sample([wide("left", "right", "tie")], [
        "annotator_1: Yes > No | Why?", "annotator_2: No > Yes | Why?", "annotator_3: No = Yes | Why?"]),
    "votes in the voters' words": Sample([wide("Left is better", "Right is better", "Same")], [
        "annotator_1: Yes > No | Why?", "annotator_2: No > Yes | Why?", "annotator_3: No = Yes | Why?"],
        options={"label": WORDS}),
    "votes as numbers": Sample([wide(0, 1)], ["annotator_1: Yes > No | Why?", "annotator_2: No > Yes | Why?"],
                               options={"label": {"0": "a", "1": "b"}}),
    "votes as texts": Sample([wide("Yes", "No")], ["annotator_1: Yes > No | Why?", "annotator_2: No > Yes | Why?"]),
    "people's votes and no machine's label": Sample(
        [wide("b", "b") | {"label": "a", "annotator": "gpt"}],
        ["annotator_1: No > Yes | Why?", "annotator_2: No > Yes | Why?"], options={"columns": {"label": ""}}),
    "people's votes and no chosen": Sample(
        [{"prompt": "Why?", "chosen": "Yes", "rejected": "No", "annotator_1": "chosen", "annotator_2": "rejected"}],
        ["annotator_1: Yes > No | Why?", "annotator_2: No > Yes | Why?"],
        options={"columns": {"response_a": "chosen", "response_b": "rejected"}}),
    "counts": Sample([wide() | {"votes_a": 2, "votes_b": 1}],
                     ["(unknown): No > Yes | Why?", "(unknown): Yes > No | Why?", "(unknown): Yes > No | Why?"]),
    "a vote shared out, as in Pick-a-Pic": Sample(
        [{"question": f"q{i}", "answer_0": "x", "answer_1": "y", "label_0": share, "label_1": 1 - share}
         for i, share in enumerate((1.0, 0.0, 0.5))],
        ["(unknown): x = y | q2", "(unknown): x > y | q0", "(unknown): y > x | q1"]),
    "two people's votes about answers 0 and 1": Sample(
        [{"question": f"q{i}", "answer_0": "x", "answer_1": "y", "label_0": v, "label_1": v} for i, v in enumerate((1, 0))],
        ["(unknown): x > y | q1"] * 2 + ["(unknown): y > x | q0"] * 2, options={"format": "several-votes"}),
    "columns called by people's names": Sample([wide() | {"ada": "a", "bo": "b"}],
                                               ["ada: Yes > No | Why?", "bo: No > Yes | Why?"],
                                               options={"format": "several-votes"}),
}  # fmt: skip

NESTED = {
    "PKU-SafeRLHF": Sample([PKU], ["(unknown): No > Yes | Why?"]),
    "PKU-SafeRLHF, safer": Sample([PKU], ["(unknown): Yes > No | Why?"], options={"criterion": "safer"}),
    "HelpSteer2": Sample([helpsteer2("No", -2), helpsteer2("Maybe", 3)],
                         ["(unknown): Maybe > Yes | Why?", "(unknown): Yes > No | Why?"]),
    "votes by name": Sample([wide() | {"votes": {"ada": "a", "bo": "b"}}], ["ada: Yes > No | Why?", "bo: No > Yes | Why?"]),
    "a list with names": Sample([wide() | {"labels": ["Left is better", "Same"], "annotators": ["ada", "bo"]}],
                                ["ada: Yes > No | Why?", "bo: No = Yes | Why?"], options={"label": WORDS}),
}  # fmt: skip

ALL = FLAT | NESTED


@pytest.mark.parametrize("container", ["list", "jsonl", "json", "parquet", "arrow", "csv", "tsv"])
@pytest.mark.parametrize("name", ALL)
def test_a_public_table_is_read_as_it_is_meant(name: str, container: str, tmp_path: Path) -> None:
    if name in NESTED and container in ("csv", "tsv"):
        pytest.skip("a CSV holds no objects")
    sample = ALL[name]
    votes = read_votes(written(sample.rows, container, tmp_path), **sample.options)
    assert told(votes) == sorted(sample.votes or ())


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_the_commands_read_the_same(name: str, tmp_path: Path) -> None:
    sample = ALL[name]
    path = written(sample.rows, "jsonl", tmp_path)
    words = [f"--format={sample.options['format']}"] if "format" in sample.options else []
    words += [f"--criterion={sample.options['criterion']}"] if "criterion" in sample.options else []
    for option in ("columns", "label"):
        words += [word for pair in sample.options.get(option, {}).items() for word in (f"--{option}", "=".join(pair))]
    for command in (["read"], ["audit", "--out", str(tmp_path / "audit"), "--no-report", "--force"]):
        ended = shell(command[0], path, *words, *command[1:])
        assert ended.code == 0, ended
    assert len(pq.read_table(tmp_path / "audit" / "votes.parquet")) == len(sample.votes or ())


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([wide("Left is better", "Same")], ("annotator_1", "--label 'Left is better'=a")),
        ([wide("b", "b") | {"label": "a", "annotator": "gpt"}], ("--columns annotator_1=", "--columns label=")),
        ([wide() | {"labels": ["left one", "right one"], "annotators": ["ada", "bo"]}], ("--label 'left one'=a",)),
        ([judged(1), judged(0)], ("--label 0=tie",)),
        ([wide() | {"ada": "a", "bo": "b"}], ("--format several-votes", "--columns label=ada")),
        ([kaggle(1, ["Hi?"], ["Yes"], ["No"], "tie"), kaggle(2, ["Hi?"], ["Yes \ud83d"], ["No"], "tie")],
         ("row 2", "response_a", "is not a list of texts, or holds half a character")),
    ],
)  # fmt: skip
def test_what_is_open_is_refused_with_the_options(rows: list[Row], words: tuple[str, ...]) -> None:
    with pytest.raises(BadInputError) as refused:
        read_votes(rows)
    assert all(word in str(refused.value) for word in words), str(refused.value)
