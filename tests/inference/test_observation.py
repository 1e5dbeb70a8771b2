"""The evidence rule, the likelihood and their derivatives, against brute force over the hidden truths."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from votewise.annotators.evidence import evidence_of
from votewise.data.votes import Votes
from votewise.inference.observation import log_cosh2, to_attentiveness, to_reliability, vote_probability


def small_votes(weight: bool = False) -> tuple[Votes, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    pair = np.repeat(np.arange(4), 3)
    annotator = np.tile(np.arange(3), 4)
    votes = Votes.from_arrays(
        pair,
        annotator,
        rng.choice([-1, 1], 12),
        margin=rng.normal(size=4),
        weight=rng.uniform(0.5, 2, 12) if weight else None,
    )
    return votes, np.array([0.9, 0.6, 0.3]), expit(votes.margin)


def brute_force_likelihood(votes: Votes, reliability: np.ndarray, p: np.ndarray) -> float:
    """Sum the joint probability of votes and truths over all 2^M truths."""
    total = 0.0
    for truths in itertools.product([-1, 1], repeat=votes.n_pairs):
        prob = np.prod(np.where(np.array(truths) > 0, p, 1 - p))
        for i, k, v in zip(votes.pair, votes.annotator, votes.sign, strict=True):
            prob *= reliability[k] if v == truths[i] else 1 - reliability[k]
        total += prob
    return float(np.log(total))


def test_likelihood_equals_the_sum_over_all_truths() -> None:
    votes, reliability, p = small_votes()
    evidence = evidence_of(votes)
    found = evidence.log_likelihood(evidence.posterior_log_odds(logit(reliability)), logit(reliability))
    assert found == pytest.approx(brute_force_likelihood(votes, reliability, p), abs=1e-12)


def test_posterior_equals_bayes_rule_over_all_truths() -> None:
    votes, reliability, p = small_votes()
    posterior = expit(evidence_of(votes).posterior_log_odds(logit(reliability)))
    for i in range(votes.n_pairs):
        on = votes.pair == i
        right, wrong = p[i], 1 - p[i]
        for k, v in zip(votes.annotator[on], votes.sign[on], strict=True):
            right *= reliability[k] if v > 0 else 1 - reliability[k]
            wrong *= 1 - reliability[k] if v > 0 else reliability[k]
        assert posterior[i] == pytest.approx(right / (right + wrong), abs=1e-12)


def test_one_vote_a_pair_is_the_papers_e_step() -> None:
    """[RE-PO eq. 4] with p from the margin of the preferred response over the other."""
    p, eta = np.array([0.7, 0.2, 0.9]), np.array([0.8, 0.6, 0.95])
    votes = Votes.from_arrays([0, 1, 2], [0, 1, 2], [1, 1, 1], margin=logit(p))
    evidence = evidence_of(votes)
    expected = p * eta / (p * eta + (1 - p) * (1 - eta))
    np.testing.assert_allclose(evidence.confidence(evidence.posterior_log_odds(logit(eta))), expected, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_in_the_reliabilities_is_expected_minus_predicted_right_votes(weighted: bool) -> None:
    """Finite differences: d log L / d logit(eta_k) = expected right votes - N_k eta_k."""
    votes, reliability, _ = small_votes(weighted)
    evidence, x, h = evidence_of(votes), logit(reliability), 1e-6

    def value(at: np.ndarray) -> float:
        return evidence.log_likelihood(evidence.posterior_log_odds(at), at)

    gradient = evidence.expected_right(evidence.posterior_log_odds(x)) - evidence.counts * reliability
    numeric = [(value(x + h * e) - value(x - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(gradient, numeric, atol=1e-6)


def test_gradient_in_the_margins_equals_that_of_the_surrogate() -> None:
    """Marginal likelihood and EM surrogate have the same gradient in the margins: posterior minus prior probability."""
    votes, reliability, p = small_votes()
    x, h = logit(reliability), 1e-6

    def value(margin: np.ndarray) -> float:
        evidence = evidence_of(votes.with_margins(margin))
        return evidence.log_likelihood(evidence.posterior_log_odds(x), x)

    surrogate = expit(evidence_of(votes).posterior_log_odds(x)) - p
    numeric = [(value(votes.margin + h * e) - value(votes.margin - h * e)) / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(surrogate, numeric, atol=1e-6)


def test_leaving_the_own_vote_out_equals_removing_it() -> None:
    votes, reliability, _ = small_votes()
    evidence, x = evidence_of(votes), logit(reliability)
    found = evidence.log_odds_without_own_vote(evidence.posterior_log_odds(x), x)
    for j in range(len(votes)):
        keep = np.arange(len(votes)) != j
        rest = Votes.from_arrays(
            votes.pair[keep],
            votes.annotator[keep],
            votes.sign[keep],
            pair_ids=list("abcd"),
            annotator_ids=list("xyz"),
            margin=votes.margin,
        )
        posterior = evidence_of(rest).posterior_log_odds(x)
        assert found[j] == pytest.approx(votes.sign[j] * posterior[votes.pair[j]], abs=1e-12)


def test_ties_carry_no_evidence() -> None:
    with_tie = evidence_of(Votes.from_arrays([0, 0, 0], [0, 1, 2], [1, 0, -1]))
    without = evidence_of(Votes.from_arrays([0, 0], [0, 2], [1, -1], annotator_ids=["0", "1", "2"]))
    np.testing.assert_array_equal(with_tie.matrix.toarray(), without.matrix.toarray())
    np.testing.assert_array_equal(with_tie.counts, [1, 0, 1])
    np.testing.assert_array_equal(with_tie.decided, [0, 2])


def test_unrelated_rows_have_one_vote_each() -> None:
    evidence = evidence_of(Votes.from_arrays([0, 0, 1], [0, 1, 0], [1, -1, 1], margin=[0.5, -1]), shared_pairs=False)
    np.testing.assert_array_equal(evidence.margin, [0.5, 0.5, -1])
    np.testing.assert_array_equal(np.diff(evidence.matrix.indptr), [1, 1, 1])


@pytest.mark.parametrize("weighted", [False, True])
def test_selected_pairs_are_as_if_only_they_had_been_voted_on(weighted: bool) -> None:
    votes, reliability, _ = small_votes(weighted)
    votes = replace(votes, sign=np.where(np.arange(12) == 4, 0, votes.sign).astype(np.int8))
    pairs = np.array([True, True, False, True])
    kept = pairs[votes.pair]
    rest = Votes.from_arrays(
        np.array([0, 1, -1, 2])[votes.pair[kept]],
        votes.annotator[kept],
        votes.sign[kept],
        margin=votes.margin[pairs],
        weight=votes.weight[kept] if weighted else None,
    )
    found, expected, x = evidence_of(votes).select(pairs), evidence_of(rest), logit(reliability)
    for name in ("pair", "annotator", "sign", "weight", "counts", "margin", "informed"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    np.testing.assert_array_equal(found.matrix.toarray(), expected.matrix.toarray())
    np.testing.assert_array_equal(votes.sign[found.decided], found.sign)
    posterior = found.posterior_log_odds(x)
    np.testing.assert_array_equal(posterior, evidence_of(votes).posterior_log_odds(x)[pairs])
    assert found.log_likelihood(posterior, x) == expected.log_likelihood(expected.posterior_log_odds(x), x)


def test_all_pairs_selected_are_the_evidence_itself() -> None:
    evidence = evidence_of(small_votes()[0])
    assert evidence.select(np.ones(4, bool)) is evidence


def test_other_margins_replace_the_old_ones() -> None:
    votes = small_votes()[0]
    found, margin = evidence_of(votes).with_margin(np.zeros(4)), np.array([1.0, 0, 0, 0])
    assert not found.informed
    assert found.with_margin(margin).informed
    np.testing.assert_array_equal(found.with_margin(margin).margin, evidence_of(votes.with_margins(margin)).margin)


def test_vote_probability_joins_both_papers() -> None:
    """[RE-PO eq. 3] p eta + (1-p)(1-eta) equals [UAA eq. 5] rho p + (1 - rho) / 2."""
    p, eta = np.meshgrid(np.linspace(0, 1, 7), np.linspace(0, 1, 7))
    rho = to_attentiveness(eta)
    np.testing.assert_allclose(vote_probability(p, eta), p * eta + (1 - p) * (1 - eta), atol=1e-15)
    np.testing.assert_allclose(vote_probability(p, eta), rho * p + (1 - rho) / 2, atol=1e-15)
    np.testing.assert_allclose(to_reliability(rho), eta, atol=1e-15)


def test_log_cosh_stays_finite_for_huge_margins() -> None:
    np.testing.assert_allclose(log_cosh2(np.array([-1e4, 0.0, 1e4])), [5e3, np.log(2), 5e3])
