"""``votewise read`` says in options what it recognised: with these options the source is read as it was without."""

from __future__ import annotations

import pytest
from facts import found_facts
from flat_shapes import FLAT
from hypothesis import given
from kept_contract import Table, examples, tables
from nested_shapes import NESTED
from test_one_path import read_or_refused

from votewise.sources import read_votes

SHAPES = FLAT | NESTED


@pytest.mark.parametrize("name", SHAPES)
def test_the_options_that_are_shown_give_the_same_reading(name: str) -> None:
    shape = SHAPES[name]

    @examples(4)
    @given(tables(shape))
    def said(drawn: Table) -> None:
        rows, _ = drawn
        votes = read_or_refused(shape, rows)
        if votes is None:
            return
        assert votes.reading is not None
        again = read_votes(rows, **votes.reading.options)
        assert again.reading is not None
        assert found_facts(again) == found_facts(votes)
        assert again.reading.options == votes.reading.options
        assert again.reading.columns == votes.reading.columns
        assert again.reading.examples == votes.reading.examples
        told = {v.value: v.meaning for v in votes.reading.values}
        assert told.items() <= {v.value: v.meaning for v in again.reading.values}.items()

    said()


@pytest.mark.parametrize("name", SHAPES)
def test_as_many_values_have_a_meaning_as_there_are_votes(name: str) -> None:
    shape = SHAPES[name]

    @examples(4)
    @given(tables(shape))
    def counted(drawn: Table) -> None:
        rows, _ = drawn
        votes = read_or_refused(shape, rows)
        if votes is None:
            return
        reading = votes.reading
        assert reading is not None
        if reading.values and not reading.judgements:
            ties = sum(v.count for v in reading.values if v.meaning in ("tie", "both_bad", "both_good"))
            assert ties >= reading.ties
            assert sum(v.count for v in reading.values if v.meaning != "skip") >= reading.kept

    counted()
