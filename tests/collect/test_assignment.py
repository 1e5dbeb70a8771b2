"""Who gets which pair: by small cases, and by campaigns in which random things happen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from votewise.collect.assignment import (
    Assignment,
    AssignmentRule,
    PairQueue,
    audit_propensity,
    auditors,
    choose_pair,
    draw_audits,
    has_room,
    is_active,
    mean_step,
    pair_states,
    shares,
)
from votewise.collect.campaign import Campaign
from votewise.errors import BadInputError

RULE = AssignmentRule(want=5)
NOTHING = np.zeros(4, bool)


def queue(log_odds: list[float], votes: list[int], leases: list[int], audit: Any = None) -> PairQueue:
    size = len(log_odds)
    return PairQueue(
        np.array(log_odds, float),
        np.array(votes),
        np.array(leases),
        np.zeros(size, bool) if audit is None else np.array(audit, bool),
        np.arange(size) / size,
    )


def choose(found: PairQueue, seen: Any = NOTHING, *, rule: AssignmentRule = RULE, auditor: bool = False) -> Any:
    return choose_pair(rule, found, seen, 1.0, auditor=auditor)


def test_the_least_decided_pair_comes_first() -> None:
    assert choose(queue([1.0, -0.2, 0.5, -2.0], [2, 2, 2, 2], [0, 0, 0, 0])) == Assignment(1, "main")


def test_of_equally_undecided_pairs_the_order_decides() -> None:
    found = queue([0.0] * 4, [0] * 4, [0] * 4)
    assert choose(PairQueue(found.log_odds, found.votes, found.leases, found.audit, found.order[::-1])).pair == 3


def test_a_pair_that_somebody_has_is_more_decided_by_a_vote() -> None:
    assert choose(queue([0.0, 0.9, 1.1, 2.0], [1] * 4, [1, 0, 0, 0])).pair == 1


def test_a_pair_that_its_votes_to_come_would_decide_waits() -> None:
    assert choose(queue([2.5, 3.0, -3.0, 9.0], [2] * 4, [1, 0, 0, 0])) is None


def test_leases_count_as_votes() -> None:
    assert choose(queue([0.0] * 4, [5, 4, 3, 2], [0, 1, 2, 3])) is None


def test_nobody_sees_a_pair_again() -> None:
    found = queue([0.0, 0.1, 0.2, 0.3], [0] * 4, [0] * 4)
    assert choose(found, np.array([True, True, False, False])).pair == 2
    assert choose(found, np.array([0, 1])).pair == 2
    assert choose(found, np.arange(4)) is None


def test_audits_come_first_and_only_for_auditors() -> None:
    found = queue([0.0, 4.0, 4.0, 4.0], [0, 3, 3, 3], [0] * 4, [False, False, True, True])
    assert choose(found, auditor=True) == Assignment(2, "audit")
    assert choose(found, np.array([2]), auditor=True) == Assignment(3, "audit")
    assert choose(found) == Assignment(0, "main")


def test_fixed_redundancy_gives_all_pairs_equally_many_votes() -> None:
    rule = AssignmentRule(want=3, fixed=True)
    assert choose(queue([9.0, 0.0, 0.0, 0.0], [1, 2, 1, 2], [0, 0, 1, 0]), rule=rule).pair == 0
    assert choose(queue([9.0, 0.0, 0.0, 0.0], [3, 3, 2, 2], [0, 0, 1, 1]), rule=rule) is None
    assert pair_states(rule, np.array([9.0, 0.0]), np.array([2, 3])).tolist() == ["open", "closed"]


def test_states() -> None:
    sure = float(logit(0.95))
    found = pair_states(RULE, np.array([0.0, sure, -sure - 0.01, 1.0, 4.0]), np.array([4, 1, 0, 5, 5]))
    assert found.tolist() == ["open", "sure", "sure", "contested", "sure"]


def test_shares_follow_squared_attentiveness_up_to_the_limit() -> None:
    everybody = np.ones(4, bool)
    # rho = .8, .8, .4, 0: weights .64, .64, .16, 0, of which none is above 1/2.
    share = shares(AssignmentRule(), np.array([0.9, 0.9, 0.7, 0.5]), everybody)
    np.testing.assert_allclose(share, np.array([0.64, 0.64, 0.16, 0.0]) / 1.44)
    # One alone would get it all: half at most, and the other half goes to the others in proportion.
    share = shares(AssignmentRule(), np.array([0.99, 0.6, 0.6, 0.5]), everybody)
    np.testing.assert_allclose(share, [0.5, 0.25, 0.25, 0.0])
    share = shares(AssignmentRule(), np.array([0.99, 0.5, 0.5, 0.5]), everybody)
    np.testing.assert_allclose(share, [0.5, 1 / 6, 1 / 6, 1 / 6])
    share = shares(AssignmentRule(), np.array([0.9, 0.9, 0.7, 0.5]), np.array([True, False, False, True]))
    np.testing.assert_allclose(share, [1.0, 0.0, 0.0, 0.0])
    assert not shares(AssignmentRule(), np.array([0.9]), np.array([False])).any()


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=20), st.floats(1, 4), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=200)
def test_shares_sum_to_one_and_none_is_beyond_the_limit(reliability: list[float], most: float, random: Any) -> None:
    active = np.array([random.random() < 0.7 for _ in reliability])
    share = shares(AssignmentRule(most_share=most), np.array(reliability), active)
    assert not share[~active].any()
    if active.any():
        assert share.sum() == pytest.approx(1)
        assert share.max() <= min(1.0, most / active.sum()) + 1e-12


def test_room() -> None:
    rule = AssignmentRule(room=3)
    given_out, share = np.array([60, 20, 20, 0]), np.array([0.5, 0.2, 0.17, 0.13])
    active = np.array([True, True, True, False])
    assert has_room(rule, given_out, share, active).tolist() == [False, True, False, False]
    # Twice a fair share of 100 among three is 67, and room for 3.
    assert has_room(rule, given_out, share, active, late=True).tolist() == [True, True, True, False]
    assert has_room(AssignmentRule(weighted=False), given_out, share, active).tolist() == active.tolist()


def test_who_is_active_who_audits_and_what_a_vote_adds() -> None:
    assert is_active(RULE, np.array([0.61, 0.62, 0.9])).tolist() == [False, True, True]
    reliability = np.array([0.9, 0.5, 0.8, 0.99])
    active = np.array([True, True, True, False])
    assert auditors(reliability, active).tolist() == [True, False, True, False]
    assert not auditors(reliability, np.zeros(4, bool)).any()
    assert mean_step(reliability, active) == pytest.approx((logit(0.9) + logit(0.8)) / 3)
    assert mean_step(reliability, np.zeros(4, bool)) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("want", 0),
        ("sure", 0.5),
        ("sure", 1.0),
        ("most_share", 0.9),
        ("room", 0),
        ("retire_below", 1.0),
        ("audits", 0.5),
    ],
)
def test_a_rule_out_of_range_is_one_line(name: str, value: float) -> None:
    with pytest.raises(BadInputError, match=name) as error:
        AssignmentRule(**{name: value})
    assert "\n" not in str(error.value)


def test_audits_are_drawn_as_often_as_is_recorded() -> None:
    """The sum of draws less probabilities over its standard deviation is within 5: false alarm below 1e-6."""
    votes = np.random.default_rng(0).integers(0, 30, 200_000)
    drawn, propensity = draw_audits(AssignmentRule(), votes, np.random.default_rng(1))
    for number in (0, 3, 12, 25):
        here = votes == number
        expected = propensity[here].sum()
        deviation = np.sqrt((propensity * (1 - propensity))[here].sum())
        assert abs(drawn[here].sum() - expected) <= 5 * deviation
    # Audits make 5% of all votes, where no probability is cut off at 1.
    few = votes[(votes > 0) & (votes < 19)]
    share = audit_propensity(AssignmentRule(), few).sum()
    assert share / (share + few.sum()) == pytest.approx(0.05)


# Campaigns


class Played:
    """A campaign in which annotators ask, vote, give pairs back and refits happen at random, checked at every step."""

    def __init__(self, rule: AssignmentRule, pairs: int, annotators: int, seed: int) -> None:
        self.campaign = Campaign(rule, pairs, annotators, seed=seed)
        self.rule, self.rng = rule, np.random.default_rng(seed)
        self.eta = self.rng.uniform(0.4, 0.95, annotators)
        self.had: list[tuple[int, int]] = []
        self.open: list[tuple[int, int]] = []

    def play(self, steps: int) -> None:
        for _ in range(steps):
            act = self.rng.random()
            if act < 0.5 or not self.open:
                self._ask(int(self.rng.integers(len(self.eta))), late=bool(self.rng.random() < 0.1))
            elif act < 0.97:
                self._vote()
            else:
                self.campaign.give_back(*self._taken())
            self._check()

    def _ask(self, annotator: int, *, late: bool) -> None:
        campaign, rule = self.campaign, self.rule
        active, before = bool(campaign.active[annotator]), campaign.given.copy()
        found = campaign.ask(annotator, late=late)
        if found is None:
            return
        assert active
        assert (annotator, found.pair) not in self.had
        if rule.weighted:
            fair = before.sum() / campaign.active.sum()
            assert before[annotator] < rule.room + rule.most_share * fair
        if found.purpose == "audit":
            assert campaign.drawn[found.pair]
        self.had.append((annotator, found.pair))
        self.open.append((annotator, found.pair))

    def _vote(self) -> None:
        annotator, pair = self._taken()
        sign = 0 if self.rng.random() < 0.05 else 1 if self.rng.random() < self.eta[annotator] else -1
        self.campaign.vote(annotator, pair, sign)

    def _taken(self) -> tuple[int, int]:
        return self.open.pop(int(self.rng.integers(len(self.open))))

    def _check(self) -> None:
        campaign = self.campaign
        assert (campaign.counts + campaign.leases <= self.rule.want).all()
        assert (campaign.leases >= 0).all()
        audits = [vote.pair for vote in campaign.votes if vote.purpose == "audit"]
        assert len(set(audits)) == len(audits)
        assert campaign.given.sum() == len(self.had)


@given(
    st.integers(1, 6),
    st.integers(1, 12),
    st.integers(1, 30),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 0.05, 0.4]),
    st.integers(0, 10_000),
)
@settings(deadline=None, max_examples=40)
def test_no_limit_is_exceeded_and_nobody_sees_a_pair_twice(
    want: int, annotators: int, pairs: int, fixed: bool, weighted: bool, audits: float, seed: int
) -> None:
    rule = AssignmentRule(want=want, fixed=fixed, weighted=weighted, audits=audits, room=2)
    Played(rule, pairs, annotators, seed).play(150)


def test_propensities_of_campaigns_are_the_frequencies_of_their_audits() -> None:
    """Draws less recorded probabilities over 40 campaigns, within 5 standard deviations: false alarm below 1e-6."""
    surplus = variance = 0.0
    for seed in range(40):
        played = Played(AssignmentRule(want=4, audits=0.2), 20, 8, seed)
        played.play(200)
        finished = np.isfinite(played.campaign.propensity)
        propensity = played.campaign.propensity[finished]
        assert not played.campaign.drawn[~finished].any()
        surplus += played.campaign.drawn[finished].sum() - propensity.sum()
        variance += (propensity * (1 - propensity)).sum()
    assert variance > 20
    assert abs(surplus) <= 5 * np.sqrt(variance)


def test_a_vote_needs_a_pair() -> None:
    campaign = Campaign(AssignmentRule(), 3, 2)
    with pytest.raises(BadInputError, match="annotator 1 does not have pair 0"):
        campaign.vote(1, 0, 1)
    found = campaign.ask(0)
    assert found is not None
    campaign.vote(0, found.pair, 1)
    with pytest.raises(BadInputError, match="does not have pair"):
        campaign.vote(0, found.pair, 1)
    assert campaign.counts.sum() == 1


def test_a_lease_that_is_given_back_frees_the_pair_for_others() -> None:
    campaign = Campaign(AssignmentRule(want=1, fixed=True), 1, 2)
    assert campaign.ask(0) == Assignment(0, "main")
    assert campaign.ask(1) is None
    campaign.give_back(0, 0)
    assert campaign.ask(0) is None
    assert campaign.ask(1) == Assignment(0, "main")


@pytest.mark.parametrize(
    ("pairs", "annotators", "margins"), [(0, 1, None), (1, 0, None), (2, 1, [0.0]), (1, 1, [np.nan])]
)
def test_a_campaign_of_nothing_is_refused(pairs: int, annotators: int, margins: Any) -> None:
    with pytest.raises(BadInputError):
        Campaign(AssignmentRule(), pairs, annotators, margins=margins)
