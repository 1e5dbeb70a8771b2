"""Simulated rankings: as often right as they should be, transitive, and marked as judgements."""

from __future__ import annotations

from itertools import combinations
from typing import get_args

import numpy as np
import pytest

from votewise.errors import BadInputError
from votewise.simulate.ranked_votes import Noise, simulate_rankings

NOISES = get_args(Noise)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("answers", [2, 4, 7])
def test_the_share_of_right_comparisons_is_the_reliability(noise: Noise, answers: int) -> None:
    """Four annotators with 3,000 rankings each: standard error at most 0.01, of which 0.005 from the table of strengths;
    the bound is four of them in 60 comparisons: a false alarm in fewer than 1 in 100 seeds."""
    eta = np.array([0.3, 0.6, 0.8, 0.95])
    data = simulate_rankings(
        noise=noise, answers=answers, annotators=4, reliability=eta, rankings_per_annotator=(3000, 3000), seed=1
    )
    right = np.bincount(data.votes.annotator, data.correct) / np.bincount(data.votes.annotator)
    np.testing.assert_allclose(right, eta, atol=0.04)


@pytest.mark.parametrize("noise", NOISES)
def test_rankings_are_transitive_and_independent_votes_are_not(noise: Noise) -> None:
    data = simulate_rankings(noise=noise, answers=4, annotators=10, seed=2)
    wins = data.correct.reshape(-1, 6)
    first, second = zip(*combinations(range(4), 2), strict=True)
    score = np.zeros((len(wins), 4))
    for j, (a, b) in enumerate(zip(first, second, strict=True)):
        score[:, a] += wins[:, j]
        score[:, b] += ~wins[:, j]
    transitive = (np.sort(score, axis=1) == np.arange(4)).all(axis=1)
    assert transitive.all() == (noise != "independent")


def test_votes_are_marked_and_as_many_as_asked_for() -> None:
    data = simulate_rankings(
        answers=3, annotators=9, rankings_per_annotator=(20, 20), rankings_per_prompt=(3, 3), seed=3
    )
    votes = data.votes
    assert (np.bincount(votes.judgement) == 3).all()
    assert np.bincount(votes.pair).max() == 3
    assert len(np.unique(np.stack([votes.pair, votes.annotator]), axis=1).T) == len(votes)
    assert (np.where(data.correct, 1, -1) == votes.sign * data.truth[votes.pair]).all()


def test_comparisons_from_rankings_of_their_own_are_independent() -> None:
    """With attention 0.6 wrong comparisons of one ranking go together; 4,000 rankings, standard error 0.016."""
    found = {}
    for together in (True, False):
        data = simulate_rankings(
            answers=4, annotators=1, reliability=[0.8], rankings_per_annotator=(4000, 4000), together=together, seed=4
        )
        right = data.correct.reshape(-1, 6).sum(axis=1)
        found[together] = right.var() / (6 * 0.16)
    assert found[False] == pytest.approx(1, abs=0.12)
    assert found[True] > 2


def test_the_same_seed_gives_the_same_rankings() -> None:
    one, two = (simulate_rankings(noise="mallows", seed=5).votes for _ in range(2))
    assert (one.sign == two.sign).all()


def test_bad_settings_are_named() -> None:
    with pytest.raises(BadInputError, match="no such noise"):
        simulate_rankings(noise="loud")  # type: ignore[arg-type]
    with pytest.raises(BadInputError, match="2 to 7 answers"):
        simulate_rankings(answers=8)


@pytest.mark.parametrize("noise", ["attention", "mallows", "plackett-luce"])
def test_choices_of_the_best_are_right_as_often_as_said(noise: Noise) -> None:
    """4,000 choices: the standard error of the share is at most 0.008, and about as much for the table behind it."""
    data = simulate_rankings(
        noise=noise,
        answers=4,
        annotators=1,
        reliability=[0.8],
        rankings_per_annotator=(4000, 4000),
        said="best",
        seed=6,
    )
    assert len(data.votes) == 3 * (int(data.votes.judgement.max()) + 1)
    assert data.correct.mean() == pytest.approx(data.reliability[0], abs=0.05)


def test_pairs_of_a_prompt_share_answers() -> None:
    votes = simulate_rankings(answers=4, annotators=5, seed=7).votes
    first = votes.answers[:6]
    # The better answer of each pair has the lower number.
    better = np.where(votes.gold[:6] > 0, first[:, 0], first[:, 1])
    assert (better == first.min(axis=1)).all()
    assert len(np.unique(first)) == 4
