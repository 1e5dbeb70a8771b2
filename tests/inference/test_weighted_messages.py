"""Votes with weights among pairs that differ: powers of likelihoods, exact on trees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from differing_pairs import HALF, PRIOR, SIZE, by_brute_force, make_evidence, simulate_difficulty, simulate_items
from votewise.inference import pair_strengths, vote_messages, weighted_messages
from votewise.inference.answer_strengths import fit_answers
from votewise.inference.observation import Evidence
from votewise.inference.pair_strengths import difficulty, fit_difficulty
from votewise.inference.priors import Beta, Grid
from votewise.inference.vote_messages import Strengths, VoteMessages
from votewise.inference.weighted_messages import WeightedMessages, messages_of

STRENGTHS = Strengths(SIZE, HALF, HALF)


def weighted(evidence: Evidence, weight: np.ndarray) -> Evidence:
    return Evidence.of(
        evidence.pair,
        evidence.annotator,
        evidence.sign,
        margin=evidence.margin,
        annotators=len(evidence.counts),
        weight=weight,
    )


def swept(evidence: Evidence, sweeps: int = 8, kind: type[VoteMessages] = WeightedMessages) -> VoteMessages:
    messages = kind(evidence, STRENGTHS, PRIOR, np.full(len(evidence.counts), 0.7))
    for _ in range(sweeps):
        messages.sweep()
    return messages


TREE = [(0, 0, 1), (0, 1, -1), (1, 0, 1), (1, 2, 1)]


@pytest.mark.parametrize("few", [0, 24])
@pytest.mark.parametrize("weight", [[2, 1, 0.5, 3], [1, 1, 1, 1], [0.1, 7.3, 2, 0], [40, 1, 2, 60]])
def test_beliefs_are_exact_where_votes_form_a_tree(
    weight: list[float], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Summed over everything hidden, the vote of weight w being the power w of its probability."""
    monkeypatch.setattr(weighted_messages, "FEW_WEIGHTS", few)
    evidence = make_evidence(TREE, weight)
    messages = swept(evidence)
    p_a, reliability = by_brute_force(evidence)
    np.testing.assert_allclose(messages.p_a, p_a, rtol=1e-9)
    np.testing.assert_allclose(messages.mean(lambda x: x), reliability, rtol=1e-9)


def test_a_vote_is_predicted_from_everything_but_itself() -> None:
    """Without the vote (weight 0) the tree's other votes say how likely a vote of weight 1 there is."""
    messages = swept(make_evidence(TREE, [2, 1, 0.5, 3]))
    without = swept(make_evidence(TREE, [2, 1, 0, 3]))
    assert messages.by_others()[2] == pytest.approx(without.p_a[1], rel=1e-9)
    # In a tree the pair and the annotator know nothing of each other but by the vote.
    assert messages.predicted()[2] == pytest.approx(without.predict(np.array([1]), np.array([0]))[0], rel=1e-9)


def test_a_vote_of_weight_two_is_not_two_votes() -> None:
    """Two votes of one annotator confirm each other in a loop; a weight does not."""
    one, two = make_evidence([(0, 0, 1), (0, 1, 1)], [2, 1]), make_evidence([(0, 0, 1), (0, 0, 1), (0, 1, 1)])
    exact = by_brute_force(one)[0]
    assert swept(one).p_a == pytest.approx(exact, rel=1e-9)
    assert by_brute_force(two)[0] == pytest.approx(exact, rel=1e-9)
    assert abs(swept(two, kind=VoteMessages).p_a[0] - exact[0]) > 1e-3


def test_weights_of_one_change_no_bit() -> None:
    evidence, answers, _, _ = simulate_items(40, 300, 20, 3, seed=3)
    ones, start = weighted(evidence, np.ones(len(evidence.sign))), np.full(20, 1.2)
    for fit in (
        lambda votes: fit_difficulty(votes, start, PRIOR),
        lambda votes: fit_answers(votes, answers, start, PRIOR),
    ):
        before, after = fit(evidence), fit(ones)
        assert before.spread == after.spread
        assert before.prior == after.prior
        assert (before.messages.p_a == after.messages.p_a).all()
        assert (before.messages.predicted() == after.messages.predicted()).all()
    assert isinstance(messages_of(ones, STRENGTHS, PRIOR, start), VoteMessages)
    assert not isinstance(messages_of(ones, STRENGTHS, PRIOR, start), WeightedMessages)


