"""Belief propagation between annotators and pairs: exact on trees, and equal to what is known elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from differing_pairs import HALF, PRIOR, SIZE, by_brute_force, make_evidence, simulate_difficulty
from votewise.inference import vote_messages
from votewise.inference.priors import Beta, Grid
from votewise.inference.vote_messages import Strengths, VoteMessages


@pytest.mark.parametrize(
    "votes",
    [
        [(0, 0, 1), (0, 1, 1), (0, 2, -1)],
        [(0, 0, 1), (0, 1, -1), (1, 0, 1), (1, 2, 1)],
    ],
)
def test_beliefs_are_exact_where_votes_form_a_tree(votes: list[tuple[int, int, int]]) -> None:
    evidence = make_evidence(votes)
    messages = VoteMessages(evidence, Strengths(SIZE, HALF, HALF), PRIOR, np.full(len(evidence.counts), 0.7))
    for _ in range(6):
        moved = messages.sweep()
    p_a, reliability = by_brute_force(evidence)
    assert moved < 1e-6
    np.testing.assert_allclose(messages.p_a, p_a, atol=2e-6)
    np.testing.assert_allclose(messages.mean(lambda x: x), reliability, atol=2e-6)


def test_a_vote_does_not_judge_itself() -> None:
    """One annotator, one vote: nothing but the vote is known of the pair."""
    messages = VoteMessages(make_evidence([(0, 0, 1)]), Strengths(SIZE, HALF, HALF), PRIOR, np.array([1.0]))
    for _ in range(3):
        messages.sweep()
    assert messages.by_others() == pytest.approx([0.5], abs=1e-6)
    assert messages.predicted() == pytest.approx([0.5], abs=1e-6)
    grid = Grid.of_size(vote_messages.NODES)
    mean = np.exp(grid.log_mass(PRIOR)) @ expit(np.outer(logit(grid.x), SIZE)) @ (2 * np.exp(HALF))
    assert messages.p_a == pytest.approx([mean], abs=1e-6)


def test_windows_of_annotators_with_many_votes_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, _, _ = simulate_difficulty(400, 12, 4, seed=1, spread=0.7)
    found = []
    for many, nodes in ((10**9, 200), (20, 48)):
        monkeypatch.setattr(vote_messages, "MANY", many)
        monkeypatch.setattr(vote_messages, "NODES", nodes)
        messages = VoteMessages(evidence, Strengths(SIZE, HALF, HALF), PRIOR, np.full(12, 1.0))
        for _ in range(15):
            messages.sweep()
        found.append((messages.mean(lambda x: x), messages.quantiles((0.025, 0.975)), messages.p_a))
    for fine, window in zip(*found, strict=True):
        np.testing.assert_allclose(window, fine, atol=0.006)


def test_margins_count_as_before() -> None:
    """A pair that nobody judged keeps the probability of its margin."""
    evidence = make_evidence([(0, 0, 1), (1, 1, 1)]).with_margin(np.array([0.8, -0.3]))
    above, below = (HALF + np.log(2) - np.logaddexp(0, -s * evidence.margin[:, None]) for s in (1, -1))
    messages = VoteMessages(evidence, Strengths(SIZE, above, below), Beta(1e3, 1e3), np.zeros(2))
    for _ in range(3):
        messages.sweep()
    assert messages.p_a == pytest.approx(expit(evidence.margin), abs=0.01)
