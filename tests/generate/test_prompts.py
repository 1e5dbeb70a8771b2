"""Prompts from files, tables, votes and lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import votewise
from votewise.errors import BadInputError
from votewise.generate import read_prompts
from votewise.sources.reader import SourceReader


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_lines_of_text(tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("\ufeffone\n\ntwo é\r\none\n  \nthree", encoding="utf-8")
    found = read_prompts(path)
    assert found.prompts == ["one", "two é", "three"]
    assert (found.read, found.repeated, found.empty, found.source) == (6, 1, 2, str(path))
    assert len(set(found.keys)) == 3
    limited = read_prompts(str(path), limit=2)
    assert limited.prompts == ["one", "two é"]
    assert limited.keys == found.keys[:2]


@pytest.mark.parametrize("name", ["prompt", "instruction", "question"])
def test_a_column_of_prompts(tmp_path: Path, name: str) -> None:
    rows = [{name: "one", "other": 1}, {name: "two", "other": 2}, {name: "one", "other": 3}]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "p.csv").write_text(f"{name},other\none,1\ntwo,2\none,3\n")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "p.parquet")
    for source in (tmp_path / "p.jsonl", tmp_path / "p.csv", tmp_path / "p.parquet", rows):
        assert read_prompts(source).prompts == ["one", "two"]


def test_one_split_is_read(tmp_path: Path) -> None:
    ask = {"prompt": "ask"}
    for split in ("train", "test"):
        pq.write_table(pa.table({"ask": [split]}), tmp_path / f"{split}-00000-of-00001.parquet")
    assert read_prompts(tmp_path, SourceReader(columns=ask)).prompts == ["train"]
    assert read_prompts(tmp_path, SourceReader(columns=ask, split="test")).prompts == ["test"]
    with pytest.raises(BadInputError, match="no split 'dev'"):
        read_prompts(tmp_path, SourceReader(split="dev"))
    (tmp_path / "lines.txt").write_text("one")
    with pytest.raises(BadInputError, match="split: says how a table of prompts is read, and there is none"):
        votewise.generate(tmp_path / "lines.txt", model="m", split="test", dry_run=True)


def test_conversations() -> None:
    turns = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one"}]
    assert read_prompts([{"prompt": turns}, {"prompt": user("two")}, {"prompt": turns}]).prompts == [turns, user("two")]


def test_texts_among_conversations_become_conversations() -> None:
    found = read_prompts([{"prompt": user("one")}, {"prompt": "two"}, {"prompt": user("two")}])
    assert found.prompts == [user("one"), user("two")]
    assert found.repeated == 1


def test_prompts_of_votes() -> None:
    plain = {"response_a": "x", "response_b": "y", "annotator": "k", "label": "a"}
    assert read_prompts([{"prompt": p, **plain} for p in ("one", "two", "one")]).prompts == ["one", "two"]
    both = {"chosen": [*user("hi"), {"role": "assistant", "content": "x"}]}
    both["rejected"] = [*user("hi"), {"role": "assistant", "content": "y"}]
    assert read_prompts([both]).prompts == [user("hi")]


def test_prompts_of_comparisons_without_votes() -> None:
    assert read_prompts([{"prompt": "one", "response_a": "x", "response_b": "y"}]).prompts == ["one"]


def test_texts_and_prompts_that_are_in_memory() -> None:
    found = read_prompts(["one", "two", "one", ""])
    assert found.prompts == ["one", "two"]
    assert (found.read, found.repeated, found.empty, found.source) == (4, 1, 1, "list of texts")
    assert read_prompts(found) == found
    first = read_prompts(found, limit=1)
    assert (first.prompts, first.keys) == (["one"], found.keys[:1])


def test_a_renamed_column() -> None:
    assert read_prompts([{"ask": "one"}], SourceReader(columns={"prompt": "ask"})).prompts == ["one"]


def test_what_labels_mean_decides_about_votes_only() -> None:
    votes = [
        {"prompt": p, "response_a": "x", "response_b": "y", "annotator": "k", "label": label}
        for p, label in (("one", "links"), ("two", "rechts"))
    ]
    with pytest.raises(BadInputError, match="--label 'links'=a"):
        read_prompts(votes)
    reader = SourceReader(label={"links": "a", "rechts": "b"})
    assert read_prompts(votes, reader).prompts == ["one", "two"]


@pytest.mark.parametrize("good", ["one", [{"role": "user", "content": "one"}]])
def test_unusable_rows_are_left_out_and_written_down(good: Any, tmp_path: Path) -> None:
    rows = [{"prompt": good, "id": 1}, {"prompt": None, "id": 2}, {"prompt": [{"role": "user"}], "id": 3}]
    reader = SourceReader(on_error="skip")
    found = read_prompts(rows[:2] if good == "one" else rows, reader)
    assert found.prompts == [good]
    rejected = reader.write_rejected(tmp_path / "a-rejected.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "a-rejected.jsonl").read_text().splitlines()]
    assert [line["record"]["id"] for line in lines] == ([2] if good == "one" else [2, 3])
    assert rejected.rows == len(lines)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"text_of_it": "one"}], "no column of prompts among text_of_it"),
        ([{"prompt": "  "}], "there are no prompts"),
        ([{"prompt": "one"}, {"prompt": None}], r"row 2, column 'prompt': is null"),
        ([{"prompt": user("one")}, {"prompt": [{"role": "user"}]}], r"row 2, column 'prompt': is not a conversation"),
        ([{"pair": "p", "annotator": "k", "label": "a"}], "there are no prompts"),
    ],
)
def test_sources_without_prompts_are_refused(rows: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_prompts(rows)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read: No such file"):
        read_prompts(tmp_path / "none.txt")
    (tmp_path / "p.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(BadInputError, match="is not UTF-8 text"):
        read_prompts(tmp_path / "p.txt")
    with pytest.raises(BadInputError, match=r"^limit: must be 1 or more, got 0"):
        read_prompts([{"prompt": "one"}], limit=0)