@pytest.mark.parametrize("many", [20, 10**9])
def test_both_kinds_of_messages_agree_on_votes_of_weight_one(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the digits that the faster ones keep, with windows and without."""
    monkeypatch.setattr(vote_messages, "MANY", many)
    evidence, _, _ = simulate_difficulty(200, 12, 4, seed=1, spread=0.7)
    fast, full = (swept(evidence, 12, kind) for kind in (VoteMessages, WeightedMessages))
    for what in (
        lambda messages: messages.p_a,
        lambda messages: messages.predicted(),
        lambda messages: messages.by_others(),
        lambda messages: messages.quantiles((0.025, 0.975)),
        lambda messages: messages.mean(lambda x: x),
        lambda messages: np.concatenate(messages.moments()),
    ):
        np.testing.assert_allclose(what(full), what(fast), atol=2e-4)


def test_a_vote_of_weight_zero_is_no_vote() -> None:
    evidence, _, _ = simulate_difficulty(60, 8, 3, seed=2, spread=0.7)
    kept = np.arange(len(evidence.sign)) % 5 > 0
    rest = Evidence.of(
        evidence.pair[kept], evidence.annotator[kept], evidence.sign[kept], margin=evidence.margin, annotators=8
    )
    none, gone = swept(weighted(evidence, kept.astype(float)), 20), swept(rest, 20)
    np.testing.assert_allclose(none.p_a, gone.p_a, atol=1e-6)
    np.testing.assert_allclose(none.mean(lambda x: x), gone.mean(lambda x: x), atol=1e-6)


def test_windows_of_annotators_with_much_weight_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, _, _ = simulate_difficulty(300, 12, 4, seed=1, spread=0.7)
    votes = weighted(evidence, np.random.default_rng(0).choice([0.5, 1, 2], len(evidence.sign)))
    found = []
    for many, nodes in ((10**9, 200), (20, 48)):
        monkeypatch.setattr(vote_messages, "MANY", many)
        monkeypatch.setattr(vote_messages, "NODES", nodes)
        messages = swept(votes, 15)
        found.append((messages.mean(lambda x: x), messages.quantiles((0.025, 0.975)), messages.p_a))
    for fine, window in zip(*found, strict=True):
        np.testing.assert_allclose(window, fine, atol=0.008)


def test_the_slope_of_the_spread_is_that_of_the_weighted_likelihood() -> None:
    """By finite differences, on pairs whose annotators vote only once, so that the likelihood can be written down."""
    random = np.random.default_rng(2)
    pair, annotator = np.repeat(np.arange(30, dtype=np.int32), 4), np.arange(120, dtype=np.int32)
    sign, weight = random.choice([-1, 1], 120, p=[0.3, 0.7]).astype(np.int8), random.choice([0.4, 1.0, 2.5], 120)
    evidence = Evidence.of(pair, annotator, sign, margin=np.zeros(30), annotators=120, weight=weight)
    grid = Grid.of_size(vote_messages.NODES)
    mass, skill = np.exp(grid.log_mass(PRIOR)), logit(grid.x)

    def log_likelihood(log_tau: float) -> float:
        strengths = difficulty(evidence, float(np.exp(log_tau)))
        at = np.multiply.outer(sign, np.outer(skill, strengths.size))
        up, down = (np.einsum("a,nad->nd", mass, expit(way * at) ** weight[:, None, None]) for way in (1, -1))
        above, below = (np.prod(side.reshape(30, 4, -1), axis=1) for side in (up, down))
        return float(np.log((np.exp(strengths.above) * above + np.exp(strengths.below) * below).sum(axis=1)).sum())

    for log_tau in (-0.5, 0.3):
        messages = messages_of(evidence, difficulty(evidence, float(np.exp(log_tau))), PRIOR, np.full(120, 1.0))
        for _ in range(5):
            messages.sweep()
        numeric = (log_likelihood(log_tau + 1e-4) - log_likelihood(log_tau - 1e-4)) / 2e-4
        assert 30 * pair_strengths._slope(messages) == pytest.approx(numeric, abs=6e-3)


def test_with_equal_pairs_weights_count_as_in_the_evidence_rule() -> None:
    """One size of strength and skills known: the log-odds of a pair are the weighted sum of its votes' logits."""
    evidence = make_evidence([(0, 0, 1), (0, 1, -1), (0, 2, 1)], [2.5, 0.5, 1])
    known, half = Beta(8e6, 2e6), np.log([0.5])
    messages = WeightedMessages(evidence, Strengths(np.array([1.0]), half, half), known, np.full(3, logit(0.8)))
    messages.sweep()
    skill = logit(messages.mean(lambda x: x)[0])
    assert messages.log_odds == pytest.approx([3 * skill], rel=1e-6)


@pytest.mark.parametrize("few", [0, 24])
def test_a_fit_leaves_out_votes_of_weight_zero(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighted_messages, "FEW_WEIGHTS", few)
    evidence, _, _ = simulate_difficulty(600, 40, 6, seed=4, spread=0.8)
    random = np.random.default_rng(1)
    kept = random.random(len(evidence.sign)) < 0.6
    sign = np.where(kept, evidence.sign, random.choice([-1, 1], len(kept))).astype(np.int8)
    rest = Evidence.of(evidence.pair[kept], evidence.annotator[kept], sign[kept], margin=np.zeros(600), annotators=40)
    start, prior = np.full(40, 1.2), Beta(4, 1.5, 0.05)
    gone = fit_difficulty(rest, start, prior)
    none = fit_difficulty(weighted(replace(evidence, sign=sign), kept.astype(float)), start, prior)
    assert none.spread == pytest.approx(gone.spread, rel=1e-3)
    assert none.messages.p_a == pytest.approx(gone.messages.p_a, abs=1e-3)
