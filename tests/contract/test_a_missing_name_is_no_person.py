"""Point 5 of the contract: a missing name is not a person.

Votes without an annotator are votes of unknown people: they are not each other's duplicates, unless ``--one-annotator``
says that they are by one.
"""

from __future__ import annotations

import pytest
from flat_shapes import FLAT
from nested_shapes import NESTED
from test_one_path import on_read_tables, read_or_refused
from truth import TrueVote
from written import Row

from votewise.data.votes import UNKNOWN, Votes
from votewise.sources import read_votes

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""

UNNAMED = {name: shape for name, shape in (FLAT | NESTED).items() if not shape.named and shape.one_per_row}
PEOPLE = {"two-answers": "worker"}


@pytest.mark.parametrize("name", UNNAMED)
@pytest.mark.parametrize("blank", [None, "", "  "])
def test_votes_without_names_repeat_nobody(name: str, blank: str | None) -> None:
    shape, column = UNNAMED[name], PEOPLE.get(name, "annotator")

    def unknown(rows: list[Row], expected: list[TrueVote], _: Votes) -> None:
        left = sum(vote.verdict != "skip" for vote in expected)
        twice = [row | {column: blank} for row in rows for _ in range(2)]
        somebody = {f"somebody {i}" for i, vote in enumerate(expected) if vote.verdict != "skip"}
        named = [*twice, *(row | {column: f"somebody {i}"} for i, row in enumerate(rows))]
        votes = read_or_refused(shape, named)
        if votes is None:
            return
        assert votes.reading is not None
        assert (votes.reading.unknown_people, votes.reading.repeated) == (2 * left, 0)
        assert set(votes.annotator_ids.to_pylist()) == {UNKNOWN, *somebody}
        one = read_votes(named, one_annotator="a judge")
        assert one.reading is not None
        assert one.reading.unknown_people == 0
        assert set(one.annotator_ids.to_pylist()) == {"a judge", *somebody}

    on_read_tables(shape, 3, unknown)


RANKED = {"prompt": "p", "responses": ["x", "y"], "ranks": [1, 2]}
ONE_PER_ROW: dict[str, tuple[dict[str, object], str]] = {
    "prodigy": (
        {
            "text": "p",
            "options": [{"id": "1", "text": "x"}, {"id": "2", "text": "y"}],
            "accept": ["1"],
            "answer": "accept",
        },
        "_session_id",
    ),
    "ranked": (RANKED, "annotator"),
    "ranked-columns": ({"prompt": "p", "answer_1": "x", "answer_2": "y", "rank_1": 1, "rank_2": 2}, "annotator"),
    "openai": (
        {
            "input": {"messages": [{"role": "user", "content": "p"}]},
            "preferred_output": [{"role": "assistant", "content": "x"}],
            "non_preferred_output": [{"role": "assistant", "content": "y"}],
        },
        "annotator",
    ),
}


@pytest.mark.parametrize("form", ONE_PER_ROW)
def test_no_name_a_null_and_a_blank_are_nobody(form: str) -> None:
    row, who = ONE_PER_ROW[form]
    for names in ([None, None], [None, "w"], ["", "w"], [" ", "w"], ["absent", "absent"]):
        rows = [row if name == "absent" else row | {who: name} for name in names]
        votes = read_votes(rows, format=form)
        known = {name for name in names if name == "w"}
        assert set(votes.annotator_ids.to_pylist()) == known | {UNKNOWN}, names
        assert votes.reading.unknown_people == 2 - len(known), names
