import numpy as np
import pytest

from votewise.annotators.select import select_pairs, select_votes
from votewise.errors import BadInputError

SIGN = np.array([1, -1, 1, 0, -1, 1], np.int8)
CONFIDENCE = np.array([0.9, 0.1, 0.3, np.nan, 0.5, 0.2])


def test_keeps_what_is_sure_enough() -> None:
    chosen = select_votes(SIGN, CONFIDENCE)
    assert chosen.rows.tolist() == [0, 4]
    assert chosen.sign.tolist() == [1, -1]
    assert chosen.confidence.tolist() == [0.9, 0.5]
    assert (chosen.kept, chosen.flipped.sum(), chosen.dropped, chosen.ties) == (2, 0, 3, 1)


def test_flips_what_is_surely_wrong_and_drops_the_rest() -> None:
    chosen = select_votes(SIGN, CONFIDENCE, flip_below=0.2)
    assert chosen.rows.tolist() == [0, 1, 4]  # 0.2 is not below 0.2
    assert chosen.sign.tolist() == [1, 1, -1]
    assert chosen.confidence.tolist() == [0.9, 0.9, 0.5]
    assert chosen.flipped.tolist() == [False, True, False]
    assert (chosen.kept, chosen.dropped, chosen.ties) == (2, 2, 1)


def test_zero_keeps_every_vote_but_ties() -> None:
    assert select_votes(SIGN, CONFIDENCE, min_confidence=0).rows.tolist() == [0, 1, 2, 4, 5]


@pytest.mark.parametrize(
    ("least", "flip", "expected"),
    [(1.5, None, "min_confidence: not a probability, got 1.5"), (float("nan"), None, "not a probability"),
     (0.5, -1, "flip_below"), (0.9, 0.2, "at most 0.1"), (0.1, 0.2, "at most 0.1")],
)  # fmt: skip
def test_says_which_setting_is_wrong(least: float, flip: float | None, expected: str) -> None:
    with pytest.raises(BadInputError, match=expected):
        select_votes(SIGN, CONFIDENCE, min_confidence=least, flip_below=flip)


def test_the_bounds_may_meet() -> None:
    assert len(select_votes(SIGN, CONFIDENCE, min_confidence=0.9, flip_below=0.1).rows) == 1


def test_pairs_take_their_likelier_response() -> None:
    chosen = select_pairs(np.array([0.95, 0.5, 0.25, 0.6]), min_confidence=0.7)
    assert chosen.rows.tolist() == [0, 2]
    assert chosen.sign.tolist() == [1, -1]
    assert chosen.confidence.tolist() == [0.95, 0.75]
    assert (chosen.dropped, chosen.ties) == (1, 1)
