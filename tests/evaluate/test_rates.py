"""Win rates and their intervals: closed forms, limits, and coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from votewise.arrays import Floats
from votewise.errors import BadInputError
from votewise.evaluate.rates import clustered_interval, win_rate

Z = 1.959963984540054


def agresti_coull(wins: float, n: int) -> tuple[float, float]:
    centre = (wins + Z**2 / 2) / (n + Z**2)
    reach = Z * np.sqrt(centre * (1 - centre) / (n + Z**2))
    return max(0.0, centre - reach), min(1.0, centre + reach)


@pytest.mark.parametrize(("wins", "n"), [(0, 1), (0, 20), (20, 20), (7, 20), (1, 805), (400, 805)])
def test_one_contest_per_prompt_gives_agresti_and_coull(wins: int, n: int) -> None:
    rate = win_rate(np.r_[np.ones(wins), np.zeros(n - wins)], np.arange(n))
    assert (rate.low, rate.high) == pytest.approx(agresti_coull(wins, n), abs=1e-12)
    assert rate.value == wins / n
    assert (rate.contests, rate.prompts) == (n, n)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_interval_has_a_width_if_one_model_always_wins(value: float) -> None:
    few, many = (win_rate(np.full(n, value), np.arange(n)) for n in (5, 500))
    for rate in (few, many):
        assert rate.low <= rate.value <= rate.high
        assert 0 < rate.high - rate.low < 1
    assert many.high - many.low < (few.high - few.low) / 10


def test_ties_count_half() -> None:
    assert win_rate(np.array([1.0, 0.5, 0.5, 0.0]), np.arange(4)).value == 0.5


def test_repeating_every_contest_adds_no_information() -> None:
    rng = np.random.default_rng(0)
    values = rng.random(30)
    once = win_rate(values, np.arange(30))
    thrice = win_rate(np.repeat(values, 3), np.repeat(np.arange(30), 3))
    assert (thrice.value, thrice.low, thrice.high) == pytest.approx((once.value, once.low, once.high))
    independent = win_rate(np.repeat(values, 3), np.arange(90))
    assert independent.high - independent.low < (once.high - once.low) * 0.7


def test_neither_order_nor_names_of_prompts_matter() -> None:
    rng = np.random.default_rng(1)
    values, prompt = rng.random(60), rng.integers(0, 17, 60)
    order, names = rng.permutation(60), rng.permutation(1000)[:17]
    one, other = win_rate(values, prompt), win_rate(values[order], names[prompt][order])
    assert (other.value, other.low, other.high) == pytest.approx((one.value, one.low, one.high))


def test_the_other_models_rate_is_the_mirror_image() -> None:
    rng = np.random.default_rng(2)
    values, prompt = rng.random(50), rng.integers(0, 20, 50)
    one, other = win_rate(values, prompt), win_rate(1 - values, prompt)
    assert (other.value, other.low, other.high) == pytest.approx((1 - one.value, 1 - one.high, 1 - one.low))


def test_soft_preferences_that_vary_less_give_narrower_intervals() -> None:
    soft = win_rate(np.tile([0.45, 0.55], 200), np.arange(400))
    hard = win_rate(np.tile([0.0, 1.0], 200), np.arange(400))
    assert soft.value == hard.value == 0.5
    assert soft.high - soft.low < (hard.high - hard.low) / 4


def simulated(rng: np.random.Generator, prompts: int, rate: float, alike: float) -> tuple[Floats, np.ndarray]:
    """Wins on prompts with 1 to 7 contests each; ``alike`` 0: independent, 1: equal within a prompt, between: Beta."""
    prompt = np.repeat(np.arange(prompts), rng.integers(1, 8, prompts))
    if alike == 0:
        p = np.full(prompts, rate)
    elif alike == 1:
        p = (rng.random(prompts) < rate).astype(float)
    else:
        size = 1 / alike - 1
        p = rng.beta(rate * size, (1 - rate) * size, prompts)
    return (rng.random(len(prompt)) < p[prompt]).astype(float), prompt


@pytest.mark.parametrize("rate", [0.5, 0.8, 0.97])
@pytest.mark.parametrize("alike", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("prompts", [20, 100])
def test_intervals_cover_the_truth_with_repeated_prompts(rate: float, alike: float, prompts: int) -> None:
    """If coverage is 93.5% or more, a case fails with probability 1e-6 at most, and any of the 18 with 2e-5."""
    rng, draws = np.random.default_rng([7, round(100 * rate), round(10 * alike), prompts]), 1000
    hits = 0
    for _ in range(draws):
        low, high = clustered_interval(*simulated(rng, prompts, rate, alike))
        hits += low <= rate <= high
    assert hits >= binom.ppf(1e-6, draws, 0.935)


def test_without_clusters_intervals_would_be_too_narrow() -> None:
    """Why the interval is clustered: with equal verdicts within a prompt, a plain interval misses a third of the time."""
    rng, hits = np.random.default_rng(3), 0
    for _ in range(500):
        values, _ = simulated(rng, 100, 0.5, 1.0)
        low, high = clustered_interval(values, np.arange(len(values)))
        hits += low <= 0.5 <= high
    assert hits < 0.8 * 500


def test_what_cannot_be_estimated_is_an_error() -> None:
    with pytest.raises(BadInputError, match="no contest with a verdict"):
        win_rate(np.zeros(0), np.zeros(0, np.int64))
    with pytest.raises(BadInputError, match=r"level: out of range, got 1\.0"):
        win_rate(np.ones(3), np.arange(3), level=1.0)
