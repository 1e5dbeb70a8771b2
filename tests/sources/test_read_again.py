"""Whatever a tool or a data set has beside its votes: what is exported of them is read again without options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shapes import ARENA, SHAPES, argilla
from told import told

import votewise
from votewise.sources import read_votes


def turn(text: str, a: str, b: str) -> dict[str, Any]:
    said = {"user": text, "model_side_a": a, "model_side_b": b}
    roles = {"user": "user", "model_side_a": "assistant", "model_side_b": "assistant"}
    return {key: {"role": roles[key], "content": content} for key, content in said.items()}


SUGGESTED = {
    "preference.suggestion": "response-1",
    "preference.suggestion.score": 0.9,
    "preference.suggestion.agent": "gpt",
}
SOURCES: dict[str, list[dict[str, Any]]] = {
    "turns of users": [row | {"full_conversation": [turn("Hi", "Yes", "No")]} for row in ARENA],
    "suggestions": [argilla(["response-1", "response-2"], ["u1", "u2"], ["submitted"] * 2) | SUGGESTED],
    "empty objects": [row | {"meta": {}, "drafts": []} for row in SHAPES["labelstudio"].rows],
}


@pytest.mark.parametrize("name", [f"votes.{end}" for end in ("jsonl", "parquet")])
@pytest.mark.parametrize("to", ["votes", "trl"])
@pytest.mark.parametrize("source", SOURCES)
def test_an_export_is_read_again(source: str, to: Any, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    votewise.export(votewise.audit(SOURCES[source], force=True), out=path, to=to, min_confidence=0)
    strict = [vote for vote in told(read_votes(SOURCES[source])) if " > " in vote]
    assert told(read_votes(path)) == strict


def test_votes_without_a_prompt_are_read_again_in_openais_shape(tmp_path: Path) -> None:
    rows = [{"worker": who, "left": "x", "right": "y", "label": "x"} for who in ("u1", "u2")]
    path = tmp_path / "out.jsonl"
    votewise.export(votewise.audit(rows, force=True), out=path, to="openai")
    assert told(read_votes(path)) == ["(unknown): x > y | "] * 2
    path.write_text(
        path.read_text("utf-8").replace('"messages": []', '"messages": [{"role": "user", "content": "p"}]', 1)
    )
    assert told(read_votes(path)) == ["(unknown): x > y | ", "(unknown): x > y | p"]


def test_an_empty_option_of_a_task_is_an_answer() -> None:
    task = SHAPES["prodigy"].rows[0] | {"options": [{"id": "A", "text": "Yes"}, {"id": "B", "text": ""}]}
    assert told(read_votes([task])) == ["s1: Yes >  | Hi"]
