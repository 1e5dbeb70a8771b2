"""Kinds of silent loss by position: columns that say nothing in the first rows and matter in the last ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from told import Row, refused

from votewise.sources import read_votes
from votewise.sources.containers import json_files, lazy, stand_ins

ROWS = 300
PAIR = {"response_a": "one", "response_b": "two"}
CHOSEN = {"chosen": "one", "rejected": "two"}


def late(shared: Row, column: str, value: Any, nothing: Any = None) -> list[Row]:
    """Rows of which only the last ten have a value in a column."""
    return [shared | {"prompt": f"Ask {i}", column: value if i >= ROWS - 10 else nothing} for i in range(ROWS)]


PEOPLE: dict[str, tuple[list[Row], set[str]]] = {
    "numbered": (late(PAIR | {"annotator_1": "a", "annotator_2": "b"}, "annotator_3", "a"),
                 {"annotator_1", "annotator_2", "annotator_3"}),
    "named": (late(PAIR | {"rater_ann": "a", "rater_bo": "b"}, "rater_cy", "tie", ""),
              {"rater_ann", "rater_bo", "rater_cy"}),
    "ranks": (late({"responses": ["x", "y", "z"], "rank_annotator_1": [1, 2, 3]}, "rank_annotator_2", [3, 2, 1]),
              {"annotator_1", "annotator_2"}),
}  # fmt: skip


@pytest.mark.parametrize("name", PEOPLE)
def test_a_person_who_votes_on_the_last_rows_is_read(name: str) -> None:
    rows, people = PEOPLE[name]
    assert set(read_votes(rows).annotator_ids.to_pylist()) == people


REFUSED: dict[str, tuple[list[Row], str]] = {
    "a list of votes": (late(PAIR | {"annotator": "w", "label": "a"}, "labels", ["a", "b"]), "labels"),
    "people's votes beside chosen": (late(CHOSEN, "votes", [{"worker": "u", "label": "b"}]), "votes"),
    "a status": (late(CHOSEN, "review", "discarded"), "--columns status=review"),
    "a verdict beside chosen": (late(CHOSEN, "human_preference", "rejected"), "human_preference"),
    "several orders": (
        late({"responses": ["x", "y"], "ranks": [1, 2]}, "rank_annotator_1", [2, 1]),
        "rank_annotator_1",
    ),
    "a part of the prompt": (late(CHOSEN, "persona", "A very kind teacher"), "--columns background=persona"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_matters_in_the_last_rows_is_refused(name: str) -> None:
    rows, word = REFUSED[name]
    refused(rows, word)


def test_a_verdict_after_ten_thousand_rows_is_refused() -> None:
    def rows(value: Callable[[int], str | None]) -> list[Row]:
        return [CHOSEN | {"prompt": f"Ask {i}", "vote": value(i)} for i in range(10_050)]

    refused(rows(lambda i: "chosen" if i < 10_040 else "rejected"), "vote")
    assert len(read_votes(rows(lambda i: "chosen"))) == 10_050


def test_marks_that_do_not_add_up_late_in_a_large_file_are_no_ties(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The format of a large file is told by its first rows."""
    rows = [
        {
            "prompt": f"Ask {i}",
            "response_0": f"one {i}",
            "response_1": f"two {i}",
            "label_0": int(i < 290),
            "label_1": 0,
        }
        for i in range(ROWS)
    ]
    path = tmp_path / "votes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    for module, name, value in (
        (json_files, "PART_ROWS", 50), (stand_ins, "LARGE", 0), (stand_ins, "LONG", 5), (stand_ins, "HEAD", 200),
        (lazy, "IN_MEMORY", 0),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    refused(path, "row 291", "label_0", "--columns score_0=label_0 --columns score_1=label_1")
