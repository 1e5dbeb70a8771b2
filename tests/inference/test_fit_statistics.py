"""Statistics of fit: sums of products as defined, means of 0 under the model, and the alternatives that move them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from votewise.inference.fit_statistics import FitStatistics, Meetings, largest_eigenvalue


def spread_likelihood(pair: np.ndarray, sign: np.ndarray, log_odds: np.ndarray, tau: float) -> float:
    """Log-likelihood of votes whose log-odds of being right are multiplied by e^u, u ~ N(0, tau^2) for each pair."""
    node, weight = np.polynomial.hermite_e.hermegauss(21)
    total = 0.0
    for i in range(int(pair.max()) + 1):
        own, a = sign[pair == i], log_odds[pair == i]
        at = np.exp(tau * node)[:, None] * a
        either = sum(np.exp(-np.logaddexp(0, -truth * own * at).sum(axis=1)) / 2 for truth in (1, -1))
        total += float(np.log(either @ weight / weight.sum()))
    return total


def test_the_statistic_of_difficulty_is_the_slope_of_the_likelihood() -> None:
    rng = np.random.default_rng(0)
    pair, annotator = np.repeat(np.arange(8), 5), np.concatenate([rng.permutation(7)[:5] for _ in range(8)])
    sign, log_odds = rng.choice([-1.0, 1.0], 40), rng.normal(0.8, 0.7, 7)
    posterior = np.bincount(pair, sign * log_odds[annotator])
    found = FitStatistics.of(pair, annotator, 8, 7).difficulty(sign, log_odds, posterior)
    low, high = (spread_likelihood(pair, sign, log_odds[annotator], np.sqrt(v)) for v in (0.0, 1e-4))
    assert found == pytest.approx(2 * (high - low) / 1e-4, rel=2e-3)


def test_the_largest_eigenvalue_is_that_of_the_dense_matrix() -> None:
    rng = np.random.default_rng(1)
    dense = np.triu(rng.normal(size=(60, 60)) * (rng.random((60, 60)) < 0.2), 1)
    dense[:10, :10] = np.triu(np.ones((10, 10)), 1)
    dense = dense + dense.T
    assert largest_eigenvalue(csr_matrix(dense)) == pytest.approx(np.linalg.eigvalsh(dense)[-1], rel=1e-4)
    assert largest_eigenvalue(csr_matrix((0, 0))) == 0


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
    """Means over all votes of the statistic of difficulty and of the sum over couples; ``mixture`` has the probability and
    the (n,) attentiveness of each case."""
    total, log_odds = np.zeros(2), 2 * np.arctanh(rho)
    for votes in np.array(np.meshgrid(*[[-1.0, 1.0]] * len(statistics.pair))).reshape(len(statistics.pair), -1).T:
        chance = sum(share * np.prod((1 + votes * each) / 2) for share, each in mixture)
        posterior = np.bincount(statistics.pair, votes * log_odds[statistics.annotator])
        difficulty = statistics.difficulty(votes, log_odds, posterior)
        total += chance * np.array([difficulty, statistics.copying(votes, rho)[0]])
    return total


def test_means_are_zero_under_the_model_and_difficulty_moves_only_its_own() -> None:
    """Exact, over all votes of four annotators on two pairs: the truth drops out, so +1 is always right."""
    pair, annotator = np.repeat([0, 1], 4), np.tile(np.arange(4), 2)
    statistics = FitStatistics.of(pair, annotator, 2, 4)
    rho = np.array([0.9, 0.5, 0.7, 0.3])
    each = rho[annotator]
    assert exact_means(statistics, rho, [(1.0, each)]) == pytest.approx([0, 0], abs=1e-10)
    # Every pair easy or hard, with the same agreement of two on average: E[d^2] = 1 and E[d^4] > 1.
    hard, easy = 0.6, np.sqrt(2 - 0.6**2)
    scale = 0.7
    mixture = [(0.25, scale * each * np.where(pair == 0, a, b)) for a in (hard, easy) for b in (hard, easy)]
    difficulty, copying = exact_means(statistics, scale * rho, mixture)
    assert difficulty > 1e-4
    assert copying == pytest.approx(0, abs=1e-10)


def test_agreement_beyond_reliability_is_copying() -> None:
    pair, annotator = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    statistics = FitStatistics.of(pair, annotator, 20, 2)
    sign = np.ones(40)
    rho = np.array([0.5, 0.4])
    agreement, squares = statistics.agreement(sign, rho)
    assert agreement == pytest.approx([20 * 0.8])
    assert squares == pytest.approx([20 * 0.64])
    variance = 20 * (1 - 0.2**2)
    together, alike = statistics.copying(sign, rho)
    assert together == pytest.approx((16.0**2 - 20 * 0.64) / variance)
    assert alike == pytest.approx(16 / np.sqrt(variance))


def test_a_group_stands_out_by_its_eigenvalue() -> None:
    """Ten of thirty annotators take nine of ten votes from one source; the others answer at random."""
    rng = np.random.default_rng(2)
    pair, annotator = np.repeat(np.arange(500), 5), np.argsort(rng.random((500, 30)), axis=1)[:, :5].ravel()
    statistics, rho = FitStatistics.of(pair, annotator, 500, 30), np.zeros(30)
    sign = rng.choice([-1.0, 1.0], 2500)
    source = rng.choice([-1.0, 1.0], 500)
    copied = np.where((annotator < 10) & (rng.random(2500) < 0.9), source[pair], sign)
    assert statistics.copying(copied, rho)[1] > statistics.copying(sign, rho)[1] + 2


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
