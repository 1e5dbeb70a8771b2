"""A value that is refused: the message names an option with which the same command goes on."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from votewise.cli import main

VOTES = [
    {"prompt": f"p {i}", "response_a": f"yes {i}", "response_b": f"no {i}", "annotator": f"w{i % 3}", "label": "ab"[i % 2],
     "weight": 1.0 + i, "log_odds": 0.5, "time": 1000 + i, "gold": "a", "pair": f"n{i}"}
    for i in range(8)
]  # fmt: skip
PREFERRED = [{"prompt": f"p {i}", "chosen": f"yes {i}", "rejected": f"no {i}", "annotator": "w"} for i in range(8)]
CHATS = [
    {name: [{"role": "user", "content": f"{name} {i}"}] for name in ("prompt", "chosen", "rejected")} for i in range(8)
]
RANKED = [{"prompt": f"p {i}", "completions": [f"x {i}", f"y {i}"], "ranks": [1, 2]} for i in range(8)]
COUNTED = [
    {"prompt": f"p {i}", "response_a": f"x {i}", "response_b": f"y {i}", "votes_a": 2, "votes_b": 1} for i in range(8)
]
JUDGED = [
    {"instruction": f"p {i}", "output_1": f"x {i}", "output_2": f"y {i}", "generator_1": "m", "generator_2": "n",
     "annotator": "gpt", "preference": 1.0 + i % 2} for i in range(8)
]  # fmt: skip
CLICKS = [{"user": f"u{i % 3}", "model_a": "x", "model_b": "y", "winner": f"model_{'ab'[i % 2]}"} for i in range(8)]

REFUSED: list[tuple[list[dict[str, Any]], str, Any]] = [
    (VOTES, "label", None), (VOTES, "label", ""), (VOTES, "label", "It's left"), (VOTES, "label", "$HOME"),
    (VOTES, "label", 7), (VOTES, "weight", -1.0), (VOTES, "weight", "much"), (VOTES, "log_odds", "high"),
    (VOTES, "time", "yesterday"), (VOTES, "gold", "perhaps"), (VOTES, "pair", ""), (VOTES, "pair", None),
    (VOTES, "response_a", None), (VOTES, "response_b", 5), (VOTES, "annotator", ["w"]), (VOTES, "prompt", {"a": 1}),
    (PREFERRED, "chosen", None), (PREFERRED, "rejected", 1.5), (CHATS, "chosen", "text"), (CHATS, "rejected", [{"role": 1}]),
    (RANKED, "ranks", ["first", "second"]), (RANKED, "ranks", [1]), (COUNTED, "response_a", None),
    (JUDGED, "preference", 7.0), (JUDGED, "preference", 0), (JUDGED, "output_1", None),
    (CLICKS, "winner", None), (CLICKS, "winner", "It's left"), (CLICKS, "user", None), (CLICKS, "model_a", None),
    (CLICKS, "model_b", "x"),
]  # fmt: skip


def ended(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main(list(map(str, words)))
    printed = capsys.readouterr()
    return int(end.value.code or 0), printed.out + printed.err


@pytest.mark.parametrize(("rows", "column", "value"), REFUSED)
def test_the_option_that_a_refusal_names_is_accepted(
    rows: list[dict[str, Any]], column: str, value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [row | {column: value} if i == 3 else row for i, row in enumerate(rows)]
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in wrong))
    code, line = ended(capsys, "read", path)
    if code == 0:
        pytest.skip("is read, and is no refusal")
    assert code == 2, line
    said = re.search(r"--on-error skip|--(?:label|columns) (?:'(?:[^']|'\"'\"')*'|[^ '])+", line)
    assert said is not None, line
    words = shlex.split(said[0].rstrip(",;)"))
    code, printed = ended(capsys, "read", path, *words)
    assert code == 0, f"{line} -> {words} -> {printed}"
    left_out = re.search(r"\b1 +rejected: unusable", printed) is not None
    assert left_out == (words[0] == "--on-error"), printed


def test_a_line_that_cannot_be_parsed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for rows in (VOTES, CLICKS):
        path = tmp_path / "in.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"prompt": "p\n')
        code, line = ended(capsys, "read", path)
        assert (code, "--on-error skip" in line) == (2, True), line
        assert ended(capsys, "read", path, "--on-error", "skip")[0] == 0


def test_read_says_that_it_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    shown = " ".join(ended(capsys, "read", "--help")[1].replace("│", " ").split())
    assert "Nothing is written." in shown
    assert "rejected.jsonl" not in shown


@pytest.mark.parametrize("option", ["--group", "--group-column"])
def test_a_ranking_with_groups_is_refused_in_one_line(option: str, tmp_path: Path, capsys: Any) -> None:
    votes = tmp_path / "votes.jsonl"
    votes.write_text("\n".join(map(json.dumps, CLICKS)), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["rank", str(votes), option, "judges=gpt-*", "--out", str(tmp_path / "out")])
    assert ended.value.code == 2
    told = capsys.readouterr().err.strip()
    assert "\n" not in told
    assert "rank without it, and of annotators who copy leave one in the votes" in told
    assert not (tmp_path / "out").exists()
