"""Point 4 of the contract: a value that is not understood never becomes a vote, least of all a tie.

Ties, both good, both bad and skipped are separate and counted. ``--label`` says what values mean; without it an unknown
value is refused, with that option spelled out.
"""

from __future__ import annotations

from collections import Counter

import pytest
from flat_shapes import FLAT
from hostile import texts
from hypothesis import assume, given
from hypothesis import strategies as st
from kept_contract import Table, examples, tables
from nested_shapes import NESTED
from test_one_path import read_or_refused

from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.meanings.label_words import MEANINGS, WINNERS, label_key

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""

LABELS = {
    "plain": "label", "two-answers": "verdict", "clicks": "winner", "arena": "winner", "arena-100k": "winner",
    "arena-140k": "winner", "mt-bench": "winner", "arena, conversations as texts": "winner",
}  # fmt: skip
"""Shape -> its column of labels."""

NAMES = {"1", "0", "2", "left", "right", "big", "small", "m1", "m2"}
"""What else some of these shapes understand."""


@pytest.mark.parametrize("name", LABELS)
def test_an_unknown_value_is_refused_until_it_is_said_what_it_means(name: str) -> None:
    shape, column = (FLAT | NESTED)[name], LABELS[name]

    @examples(6)
    @given(drawn=tables(shape), value=texts(), meaning=st.sampled_from(MEANINGS), spread=st.integers(0, 99))
    def refused(drawn: Table, value: str, meaning: str, spread: int) -> None:
        rows, expected = drawn
        assume(value.strip() and label_key(value) not in {*WINNERS, *NAMES})
        assume(all(value not in (vote.a, vote.b) for vote in expected))
        if read_or_refused(shape, rows) is None:
            return
        i = spread % len(rows)
        assume(expected[i].verdict != "skip" or len(rows) > 1)
        odd = [*rows[:i], rows[i] | {column: value}, *rows[i + 1 :]]
        with pytest.raises(BadInputError, match=r"unknown label.*--label") as error:
            read_votes(odd)
        assert error.value.row == i + 1
        others = [vote for j, vote in enumerate(expected) if j != i and vote.verdict != "skip"]
        if not others and meaning == "skip":
            return
        votes = read_votes(odd, label={value: meaning})
        assert votes.reading is not None
        said = Counter([meaning, *(vote.verdict for j, vote in enumerate(expected) if j != i)])
        assert votes.reading.skipped == said["skip"]
        assert (votes.reading.both_bad, votes.reading.both_good) == (said["both_bad"], said["both_good"])
        assert votes.reading.ties == said["tie"] + said["both_bad"] + said["both_good"]
        if others:
            left = read_votes(odd, on_error="skip")
            assert left.reading is not None
            assert (left.reading.rejected, len(left)) == (1, len(others))

    refused()
