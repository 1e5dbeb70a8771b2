"""Equal answers beside columns about them that differ, and conversations that are cut off: nothing is lost in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from told import refused, told, written

from votewise.sources import read_votes
from votewise.sources.containers import stand_ins

FINE = {"prompt": "q", "chosen": "a", "rejected": "b"}
SAME = {"prompt": "P", "chosen": "X", "rejected": "X"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"chosen_thinking": "a long thought"}, {"rejected_thinking": "a bad thought"}),
        ({"thoughts_chosen": ["long", "good"]}, {"thoughts_rejected": ["bad"]}),
        ({"chosen_audio": "a.wav"}, {"rejected_audio": "b.wav"}),
        ({"calls of chosen": [{"f": 1}]}, {"calls of rejected": [{"f": 2}]}),
    ],
)
@pytest.mark.parametrize("container", ["jsonl", "parquet"])
@pytest.mark.parametrize("large", [False, True])
def test_equal_answers_that_differ_in_a_column_about_them(
    one: Any, other: Any, container: str, large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_ins, "LARGE", 0 if large else stand_ins.LARGE)
    a, b = next(iter(one)), next(iter(other))
    source = written([SAME | one | other, FINE | one | other], container, tmp_path)
    refused(source, "row 1", "the answers are equal", f"'{a}' and '{b}'")
    assert told(read_votes(source, columns={a: "", b: ""})) == ["(unknown): a > b | q"]


@pytest.mark.parametrize("stem", ["model", "reason", "feedback", "score_notes", "policy"])
def test_what_is_about_an_answer_is_no_part_of_it(stem: str) -> None:
    rows = [row | {f"chosen_{stem}": "it is fine", f"rejected_{stem}": "it is bad"} for row in (SAME, FINE)]
    assert read_votes(rows).reading.skipped == 1


@pytest.mark.parametrize(
    "text",
    [
        "[{'content': 'Six', 'role': 'assist...", '[{"role": "assistant", "content": "Si',
        "array([{'content': 'Six', 'role': 'assistant'}, ...", " [{'from': 'gpt', 'value': 'Six'",
    ],
)  # fmt: skip
@pytest.mark.parametrize("large", [False, True])
def test_conversations_that_are_cut_off_are_no_texts(
    text: str, large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_ins, "LARGE", 0 if large else stand_ins.LARGE)
    rows = [{"prompt": f"q{i}", "chosen": text, "rejected": text.replace("Si", "Se")} for i in range(3)]
    refused(written(rows, "csv", tmp_path), "column 'chosen'", "cut off")


def test_texts_that_begin_like_lists_are_texts() -> None:
    rows = [{"prompt": "q", "chosen": '[{"a": 1', "rejected": "[{'role"}]
    assert told(read_votes(rows)) == ['(unknown): [{"a": 1 > [{\'role | q']


def test_questions_of_a_developer_that_differ_are_no_answers() -> None:
    def talk(how: str, said: str) -> list[dict[str, str]]:
        parts = (("developer", how), ("user", "Hi"), ("assistant", said))
        return [{"role": role, "content": text} for role, text in parts]

    refused([{"chosen": talk("Be short", "Yes"), "rejected": talk("Be long", "No")}], "another question")


@pytest.mark.parametrize("key", ["thoughts", "chain_of_thought", "documents"])
def test_what_messages_hold_beside_their_content_tells_answers_apart(key: str) -> None:
    rows = [{"prompt": "q", **{n: [{"role": "assistant", "content": "4", key: n}] for n in ("chosen", "rejected")}}]
    votes = read_votes(rows)
    assert len(votes) == 1
    assert key in votes.texts.to_pylist()[0]["response_a"][0]["other"]


@pytest.mark.parametrize("large", [False, True])
def test_equal_answers_whose_messages_differ_under_an_unknown_key(
    large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_ins, "LARGE", 0 if large else stand_ins.LARGE)

    def row(text: str, **more: Any) -> dict[str, Any]:
        sides = ("chosen", "rejected")
        return {
            "prompt": text,
            **{n: [{"role": "assistant", "content": "4"} | {k: f"{v} {n}" for k, v in more.items()}] for n in sides},
        }

    fine = {
        "prompt": "q",
        "chosen": [{"role": "assistant", "content": "4"}],
        "rejected": [{"role": "assistant", "content": "5"}],
    }
    refused(written([row("p", gedanken="as said by"), fine], "parquet", tmp_path), "row 1", "'gedanken'")
    for key in ("id", "created_at", "model", "score"):
        assert read_votes(written([row("p", **{key: "of"}), fine], "parquet", tmp_path)).reading.skipped == 1
