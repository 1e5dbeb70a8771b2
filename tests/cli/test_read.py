"""What ``votewise read`` shows: roles, meanings, counts, and a command that can be pasted."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import votewise
from shell import shell
from votewise.errors import BadInputError

ROWS = [
    {"worker": f"w{i % 2}", "question": f"Is {i} even?", "left": f"Yes, {i}.", "right": f"No, {i}.", "choice": choice}
    for i, choice in enumerate(["It's left", "It's right", "No idea", "Both bad", "It's left"])
]
TOLD = ["--label", "It's left=a", "--label", "It's right=b", "--label", "No idea=skip", "--label", "Both bad=both_bad"]


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def shown(*arguments: object) -> str:
    ended = shell("read", *arguments)
    assert ended.code == 0, ended
    return ended.out


def test_counts_values_roles_and_the_first_votes(tmp_path: Path) -> None:
    text = shown(write(tmp_path / "v.jsonl", ROWS), *TOLD)
    plain = " ".join(text.split())
    for words in (
        "Format two-answers", "5 rows", "4 votes on 4 pairs by 2 annotators", "1 tie ", "1 of them both bad",
        "1 skipped: no votes", "0 rejected, repeated", "question text prompt", "choice It's left a: first answer 2",
        "choice No idea skip: no vote 1", "w0 on Is 0 even? prefers Yes, 0. to No, 0.",
    ):  # fmt: skip
        assert words in plain, words


def test_the_command_that_is_shown_gives_the_same_output(tmp_path: Path) -> None:
    text = shown(write(tmp_path / "my votes.jsonl", ROWS), *TOLD)
    command = text[text.index("votewise read") : text.index("\n--columns NAME=COLUMN")]
    assert max(map(len, command.splitlines()[2:])) <= 80
    words = shlex.split(command.replace("\\\n", " "))
    again = shown(*words[2:])
    # Only the note on which column was found by itself is gone.
    found = re.sub(r"Note  Annotators are taken.*\n", "", text)
    assert again == found


def test_unknown_people_are_not_one_annotator(tmp_path: Path) -> None:
    rows = [{name: value for name, value in row.items() if name != "worker"} for row in ROWS]
    plain = " ".join(shown(write(tmp_path / "v.jsonl", rows), *TOLD).split())
    assert "4 votes on 4 pairs 3 for one of the two answers" in plain
    assert "4 by unknown people (--one-annotator NAME: all by this one)" in plain


def test_a_column_that_is_set_aside_is_named(tmp_path: Path) -> None:
    rows = [row | {"comment": f"These are {i} words of text."} for i, row in enumerate(ROWS)]
    plain = " ".join(shown(write(tmp_path / "v.jsonl", rows), *TOLD, "--columns", "comment=").split())
    assert "comment text carried along: set aside by --columns" in plain
    assert "--columns comment=" in plain


def test_json_has_the_values_and_the_options(tmp_path: Path) -> None:
    found = json.loads(shown(write(tmp_path / "v.jsonl", ROWS), *TOLD, "--json"))
    assert found["options"]["columns"]["response_a"] == "left"
    assert found["options"]["label"]["No idea"] == "skip"
    assert {"column": "choice", "value": "It's left", "meaning": "a", "count": 2} in found["values"]
    assert len(found["examples"]) == 3


def log(models: tuple[str, ...] = ("big", "it's small"), n: int = 120) -> list[dict[str, object]]:
    """Clicks under names and words of their own, without texts: a draft, a row without a user and one without a winner."""
    words = ["[[A]]", "it's left", "Tie", "Both bad", "No idea", models[0]]
    rows: list[dict[str, object]] = []
    for i in range(n):
        sides = [models[0], models[1 + i // 6 % (len(models) - 1)]][:: 1 if i % 4 else -1]
        row = {"who": f"u{i % 7}", "left": sides[0], "right": sides[1], "choice": words[i % 6], "comment": "well",
               "status": "submitted"}  # fmt: skip
        rows.append(row)
    rows[6]["status"], rows[12]["who"], rows[18]["choice"] = "draft", None, None
    return rows


CLICKS = ["--columns", "user=who", "--columns", "model_a=left", "--columns", "model_b=right", "--columns", "winner=choice",
          "--label", "it's left=a", "--label", "No idea=skip", "--on-error", "skip"]  # fmt: skip


@pytest.mark.parametrize("models", [("big", "it's small"), ("big", "it's small", "old")])
def test_a_log_of_clicks_is_shown_as_votes_are(models: tuple[str, ...], tmp_path: Path) -> None:
    path = write(tmp_path / "my clicks.jsonl", log(models))
    plain = " ".join(shown(path, *CLICKS).split())
    for words in (
        "Format clicks", "120 rows", "97 clicks by 7 users", "40 ties", "20 of them both bad", "21 skipped: no votes",
        "2 rejected: unusable", "0 repeated", "who text user", "left text model_a", "choice text winner",
        "status text status", "comment text carried along", "choice it's left a: first answer 20", "choice Tie tie 20",
        "choice Both bad both_bad: a tie 20", "choice No idea skip: no vote 20", "(an answer's text, or a model's name)",
        "The first clicks u0 prefers it's small to big u1 prefers big to it's small u2 finds equal big and it's small",
    ):  # fmt: skip
        assert words in plain, words


@pytest.mark.parametrize("models", [("big", "it's small"), ("big", "it's small", "old")])
def test_the_commands_for_clicks_can_be_pasted(models: tuple[str, ...], tmp_path: Path) -> None:
    text = shown(write(tmp_path / "my clicks.jsonl", log(models)), *CLICKS)
    command = text[text.index("votewise read") : text.index("\n--columns NAME=COLUMN")]
    assert shown(*shlex.split(command.replace("\\\n", " "))[2:]) == text
    words = shlex.split(text[text.index("votewise filter") :].replace("\\\n", " "))
    ended = shell(*words[1:], "--dry-run")
    assert ended.code == 0, ended


def test_clicks_from_python_and_as_json(tmp_path: Path) -> None:
    rows = [
        {"user": f"u{i % 3}", "model_a": "x", "model_b": "y", "winner": "ab"[i % 2], "prompt": f"p {i}"}
        for i in range(9)
    ]
    found = votewise.read(rows)
    assert found.votes is None
    assert found.clicks is not None
    assert (found.clicks.n_users, found.reading.kept, found.reading.format) == (3, 9, "clicks")
    assert found.reading.options == {}
    assert found.examples.to_pylist()[1] == {
        "annotator": "u1", "prompt": "p 1", "preferred": "y", "other": "x", "tie": False,
    }  # fmt: skip
    told = json.loads(shown(write(tmp_path / "c.jsonl", rows), "--json"))
    assert {"column": "winner", "value": "a", "meaning": "a", "count": 5} in told["values"]
    with pytest.raises(BadInputError, match="one_annotator: clicks without a user are nobody's"):
        votewise.read(rows, one_annotator="me")
    with pytest.raises(BadInputError, match="holds clicks without the texts"):
        votewise.read(iter(rows))


def test_clicks_that_cannot_be_used_are_refused_with_the_option(tmp_path: Path) -> None:
    rows = [{"user": row["who"] or "u", "model_a": row["left"], "model_b": row["right"], "winner": "it's left",
             "status": row["status"]} for row in log()]  # fmt: skip
    with pytest.raises(BadInputError, match=r"unknown winner in 119 rows.*--label 'it'\"'\"'s left'=a") as refused:
        votewise.read(rows)
    option = re.search(r"--label \S+ \S+=a", str(refused.value))
    assert option is not None
    assert shlex.split(option[0])[1] == "it's left=a"
    assert votewise.read(rows, label={"it's left": "a"}).reading.kept == 119
