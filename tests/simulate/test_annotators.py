"""Simulated votes follow the model they claim to follow."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.errors import BadInputError
from votewise.simulate import simulate_annotators


def test_same_seed_same_votes() -> None:
    one, other = simulate_annotators(seed=4), simulate_annotators(seed=4)
    np.testing.assert_array_equal(one.votes.sign, other.votes.sign)
    np.testing.assert_array_equal(one.votes.pair, other.votes.pair)
    assert not np.array_equal(one.reliability, simulate_annotators(seed=5).reliability)


def test_votes_are_right_as_often_as_annotators_are_reliable() -> None:
    """Four annotators of some 3,000 votes: shares of right votes within five standard errors, false alarm below 1e-5."""
    eta = np.array([0.95, 0.7, 0.5, 0.1])
    data = simulate_annotators(
        annotators=4, votes_per_pair=2, votes_per_annotator=(3000, 3000), reliability=eta, seed=0
    )
    number = np.bincount(data.votes.annotator)
    share = np.bincount(data.votes.annotator, data.correct) / number
    assert (np.abs(share - eta) < 5 * np.sqrt(eta * (1 - eta) / number)).all()
    np.testing.assert_array_equal(data.correct, data.votes.sign == data.truth[data.votes.pair])


@pytest.mark.parametrize("votes_per_pair", [2, 3, 5])
def test_design_is_the_one_asked_for(votes_per_pair: int) -> None:
    data = simulate_annotators(annotators=200, votes_per_pair=votes_per_pair, votes_per_annotator=(1, 100), seed=1)
    keys = data.votes.pair.astype(np.int64) * 200 + data.votes.annotator
    assert len(np.unique(keys)) == len(keys)
    assert np.bincount(data.votes.pair).mean() == pytest.approx(votes_per_pair, rel=0.03)
    assert np.bincount(data.votes.annotator).max() <= 100


@pytest.mark.parametrize(
    "settings",
    [{"annotators": 0}, {"votes_per_pair": 0}, {"votes_per_annotator": (0, 5)}, {"votes_per_annotator": (9, 5)}],
)
def test_impossible_designs_are_refused(settings: dict) -> None:
    with pytest.raises(BadInputError, match="ascending"):
        simulate_annotators(**settings)
