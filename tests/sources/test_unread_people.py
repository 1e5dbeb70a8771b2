"""Columns that may name who voted and recur nowhere: nobody is known then, and a note says so and how to take them."""

from __future__ import annotations

from typing import Any

import pytest

from votewise import read_votes

PREFERRED = [{"prompt": f"p {i}", "chosen": f"x {i}", "rejected": f"y {i}"} for i in range(24)]
SIDES = [{"prompt": f"p {i}", "left": f"x {i}", "right": f"y {i}", "label": "left"} for i in range(24)]


@pytest.mark.parametrize("rows", [PREFERRED, SIDES])
@pytest.mark.parametrize("name", ["session_id", "uid", "device_id", "Session ID"])
def test_a_column_that_is_not_taken_is_named(rows: list[dict[str, Any]], name: str) -> None:
    said = [row | {name: f"s{i}"} for i, row in enumerate(rows)]
    found = read_votes(said)
    assert found.reading.unknown_people == 24
    note = next(note for note in found.reading.notes if note.startswith("Not taken for who voted"))
    assert repr(name) in note
    assert f"annotator={name}" in note
    assert read_votes(said, columns={"annotator": name}).n_annotators == 24
    assert not any("Not taken" in note for note in read_votes(rows).reading.notes)


@pytest.mark.parametrize("rows", [PREFERRED, SIDES])
def test_annotators_with_one_vote_each_are_noted(rows: list[dict[str, Any]]) -> None:
    found = read_votes([row | {"annotator": i} for i, row in enumerate(rows)])
    assert any("each annotator has one vote; --columns annotator=NAME" in note for note in found.reading.notes)
    found = read_votes([row | {"annotator": i // 2} for i, row in enumerate(rows)])
    assert not any("each annotator has one vote" in note for note in found.reading.notes)
