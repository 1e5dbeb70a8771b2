"""What a jury is worth, on closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from votewise.inference.jury_model import (
    JuryModel,
    cheapest_part,
    fit_jury,
    independent_information,
    kish_judges,
    mean_error_correlation,
    patterns,
    votes_to_settle,
    worth_in_judges,
)


def jury(
    *reliability: float, family: tuple[int, ...] | None = None, across: float = 0.0, within: float = 0.0
) -> JuryModel:
    codes = np.array(family if family else range(len(reliability)), np.int32)
    return JuryModel(np.array(reliability), codes, across, within)


def entropy(p: float) -> float:
    return float(-p * np.log2(p) - (1 - p) * np.log2(1 - p))


def test_one_judge_tells_what_a_noisy_channel_does() -> None:
    assert jury(0.8).information() == pytest.approx(1 - entropy(0.8))
    assert independent_information(1, 0.8) == pytest.approx(1 - entropy(0.8))
    assert jury(0.5, 0.5).information() == pytest.approx(0, abs=1e-12)


def test_independent_judges_are_worth_their_number() -> None:
    assert jury(0.7, 0.7, 0.7, 0.7).information() == pytest.approx(independent_information(4, 0.7))
    for model in (jury(0.7, 0.7, 0.7), jury(0.9, 0.6, 0.7, 0.8)):
        assert worth_in_judges(model) == pytest.approx(len(model.reliability), abs=1e-6)
        evidence = (np.log(model.reliability) - np.log1p(-model.reliability)) @ np.ones(len(model.reliability))
        assert model.log_odds(np.ones((1, len(model.reliability)), np.int8))[0] == pytest.approx(evidence)


def test_judges_who_nearly_say_the_same_are_worth_little_more_than_one() -> None:
    worth = [worth_in_judges(jury(*[0.8] * 6, across=r)) for r in (0.0, 0.3, 0.6, 0.8, 0.9)]
    assert worth == sorted(worth, reverse=True)
    assert 1 < worth[-1] < 1.7
    assert [kish_judges(6, phi) for phi in (0.0, 0.2, 1.0)] == pytest.approx([6, 3, 1])


def test_two_judges_are_right_together_as_two_normal_variables_say() -> None:
    model = jury(0.8, 0.7, family=(0, 0), within=0.5)
    both = multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]]).cdf(norm.ppf([0.8, 0.7]))
    assert np.exp(model.log_likelihood(np.ones((1, 2), np.int8)))[0] == pytest.approx(both, abs=1e-5)
    # Of different families they share only what all share.
    apart = jury(0.8, 0.7, across=0.2, within=0.5)
    both = multivariate_normal([0, 0], [[1, 0.2], [0.2, 1]]).cdf(norm.ppf([0.8, 0.7]))
    assert np.exp(apart.log_likelihood(np.ones((1, 2), np.int8)))[0] == pytest.approx(both, abs=1e-5)


@pytest.mark.parametrize("family", [(0, 1, 2), (0, 0, 1), (0, 0, 0)])
def test_the_probabilities_of_all_patterns_add_up_to_one_and_keep_each_reliability(family: tuple[int, ...]) -> None:
    model = jury(0.9, 0.7, 0.6, family=family, across=0.2, within=0.6)
    votes = patterns(3)
    p = np.exp(model.log_likelihood(votes))
    assert p.sum() == pytest.approx(1)
    assert p @ (votes > 0) == pytest.approx(model.reliability, abs=1e-4)
    silent = np.array([[1, 0, 0]], np.int8)
    assert np.exp(model.log_likelihood(silent))[0] == pytest.approx(0.9, abs=1e-4)


def test_a_jury_with_known_errors_is_found() -> None:
    true = jury(0.85, 0.8, 0.75, 0.7, 0.8, 0.75, family=(0, 0, 0, 1, 1, 1), across=0.2, within=0.5)
    votes = true.draw(20_000, np.random.default_rng(1))
    found = fit_jury((votes > 0).astype(float), true.family)
    # Standard errors: .0033 at most for a reliability, about .012 for a correlation; 5 of them: false alarm below 1e-5.
    assert np.abs(found.reliability - true.reliability).max() < 0.017
    assert found.across == pytest.approx(0.2, abs=0.06)
    assert found.within == pytest.approx(0.5, abs=0.06)
    alone = fit_jury((votes[:, [0, 3]] > 0).astype(float), np.array([0, 1], np.int32))
    assert alone.within == alone.across


def test_the_mean_correlation_of_errors() -> None:
    right = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1], [0, 0, 0]], float)
    assert mean_error_correlation(right) == pytest.approx(np.corrcoef(right.T)[np.triu_indices(3, 1)].mean())
    assert np.isnan(mean_error_correlation(np.ones((5, 3))))
    # A judge counts only where both spoke.
    right[0, 0] = np.nan
    first = [np.corrcoef(right[1:, 0], right[1:, k])[0, 1] for k in (1, 2)]
    third = np.corrcoef(right[:, 1], right[:, 2])[0, 1]
    assert mean_error_correlation(right[:, [1, 2]]) == pytest.approx(third)
    assert mean_error_correlation(right[:, :2]) == pytest.approx(first[0], abs=0.2)


def test_more_than_twelve_judges_are_drawn() -> None:
    # 8,192 draws of an information of about .99 with a standard deviation of about .05: five standard errors are .003.
    exact = independent_information(13, 0.8)
    assert jury(*[0.8] * 13).information() == pytest.approx(exact, abs=0.005)


def test_the_cheapest_part_that_tells_enough() -> None:
    copies = jury(0.9, 0.9, 0.7, 0.7, family=(0, 0, 1, 2), within=0.9)
    sizes = [len(cheapest_part(model, np.ones(4), 0.85)) for model in (copies, jury(0.9, 0.9, 0.7, 0.7))]
    assert sizes[0] <= sizes[1]
    assert len(cheapest_part(jury(*[0.8] * 4, across=0.9), np.ones(4), 0.8)) < 4
    assert cheapest_part(jury(*[0.8] * 4), np.ones(4), 0.99) == [0, 1, 2, 3]
    assert cheapest_part(jury(0.9, 0.9), np.array([3.0, 1.0]), 0.5) == [1]
    assert cheapest_part(jury(0.7, 0.7, 0.7), np.ones(3), 1.0) == [0, 1, 2]
    assert cheapest_part(jury(*[0.7] * 11), np.ones(11), 1.0) == list(range(11))


def test_the_votes_that_settle_a_pair_follow_the_gamblers_ruin() -> None:
    # One step settles: log-odds 0, reliability as sure as wanted.
    assert votes_to_settle(np.zeros(1), 0.9, 0.9) == pytest.approx([1])
    # Two ahead of the other: expected 2 / (p^2 + q^2) votes.
    assert votes_to_settle(np.zeros(1), 0.8, 0.94) == pytest.approx([2 / (0.8**2 + 0.2**2)])
    assert votes_to_settle(np.array([5.0]), 0.8, 0.94) == pytest.approx([0])
    rng, start = np.random.default_rng(0), 1.0
    expected = votes_to_settle(np.array([start]), 0.75, 0.95)[0]
    step, edge, taken = np.log(3), np.log(19), []
    for _ in range(4_000):
        good, x, n = rng.random() < 1 / (1 + np.exp(-start)), start, 0
        while abs(x) < edge - 1e-9:
            x, n = x + (step if (rng.random() < 0.75) == good else -step), n + 1
        taken.append(n)
    # Five standard errors: false alarm below 1e-6.
    assert expected == pytest.approx(np.mean(taken), abs=5 * np.std(taken) / np.sqrt(4_000))
