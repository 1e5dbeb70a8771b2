"""Beliefs of a campaign, vote by vote and after a refit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.groups import KnownGroups
from votewise.collect.pair_beliefs import FIRST_REFIT, PairBeliefs, erring_together, votes_log_odds
from votewise.data.votes import Votes
from votewise.simulate.annotators import simulate_annotators

MARGIN = np.array([0.0, 0.5, -1.0])


def test_before_votes_there_are_margins_and_the_usual_prior() -> None:
    beliefs = PairBeliefs.before_votes(MARGIN, 2)
    np.testing.assert_array_equal(beliefs.log_odds, MARGIN)
    np.testing.assert_allclose(beliefs.reliability, 5 / 7)
    # Beta(5, 2) holds 95% between .359 and .957.
    np.testing.assert_allclose(beliefs.low, 0.3588, atol=1e-3)
    np.testing.assert_allclose(beliefs.high, 0.9567, atol=1e-3)


def test_votes_add_log_odds_in_any_order_and_at_once_or_one_by_one() -> None:
    beliefs = PairBeliefs(MARGIN, MARGIN, np.array([0.9, 0.6]), np.zeros(2), np.ones(2))
    pair, annotator, sign = np.array([0, 0, 2, 1], np.int32), np.array([0, 1, 0, 1], np.int32), np.array([1, -1, -1, 0])
    found = beliefs.with_votes(pair, annotator, sign.astype(np.int8)).log_odds
    np.testing.assert_allclose(found, [logit(0.9) - logit(0.6), 0.5, -1.0 - logit(0.9)])
    one_by_one = beliefs
    for i in (3, 1, 2, 0):
        one_by_one = one_by_one.with_votes(pair[i : i + 1], annotator[i : i + 1], sign[i : i + 1].astype(np.int8))
    np.testing.assert_allclose(one_by_one.log_odds, found)
    np.testing.assert_array_equal(beliefs.log_odds, MARGIN)


def test_a_refit_is_the_audit_of_the_same_votes_and_starts_where_the_last_one_ended() -> None:
    votes = simulate_annotators(annotators=20, votes_per_annotator=(40, 60), seed=3).votes
    audit = estimate_reliability(votes)
    beliefs = PairBeliefs.before_votes(np.zeros(votes.n_pairs), votes.n_annotators)
    first = beliefs.refitted(votes.pair[:500], votes.annotator[:500], votes.sign[:500])
    found = first.refitted(votes.pair, votes.annotator, votes.sign)
    # EM stops where reliabilities move by less than 5e-4 a step.
    np.testing.assert_allclose(found.reliability, audit.annotators["reliability"].to_numpy(), atol=5e-3)
    np.testing.assert_allclose(expit(found.log_odds), audit.pairs["p_a"].to_numpy(), atol=0.03)
    assert ((found.low < found.reliability) & (found.reliability < found.high)).all()
    assert found.fitted == len(votes.sign)


def test_with_groups_a_refit_is_the_audit_with_the_same_groups() -> None:
    """Six judges of one family copy one source four times in five; twelve annotators err alone."""
    rng = np.random.default_rng(5)
    pairs, people = 300, 18
    truth = rng.choice([-1, 1], pairs)
    source = np.where(rng.random(pairs) < 0.7, truth, -truth)
    pair = np.repeat(np.arange(pairs), 7)
    annotator = np.concatenate([np.append(rng.choice(6, 4, False), 6 + rng.choice(12, 3, False)) for _ in range(pairs)])
    alone = np.where(rng.random(len(pair)) < 0.75, truth[pair], -truth[pair])
    copied = (annotator < 6) & (rng.random(len(pair)) < 0.8)
    sign = np.where(copied, source[pair], alone).astype(np.int8)
    arrays = pair.astype(np.int32), annotator.astype(np.int32), sign
    groups = [f"family {k // 6}" if k < 6 else None for k in range(people)]
    votes = Votes.from_arrays(*arrays)
    audit = estimate_reliability(votes, groups=KnownGroups({str(k): "family 0" for k in range(6)}))
    beliefs = PairBeliefs.before_votes(np.zeros(pairs), people)
    found = beliefs.refitted(*arrays, groups)
    np.testing.assert_allclose(found.reliability, audit.annotators["reliability"].to_numpy(), atol=5e-3)
    np.testing.assert_allclose(expit(found.log_odds), audit.pairs["p_a"].to_numpy(), atol=0.03)
    said = expit(np.abs(found.log_odds)).mean()
    assert said + 0.05 < expit(np.abs(beliefs.refitted(*arrays).log_odds)).mean()


def test_votes_of_a_group_on_a_pair_say_less_together() -> None:
    reliability, alone = np.array([0.8, 0.8, 0.7]), np.zeros(3)
    sign, group = np.array([1, 1, -1], np.int8), ("a", "a", None)
    separate = logit(0.8) * 2 - logit(0.7)
    assert votes_log_odds(sign, reliability, group, alone) == pytest.approx(separate)
    assert votes_log_odds(sign, reliability, ("a", "b", None), np.full(3, 0.9)) == pytest.approx(separate)
    by_share = [votes_log_odds(sign, reliability, group, np.array([r, r, 0.0])) for r in (0.2, 0.5, 0.9, 1.0)]
    assert separate > by_share[0] > by_share[1] > by_share[2] > by_share[3]
    assert by_share[3] == pytest.approx(logit(0.8) - logit(0.7), abs=0.15)  # nearly one vote, said twice


def test_groups_that_are_none() -> None:
    groups = ["a", "a", "b", None, "c", "c"]
    code, names = erring_together(groups, np.array([0, 1, 2, 3, 4]))
    assert names == ("a",)
    np.testing.assert_array_equal(code, [0, 0, -1, -1, -1, -1])
    assert erring_together(["a", "a", None], np.array([0, 1]))[1] == ()


def test_after_a_refit_bayes_goes_on_as_the_evidence_rule_says() -> None:
    votes = simulate_annotators(annotators=10, votes_per_annotator=(40, 60), seed=4).votes
    beliefs = PairBeliefs.before_votes(np.zeros(votes.n_pairs), votes.n_annotators)
    fitted = beliefs.refitted(votes.pair, votes.annotator, votes.sign)
    everything = beliefs.with_votes(votes.pair, votes.annotator, votes.sign)
    again = PairBeliefs(beliefs.margin, beliefs.margin, fitted.reliability, fitted.low, fitted.high)
    np.testing.assert_allclose(again.with_votes(votes.pair, votes.annotator, votes.sign).log_odds, fitted.log_odds)
    assert not np.allclose(everything.log_odds, fitted.log_odds)


@pytest.mark.parametrize(
    ("fitted", "votes", "wanted"), [(0, FIRST_REFIT - 1, False), (0, 50, True), (200, 219, False), (200, 220, True)]
)
def test_refits_come_after_a_tenth_more_votes(fitted: int, votes: int, wanted: bool) -> None:
    beliefs = PairBeliefs(MARGIN, MARGIN, np.ones(1), np.ones(1), np.ones(1), fitted)
    assert beliefs.wants_refit(votes) is wanted
