"""``votewise read`` says in options what it recognised: with these options the source is read as it was without."""

from __future__ import annotations

import pytest
from facts import found_facts
from flat_shapes import FLAT
from nested_shapes import NESTED
from test_one_path import on_read_tables
from truth import TrueVote
from written import Row

from votewise.data.votes import Votes
from votewise.sources import read_votes

pytestmark = pytest.mark.slow
"""Each is fast; together they take ten seconds."""

SHAPES = FLAT | NESTED


@pytest.mark.parametrize("name", SHAPES)
def test_the_options_that_are_shown_give_the_same_reading(name: str) -> None:
    def said(rows: list[Row], _: list[TrueVote], votes: Votes) -> None:
        assert votes.reading is not None
        again = read_votes(rows, **votes.reading.options)
        assert again.reading is not None
        assert found_facts(again) == found_facts(votes)
        assert again.reading.options == votes.reading.options
        assert again.reading.columns == votes.reading.columns
        assert again.reading.examples == votes.reading.examples
        told = {v.value: v.meaning for v in votes.reading.values}
        assert told.items() <= {v.value: v.meaning for v in again.reading.values}.items()

    on_read_tables(SHAPES[name], 4, said)


@pytest.mark.parametrize("name", SHAPES)
def test_as_many_values_have_a_meaning_as_there_are_votes(name: str) -> None:
    def counted(_: list[Row], __: list[TrueVote], votes: Votes) -> None:
        reading = votes.reading
        assert reading is not None
        if reading.values and not reading.judgements:
            ties = sum(v.count for v in reading.values if v.meaning in ("tie", "both_bad", "both_good"))
            assert ties >= reading.ties
            assert sum(v.count for v in reading.values if v.meaning != "skip") >= reading.kept

    on_read_tables(SHAPES[name], 4, counted)
