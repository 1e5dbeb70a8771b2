"""Shared errors: brute force over truths and nodes, finite differences, and the plain model at r = 0."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.special import expit, logit, ndtr, ndtri
from scipy.stats import multivariate_normal

from votewise.inference import grouped_votes
from votewise.inference.grouped_votes import GroupedVotes
from votewise.inference.member_information import member_information
from votewise.inference.observation import Evidence
from votewise.inference.shared_error import (
    LARGEST_SHARE,
    VotesAtNodes,
    effective_number,
    error_correlation,
    expect_errors,
    expected_votes,
    shared_error_nodes,
    shares_of,
)
from votewise.inference.shared_error_scores import own_information, posterior_information, vote_scores
from votewise.inference.shared_error_steps import log_posterior_slope, most_likely_log_odds

ETA = np.array([0.8, 0.7, 0.65, 0.9, 0.55, 0.3])
GROUP = np.array([0, 0, 0, 1, 1, -1], np.int32)
R = np.array([0.5, 0.3])


def grouped(seed: int = 0, pairs: int = 12, *, margins: bool = True, weights: bool = False) -> GroupedVotes:
    """Votes of six annotators, each on most pairs, with margins."""
    rng = np.random.default_rng(seed)
    pair, annotator = np.nonzero(rng.random((pairs, len(ETA))) < 0.8)
    sign = rng.choice([-1, 1], len(pair)).astype(np.int8)
    evidence = Evidence.of(
        pair.astype(np.int32),
        annotator.astype(np.int32),
        sign,
        margin=rng.normal(size=pairs) * margins,
        annotators=len(ETA),
        weight=rng.choice([1.0, 2.0], len(pair)) if weights else None,
    )
    return GroupedVotes.of(evidence, GROUP)


def likelihood_by_hand(votes: GroupedVotes, eta: np.ndarray, r: np.ndarray, without: int = -1) -> np.ndarray:
    """(M, 2) likelihood of each pair with its truth, all nodes of both groups enumerated; ``without`` leaves out a vote."""
    nodes, log_weights = shared_error_nodes(fine=votes.fine)
    evidence = votes.evidence
    found = np.zeros((len(evidence.margin), 2))
    for i, margin in enumerate(evidence.margin):
        mine = [j for j in np.flatnonzero(evidence.pair == i) if j != without]
        for t, truth in enumerate((1, -1)):
            for a, b in product(range(len(nodes)), repeat=2):
                value = expit(truth * margin) * np.exp(log_weights[a] + log_weights[b])
                for j in mine:
                    k = evidence.annotator[j]
                    p = eta[k]
                    # An annotator in no block has the reliability itself, not its sum over nodes.
                    if votes.block[j] >= 0:
                        share, c = r[GROUP[k]], nodes[(a, b)[GROUP[k]]]
                        p = ndtr((ndtri(p) + np.sqrt(share) * c) / np.sqrt(1 - share))
                    value *= (p if evidence.sign[j] == truth else 1 - p) ** (
                        1 if evidence.weight is None else evidence.weight[j]
                    )
                found[i, t] += value
    return found


@pytest.mark.parametrize("weights", [False, True])
def test_the_e_step_is_the_sum_over_all_truths_and_nodes(weights: bool) -> None:
    votes = grouped(weights=weights)
    found = expect_errors(votes, logit(ETA), R)
    by_hand = likelihood_by_hand(votes, ETA, R)
    np.testing.assert_allclose(found.posterior, np.log(by_hand[:, 0] / by_hand[:, 1]), atol=1e-9)
    assert found.log_likelihood == pytest.approx(np.log(by_hand.sum(axis=1)).sum(), abs=1e-9)


def test_each_vote_is_judged_and_predicted_by_all_others() -> None:
    votes = grouped()
    each = vote_scores(votes, logit(ETA), R, expect_errors(votes, logit(ETA), R))
    whole = likelihood_by_hand(votes, ETA, R).sum(axis=1)
    evidence = votes.evidence
    for j in (0, 7, 20, len(evidence.sign) - 1):
        # The block of a vote may dissolve without it; its other vote keeps the sum over nodes.
        left = likelihood_by_hand(votes, ETA, R, without=j)[evidence.pair[j]]
        assert each.by_others[j] == pytest.approx(evidence.sign[j] * np.log(left[0] / left[1]), abs=1e-9)
        # The rest are probabilities of the votes; 2 ends of one vote sum to one up to the error of the nodes.
        assert each.predicted[j] == pytest.approx(whole[evidence.pair[j]] / left.sum(), abs=1e-9)


def test_slopes_and_information_are_those_of_finite_differences() -> None:
    votes, x, h = grouped(), logit(ETA), 1e-4
    found = expect_errors(votes, x, R)
    each = vote_scores(votes, x, R, found)
    slope = np.bincount(votes.evidence.annotator, each.score, minlength=len(ETA))
    information = own_information(votes, x, R, found, each, slope)
    for k in range(len(ETA)):
        step = h * (np.arange(len(ETA)) == k)
        below, here, above = (expect_errors(votes, x + d * step, R).log_likelihood for d in (-1, 0, 1))
        assert slope[k] == pytest.approx((above - below) / (2 * h), abs=1e-5)
        assert information[k] == pytest.approx(-(above - 2 * here + below) / h**2, abs=1e-3)


@pytest.mark.parametrize("weights", [False, True])
def test_information_about_some_members_is_the_same(weights: bool) -> None:
    votes, x = grouped(weights=weights), logit(ETA)
    pull, found = (np.full(len(ETA), 2.0), np.linspace(1, 2, len(ETA))), expect_errors(votes, x, R)
    each = vote_scores(votes, x, R, found)
    of_all = posterior_information(votes, x, R, found, each, pull)
    for chosen in ([0, 2, 3], [1], [0, 1, 2, 3, 4]):
        some = member_information(votes, x, R, found, pull, np.array(chosen))
        np.testing.assert_allclose(some, of_all[chosen], rtol=1e-9)


def test_the_m_step_is_where_the_expected_log_posterior_is_flat() -> None:
    votes, x = grouped(), logit(ETA)
    pull, share = (np.full(len(ETA), 2.0), np.full(len(ETA), 1.0)), shares_of(votes, R)
    expected = expected_votes(votes, expect_errors(votes, x, R))
    for _ in range(20):
        at_nodes = expect_errors(votes, x, R).at_nodes
        x = most_likely_log_odds(votes, x, R, at_nodes, expected, pull)
    nodes = shared_error_nodes(fine=votes.fine)[0]

    def objective(point: np.ndarray) -> np.ndarray:
        p = ndtr((ndtri(expit(point))[:, None] + np.sqrt(share)[:, None] * nodes) / np.sqrt(1 - share)[:, None])
        inside = np.zeros(len(ETA))
        p = p[votes.members]
        inside[votes.members] = (expected.right * np.log(p) + expected.wrong * np.log(1 - p)).sum(axis=1)
        right, wrong = expected.alone + pull[0], votes.alone_counts - expected.alone + pull[1]
        return inside + right * np.log(expit(point)) + wrong * np.log(expit(-point))

    slope = (objective(x + 1e-5) - objective(x - 1e-5)) / 2e-5
    np.testing.assert_allclose(slope, 0, atol=1e-5)


def test_without_shared_errors_it_is_the_plain_model() -> None:
    votes, x = grouped(), logit(ETA)
    found, evidence = expect_errors(votes, x, np.zeros(2)), votes.evidence
    posterior = evidence.posterior_log_odds(x)
    np.testing.assert_allclose(found.posterior, posterior, atol=1e-9)
    assert found.log_likelihood == pytest.approx(evidence.log_likelihood(posterior, x), abs=1e-9)
    pull = (np.full(len(ETA), 2.0), np.full(len(ETA), 1.0))
    expected = expected_votes(votes, found)
    new = most_likely_log_odds(votes, x, np.zeros(2), found.at_nodes, expected, pull)
    plain = (evidence.expected_right(posterior) + 2) / (evidence.counts + 3)
    np.testing.assert_allclose(expit(new), plain, atol=1e-9)


def test_the_slope_of_the_log_posterior_is_that_of_finite_differences() -> None:
    votes, x, root, h = grouped(), logit(ETA), np.sqrt(R), 1e-5
    found = expect_errors(votes, x, R)
    nothing = (np.zeros(len(ETA)), np.zeros(len(ETA)))
    slope, by_root = log_posterior_slope(votes, x, R, found, expected_votes(votes, found), nothing)

    def at(x: np.ndarray, root: np.ndarray) -> float:
        return expect_errors(votes, x, root**2).log_likelihood

    for k in range(len(ETA)):
        step = h * (np.arange(len(ETA)) == k)
        assert slope[k] == pytest.approx((at(x + step, root) - at(x - step, root)) / (2 * h), abs=1e-6)
    for g in range(2):
        step = h * (np.arange(2) == g)
        assert by_root[g] == pytest.approx((at(x, root + step) - at(x, root - step)) / (2 * h), abs=1e-6)


def test_with_few_values_of_the_shared_error_it_is_the_same_at_a_small_r() -> None:
    votes, x = grouped(), logit(ETA)
    fine, coarse = (expect_errors(replace(votes, fine=fine), x, R) for fine in (True, False))
    assert votes.fine
    np.testing.assert_allclose(fine.posterior, coarse.posterior, atol=2e-3)


@pytest.mark.parametrize("share", [0.3, 0.7, LARGEST_SHARE])
def test_values_of_the_shared_error_keep_reliabilities_and_the_chance_that_two_are_right(share: float) -> None:
    weight = np.exp(shared_error_nodes(fine=True)[1])
    right = VotesAtNodes.of(logit(ETA), np.full(len(ETA), share), fine=True).right
    np.testing.assert_allclose(right @ weight, ETA, atol=1e-6)
    both = multivariate_normal(cov=[[1, share], [share, 1]]).cdf(ndtri(ETA[:2]))
    assert (right[0] * right[1]) @ weight == pytest.approx(both, abs=1e-5)


def test_products_and_sums_of_logs_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    x = logit(ETA)
    by_products = expect_errors(grouped(pairs=100), x, R)
    monkeypatch.setattr(grouped_votes, "MOST_VOTES", 1)
    by_sums = expect_errors(grouped(pairs=100), x, R)
    assert grouped(pairs=100).by_size is None
    np.testing.assert_allclose(by_products.posterior, by_sums.posterior, atol=1e-9)
    patterns = np.arange(len(by_products.sums))
    np.testing.assert_allclose(by_products.errors_of(patterns), by_sums.errors_of(patterns), atol=1e-12)
    assert by_products.log_likelihood == pytest.approx(by_sums.log_likelihood, abs=1e-9)


def test_an_annotator_who_votes_twice_on_a_pair_counts_twice() -> None:
    pair, annotator = np.zeros(3, np.int32), np.array([0, 0, 1], np.int32)
    evidence = Evidence.of(pair, annotator, np.array([1, 1, 1], np.int8), margin=np.zeros(1), annotators=2)
    votes = GroupedVotes.of(evidence, np.zeros(2, np.int32))
    found = expect_errors(votes, logit(np.array([0.7, 0.8])), np.array([0.5]))
    by_hand = likelihood_by_hand(votes, np.array([0.7, 0.8]), np.array([0.5, 0.5]))
    np.testing.assert_allclose(found.posterior, np.log(by_hand[:, 0] / by_hand[:, 1]), atol=1e-9)


def test_equal_blocks_are_computed_once() -> None:
    votes = grouped(pairs=400, margins=False)
    assert len(votes.pattern) > 600
    assert votes.signed.shape[0] < 40
    each = [tuple(votes.signed[u].toarray()[0]) for u in range(votes.signed.shape[0])]
    assert len(set(each)) == len(each)


def test_correlation_and_effective_number() -> None:
    # Errors of two annotators of reliability 1/2 have the correlation (2 / pi) arcsin(r).
    assert error_correlation(np.zeros(3), 0.5) == pytest.approx(2 / np.pi * np.arcsin(0.5), abs=2e-3)
    assert error_correlation(np.zeros(3), 0.0) == pytest.approx(0.0, abs=1e-12)
    assert error_correlation(np.zeros(1), 0.5) == 0.0
    assert effective_number(6, 0.37) == pytest.approx(6 / 2.85)
