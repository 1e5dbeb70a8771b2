"""Every shape, written with hostile names and texts, gives exactly its votes, from everything that can hold it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from containers import TYPED, UNTYPED
from facts import check_votes
from flat_shapes import FLAT
from hypothesis import given
from kept_contract import empty_folder, examples, tables
from nested_shapes import NESTED
from truth import TrueVote
from written import Row, WrittenShape

from votewise.errors import BadInputError
from votewise.sources import read_votes

SHAPES = FLAT | NESTED


def check(shape: WrittenShape, source: Any, expected: list[TrueVote]) -> None:
    try:
        votes = read_votes(source, **shape.options)
    except BadInputError as error:
        if shape.refused is None or not re.search(shape.refused, str(error)):
            raise
        return
    assert votes.reading is not None
    assert votes.reading.format == shape.format
    assert votes.reading.one_per_row == shape.one_per_row
    check_votes(votes, expected, joined=shape.joined)


@pytest.mark.parametrize("name", SHAPES)
def test_every_container_gives_the_votes_that_were_written(name: str) -> None:
    shape = SHAPES[name]

    @examples(2)
    @given(tables(shape))
    def same_votes(drawn: tuple[list[Row], list[TrueVote]]) -> None:
        rows, expected = drawn
        for kind, contain in (TYPED | (UNTYPED if shape.flat else {})).items():
            with empty_folder() as folder:
                try:
                    check(shape, contain(rows, folder), expected)
                except BaseException as error:
                    error.add_note(f"in {kind}: {rows}")
                    raise

    same_votes()
