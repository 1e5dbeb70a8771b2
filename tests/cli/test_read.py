"""What ``votewise read`` shows: roles, meanings, counts, and a command that can be pasted."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from votewise.cli import main

ROWS = [
    {"worker": f"w{i % 2}", "question": f"Is {i} even?", "left": f"Yes, {i}.", "right": f"No, {i}.", "choice": choice}
    for i, choice in enumerate(["It's left", "It's right", "No idea", "Both bad", "It's left"])
]
TOLD = ["--label", "It's left=a", "--label", "It's right=b", "--label", "No idea=skip", "--label", "Both bad=both_bad"]


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["read", *map(str, arguments)])
    assert ended.value.code in (0, None)
    return capsys.readouterr().out


def test_counts_values_roles_and_the_first_votes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, write(tmp_path / "v.jsonl", ROWS), *TOLD)
    plain = " ".join(text.split())
    for words in (
        "Format two-answers", "5 rows", "4 votes on 4 pairs by 2 annotators", "1 tie ", "1 of them both bad",
        "1 skipped: no votes", "0 rejected, repeated", "question text prompt", "choice It's left a: first answer 2",
        "choice No idea skip: no vote 1", "w0 on Is 0 even? prefers Yes, 0. to No, 0.",
    ):  # fmt: skip
        assert words in plain, words


def test_the_command_that_is_shown_gives_the_same_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, write(tmp_path / "my votes.jsonl", ROWS), *TOLD)
    command = text[text.index("votewise read") : text.index("\n--columns NAME=COLUMN")]
    assert max(map(len, command.splitlines()[2:])) <= 80
    words = shlex.split(command.replace("\\\n", " "))
    again = shown(capsys, *words[2:])
    # Only the note on which column was found by itself is gone.
    found = re.sub(r"Note  Annotators are taken.*\n", "", text)
    assert again == found


def test_unknown_people_are_not_one_annotator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{name: value for name, value in row.items() if name != "worker"} for row in ROWS]
    plain = " ".join(shown(capsys, write(tmp_path / "v.jsonl", rows), *TOLD).split())
    assert "4 votes on 4 pairs 3 for one of the two answers" in plain
    assert "4 by unknown people (--one-annotator NAME: all by this one)" in plain


def test_a_column_that_is_set_aside_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row | {"comment": f"These are {i} words of text."} for i, row in enumerate(ROWS)]
    plain = " ".join(shown(capsys, write(tmp_path / "v.jsonl", rows), *TOLD, "--columns", "comment=").split())
    assert "comment text carried along: set aside by --columns" in plain
    assert "--columns comment=" in plain


def test_json_has_the_values_and_the_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(shown(capsys, write(tmp_path / "v.jsonl", ROWS), *TOLD, "--json"))
    assert found["options"]["columns"]["response_a"] == "left"
    assert found["options"]["label"]["No idea"] == "skip"
    assert {"column": "choice", "value": "It's left", "meaning": "a", "count": 2} in found["values"]
    assert len(found["examples"]) == 3
