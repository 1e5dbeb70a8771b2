"""A prompt in messages beside answers in texts is one conversation, in every format: trainers take no mixture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from told import written

from votewise.sources import read_votes
from votewise.sources.containers import stand_ins

ASKED = [{"role": "user", "content": "Best?"}]
COUPLE = {"response_a": "x", "response_b": "y"}


def label_studio(**data: Any) -> dict[str, Any]:
    result = [{"from_name": "p", "to_name": "t", "type": "pairwise", "value": {"selected": "left"}}]
    return {
        "id": 1,
        "data": {"a": "x", "b": "y"} | data,
        "annotations": [{"id": 3, "completed_by": 1, "result": result}],
    }


MIXED: dict[str, Any] = {
    "a labelling tool's dialog": [label_studio(dialog=[{"author": "user", "text": "Best?"}])],
    "messages in one task, a text in another": [label_studio(messages=ASKED), label_studio(prompt="And this?")],
    "a field of a chat": [
        {"id": "r", "status": "completed", "suggestions": {}, "metadata": {}, "vectors": {},
         "fields": {"chat": ASKED, "response_1": "x", "response_2": "y"},
         "responses": {"pref": [{"value": "response_1", "user_id": "u"}]}}
    ],
    "votes in a list": [{"messages": ASKED, **COUPLE, "votes": ["a", "b"]}],
    "ranked answers": [{"messages": ASKED, "responses": ["x", "y"], "ranks": [1, 2]}],
    "two answers": [{"messages": ASKED, "left": "x", "right": "y", "label": "left"}],
    "plain": [{"annotator": "u", "prompt": ASKED, **COUPLE, "label": "a"}],
    "options": [
        {"messages": ASKED, "options": [{"id": "A", "text": "x"}, {"id": "B", "text": "y"}], "accept": ["A"],
         "answer": "accept", "_annotator_id": "u"}
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("large", [False, True])
def test_a_prompt_in_messages_makes_answers_messages(
    name: str, large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_ins, "LARGE", 0 if large else stand_ins.LARGE)
    votes = read_votes(written(MIXED[name], "json", tmp_path))
    texts = votes.texts.to_table() if hasattr(votes.texts, "to_table") else votes.texts
    for pair in texts.to_pylist():
        assert [message["role"] for message in pair["prompt"]] == ["user"]
        for side in ("response_a", "response_b"):
            assert [message["role"] for message in pair[side]] == ["assistant"]
