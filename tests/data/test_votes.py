"""The one table refuses what does not fit together."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.data.votes import Votes
from votewise.errors import BadInputError


def test_codes_become_names() -> None:
    votes = Votes.from_arrays([0, 1], [0, 0], [1, -1], pair_ids=["p", "q"], annotator_ids=["x"])
    assert (len(votes), votes.n_pairs, votes.n_annotators) == (2, 2, 1)
    assert votes.pair_ids.to_pylist() == ["p", "q"]


def test_first_is_the_sign_in_the_order_shown() -> None:
    votes = Votes.from_arrays([0, 0, 1], [0, 1, 0], [1, -1, 0], swapped=[False, True, True])
    np.testing.assert_array_equal(votes.first, [1, 1, 0])
    assert Votes.from_arrays([0], [0], [1]).first is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (([], [], []), "no votes"),
        (([0, 1], [0], [1, 1]), "annotator has 1 entries"),
        (([0, 1], [0, 0], [1, 2]), "signs outside"),
        (([0, -1], [0, 0], [1, 1]), "pair codes run from -1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays: tuple, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Votes.from_arrays(*arrays)


@pytest.mark.parametrize("margin", [np.nan, np.inf])
def test_margins_are_finite(margin: float) -> None:
    with pytest.raises(BadInputError, match="not finite"):
        Votes.from_arrays([0], [0], [1], margin=[margin])


def test_weights_are_not_negative() -> None:
    with pytest.raises(BadInputError, match="weight is negative"):
        Votes.from_arrays([0], [0], [1], weight=[-1.0])


def test_more_names_than_votes_are_fine() -> None:
    assert Votes.from_arrays([0], [0], [1], annotator_ids=["x", "y"]).n_annotators == 2
