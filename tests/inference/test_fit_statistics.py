"""Statistics of fit: sums of products as defined, means of 0 under the model, and the alternatives that move them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from votewise.inference.fit_statistics import FitStatistics, Meetings, elementary_sums, fours_weight


def test_elementary_sums_are_sums_of_products() -> None:
    rng = np.random.default_rng(0)
    size = [1, 2, 4, 7, 0, 5]
    pair = np.repeat(np.arange(6), size)
    value = rng.normal(size=len(pair))
    e2, e4 = elementary_sums(value, pair, 6)
    for i in range(6):
        own = value[pair == i]
        for found, m in ((e2, 2), (e4, 4)):
            assert found[i] == pytest.approx(sum(np.prod(c) for c in combinations(own, m)), abs=1e-12)


def test_the_weight_of_fours_is_one_over_the_variance_of_one_four_in_units_of_all() -> None:
    """All votes of attentiveness r: the exact variance of e4 over all 2^n votes."""
    r, n = 0.6, 6
    votes = np.array(np.meshgrid(*[[-1, 1]] * n)).reshape(n, -1).T
    chance = np.prod((1 + votes * r) / 2, axis=1)
    e4 = np.array([sum(np.prod(c) for c in combinations(v, 4)) for v in votes.tolist()])
    variance = chance @ e4**2 - (chance @ e4) ** 2
    assert fours_weight(np.array([n, 3]), r**2) == pytest.approx([15 / variance, 0.0])


def test_meetings_are_all_meetings_of_couples_who_met_twice() -> None:
    pair, annotator = np.array([0, 0, 0, 1, 1, 2, 2, 2]), np.array([3, 1, 2, 1, 3, 1, 2, 3])
    found = Meetings.of(pair, annotator)
    times = {(int(a), int(b)): int(n) for a, b, n in zip(found.first, found.second, found.times, strict=True)}
    assert times == {(1, 3): 3, (1, 2): 2, (2, 3): 2}
    assert (pair[found.one] == pair[found.other]).all()
    assert np.bincount(found.couple).tolist() == found.times.tolist()


def test_nobody_meets_themselves() -> None:
    assert len(Meetings.of(np.array([0, 0, 1, 1]), np.array([5, 5, 5, 5])).times) == 0


def exact_means(statistics: FitStatistics, rho: np.ndarray, mixture: list[tuple[float, np.ndarray]]) -> np.ndarray:
    """Means of both statistics over all votes; ``mixture`` has the probability and the (n,) attentiveness of each case."""
    n = len(statistics.pair)
    total = np.zeros(2)
    for votes in np.array(np.meshgrid(*[[-1.0, 1.0]] * n)).reshape(n, -1).T:
        chance = sum(share * np.prod((1 + votes * each) / 2) for share, each in mixture)
        total += chance * np.array([statistics.difficulty(votes, rho), statistics.copying(votes, rho)])
    return total


def test_means_are_zero_under_the_model_and_difficulty_moves_only_its_own() -> None:
    """Exact, over all votes of five annotators on one pair and on two: the truth drops out, so +1 is always right."""
    pair, annotator = np.repeat([0, 1], 5), np.tile(np.arange(5), 2)
    statistics = FitStatistics.of(pair, annotator, 2, 5)
    rho = np.array([0.9, 0.5, 0.2, 0.7, 0.3])
    each = rho[annotator]
    assert exact_means(statistics, rho, [(1.0, each)]) == pytest.approx([0, 0], abs=1e-12)
    # Every pair easy or hard, with the same agreement of two on average: E[d^2] = 1 and E[d^4] > 1.
    hard, easy = 0.6, np.sqrt(2 - 0.6**2)
    scale = 0.7
    mixture = [(0.25, scale * each * np.where(pair == 0, a, b)) for a in (hard, easy) for b in (hard, easy)]
    difficulty, copying = exact_means(statistics, scale * rho, mixture)
    assert difficulty > 0.01
    assert copying == pytest.approx(0, abs=1e-12)


def test_agreement_beyond_reliability_is_copying() -> None:
    pair, annotator = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    statistics = FitStatistics.of(pair, annotator, 20, 2)
    sign = np.ones(40)
    rho = np.array([0.5, 0.4])
    agreement, squares = statistics.agreement(sign, rho)
    assert agreement == pytest.approx([20 * 0.8])
    assert squares == pytest.approx([20 * 0.64])
    assert statistics.copying(sign, rho) == pytest.approx(16.0**2 - 20 * 0.64)


def test_sides_count_what_is_left_of_votes_for_the_first() -> None:
    side = np.array([1.0, -1.0, 1.0])
    statistics = FitStatistics.of(np.array([0, 1, 2]), np.array([0, 0, 1]), 3, 2, side)
    left, squares = statistics.sides(np.array([1.0, 1.0, -1.0]), np.array([0.5, 0.0, 0.25]))
    assert left == pytest.approx([0.5 - 1.0, -1.25])
    assert squares == pytest.approx([0.25 + 1.0, 1.25**2])


def test_the_robust_fit_of_agreement_is_exact_where_all_couples_agree_with_it_and_where_one_does_not() -> None:
    rho = np.array([0.9, 0.8, 0.5, 0.7, 0.4, 0.6])
    couples = np.array(list(combinations(range(6), 2)))
    n = 400
    pair = np.repeat(np.arange(n * len(couples)), 2)
    annotator = np.repeat(couples, n, axis=0).ravel()
    statistics = FitStatistics.of(pair, annotator, n * len(couples), 6)

    def votes(copy: bool) -> np.ndarray:
        sign = np.ones((len(couples), n, 2))
        for i, (k, j) in enumerate(couples.tolist()):
            agreeing = round(n * (1 + rho[k] * rho[j]) / 2)
            sign[i, agreeing:, 1] = 1.0 if copy and (k, j) == (2, 4) else -1.0
        return sign.ravel()

    assert statistics.robust_rho(votes(False)) == pytest.approx(rho, abs=0.01)
    assert statistics.robust_rho(votes(True)) == pytest.approx(rho, abs=0.04)
