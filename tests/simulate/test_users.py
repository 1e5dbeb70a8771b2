"""Simulated users click as the model says, and estimates find them again."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.errors import BadInputError
from votewise.simulate import simulate_users
from votewise.simulate.users import BLOCK
from votewise.users.estimate import estimate_attentiveness

P = np.random.default_rng(3).beta(2, 1, 5000)


def test_same_seed_same_clicks() -> None:
    one, same, other = (simulate_users(P, users=50, seed=seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(one.for_a, same.for_a)
    np.testing.assert_array_equal(one.comparison, same.comparison)
    np.testing.assert_array_equal(one.attentiveness, same.attentiveness)
    assert not np.array_equal(one.attentiveness, other.attentiveness)
    assert not np.array_equal(one.comparison, other.comparison)


@pytest.mark.parametrize("follow", ["sign", "sampled"])
@pytest.mark.parametrize("rho", [0.0, 0.4, 1.0])
def test_clicks_follow_the_model(follow: str, rho: float) -> None:
    """P(click for A) = 1/2 + rho (p - 1/2) [UAA eq. 5], p taken to 0 or 1 under `sign`.

    Ten bands of p with some 5,000 clicks each, all within five standard errors: false alarm below 1e-4 in all six cases.
    """
    data = simulate_users(P, users=500, prior=rho, comparisons_per_user=100, follow=follow, seed=1)
    p = P[data.comparison]
    chance = 0.5 + rho * ((p if follow == "sampled" else p >= 0.5) - 0.5)
    band = np.minimum((10 * p).astype(int), 9)
    gap = np.bincount(band, data.for_a - chance, minlength=10)
    assert (np.abs(gap) <= 5 * np.sqrt(np.bincount(band, chance * (1 - chance), minlength=10)) + 1e-9).all()
    assert abs(data.attentive.mean() - rho) <= 5 * np.sqrt(rho * (1 - rho) / len(data))


def test_attention_and_truth_are_those_of_the_clicks() -> None:
    data = simulate_users(P, users=300, seed=2)
    np.testing.assert_array_equal(data.preferred, P[data.comparison] >= 0.5)
    assert data.correct[data.attentive].all()
    assert 0.4 < data.correct[~data.attentive].mean() < 0.6


@pytest.mark.parametrize("size", [45, 5000])
def test_everybody_sees_a_random_subset(size: int) -> None:
    """Each number in the range for some user, no comparison twice, and no comparison shown much more than others.

    800 users of 30 to 45 comparisons: shows of a comparison are binomial; six standard errors, false alarm below 1e-5.
    """
    data = simulate_users(np.full(size, 0.7), users=800, comparisons_per_user=(30, 45), seed=3)
    numbers = np.bincount(data.user)
    assert set(numbers) == set(range(30, 46))
    assert len(np.unique(data.user * size + data.comparison)) == len(data)
    shown, mean = np.bincount(data.comparison, minlength=size), len(data) / size
    assert (np.abs(shown - mean) < 6 * np.sqrt(mean)).all()


def test_many_blocks_are_one_answer() -> None:
    users = 2 * (BLOCK // 50) + 7
    data = simulate_users(P, users=users, prior="two-point:0.2,0.2,0.98", seed=6)
    assert len(data) == 50 * users
    np.testing.assert_array_equal(data.user, np.repeat(np.arange(users), 50))
    assert set(data.attentiveness) == {0.2, 0.98}
    # Blocks have seeds of their own: the same draws again would show as equal comparisons.
    assert not np.array_equal(data.comparison[:1000], data.comparison[BLOCK // 50 * 50 :][:1000])


def test_an_assignment_is_followed() -> None:
    data = simulate_users([0.9, 0.2, 0.6], users=2, prior=[1.0, 1.0], assignment=([1, 0, 1], [2, 1, 0]), seed=0)
    assert data.user.tolist() == [0, 1, 1]
    assert data.comparison.tolist() == [1, 2, 0]
    assert data.for_a.tolist() == [False, True, True]


def test_estimates_recover_the_prior() -> None:
    """Two-point truth, 800 users of 200 comparisons at win rate 0.8: the errors of (q, low, high) within five standard
    errors as [UAA table 4] and our own reference runs have them (relative RMSE about 2, 2 and 1%): false alarm below 1e-5.
    """
    p = (np.arange(20_000) < 16_000).astype(float)
    data = simulate_users(p, users=800, prior="two-point:0.6,0.4,0.98", comparisons_per_user=200, seed=8)
    counts, cell = data.counts()
    assert cell.shape == (800,)
    found = estimate_attentiveness(counts, win_rate=0.8, prior="two-point").prior
    assert found["q"] == pytest.approx(0.6, abs=0.1)
    assert found["low"] == pytest.approx(0.4, abs=0.05)
    assert found["high"] == pytest.approx(0.98, abs=0.05)


def test_probabilities_tell_more_than_a_win_rate() -> None:
    data = simulate_users(P, users=200, prior="beta:3,5", comparisons_per_user=100, follow="sampled", seed=9)
    result = estimate_attentiveness(data.clicks(), prior="beta")
    estimate = result.cells["attentiveness"].to_numpy()
    # An independent guess would have a correlation of 0 with a standard error of 0.07; this is the model's own data.
    assert np.corrcoef(estimate, data.attentiveness)[0, 1] > 0.5


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"users": 0}, "users"),
        ({"comparisons_per_user": 0}, "comparisons per user"),
        ({"comparisons_per_user": (9, 5)}, "ascending"),
        ({"comparisons_per_user": 5001}, "5,000 there are"),
        ({"prior": [0.5]}, "one for each user"),
        ({"prior": [1.5] * 400}, "from 0 to 1"),
        ({"prior": "gamma:1,2"}, "unknown prior"),
        ({"follow": "blindly"}, "sign or sampled"),
        ({"assignment": ([0], [5000])}, "comparison codes"),
        ({"assignment": ([0], [])}, "a user and a comparison"),
    ],
)
def test_impossible_settings_are_refused(settings: dict, problem: str) -> None:
    with pytest.raises(BadInputError, match=problem):
        simulate_users(P, **settings)


@pytest.mark.parametrize("p", [[], [[0.5]], [1.2], [np.nan]])
def test_impossible_probabilities_are_refused(p: list) -> None:
    with pytest.raises(BadInputError, match="probabilit"):
        simulate_users(p)
