"""Point 2 of the contract: every column has a role, and the reading says which.

A column of texts or messages that nothing uses, next to a prompt or answers, is not ignored in silence.
"""

from __future__ import annotations

import pytest
from flat_shapes import FLAT
from hostile import texts
from hypothesis import given
from hypothesis import strategies as st
from kept_contract import Table, examples, tables
from nested_shapes import NESTED
from test_one_path import on_read_tables, read_or_refused
from truth import TrueVote
from written import Row

from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.sources import read_votes

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""

SHAPES = FLAT | NESTED
USED = {"annotator", "label", "response_a", "response_b", "chosen", "rejected", "prompt"}


@pytest.mark.parametrize("name", SHAPES)
def test_every_column_is_named_once(name: str) -> None:
    shape = SHAPES[name]

    def named(rows: list[Row], _: list[TrueVote], votes: Votes) -> None:
        assert votes.reading is not None
        roles = {column.name: column.role for column in votes.reading.columns}
        assert list(roles) == list(rows[0])
        assert any(roles.values())
        for carried in {"score_x", "comment", "row_id", "flag", "ratio"} & roles.keys():
            assert roles[carried] is None
        if shape.one_per_row:
            assert votes.table is not None
            assert set(roles) <= set(votes.table.column_names)

    on_read_tables(shape, 3, named)


@examples(20)
@given(drawn=tables(FLAT["plain"]), extra=st.lists(texts(), min_size=2, max_size=2, unique=True))
def test_rows_of_one_pair_that_differ_in_a_text_that_nobody_reads_are_not_merged(
    drawn: Table, extra: list[str]
) -> None:
    rows, expected = drawn
    row = next(row for row, vote in zip(rows, expected, strict=True) if vote.verdict != "skip")
    if read_or_refused(FLAT["plain"], [row]) is None:
        return
    # Texts of several words, as what a model sees would be.
    both = [row | {"annotator": f"w{i}", "scene": f"What is seen here: {text}."} for i, text in enumerate(extra)]
    with pytest.raises(BadInputError, match=r"column 'scene'.*--columns (prompt|background)=scene"):
        read_votes(both)
    assert read_votes(both, columns={"background": "scene"}).n_pairs == 2
    assert read_votes(both, columns={"scene": ""}).n_pairs == 1
