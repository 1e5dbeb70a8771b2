"""Flags, position tests with their false alarms, and what the votes cannot determine."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from votewise.annotators.diagnostics import annotator_flags, comparable_groups, holm
from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.evidence import evidence_of
from votewise.data.votes import Votes
from votewise.inference.priors import Beta
from votewise.simulate import SimulatedVotes, simulate_annotators


def codes(result: object, level: str | None = None) -> list[str]:
    return [d.code for d in result.diagnostics if level in (None, d.level)]  # type: ignore[attr-defined]


def first_clickers(data: SimulatedVotes, people: list[int]) -> Votes:
    """The same votes, but ``people`` always choose what is shown first."""
    sign = data.votes.sign.copy()
    mine = np.isin(data.votes.annotator, people)
    sign[mine] = np.where(data.votes.swapped[mine], -1, 1)
    return Votes.from_arrays(data.votes.pair, data.votes.annotator, sign, swapped=data.votes.swapped)


def test_flags_follow_the_interval() -> None:
    low = np.array([0.75, 0.6, 0.45, 0.1, 0.72])
    high = np.array([0.9, 0.8, 0.65, 0.4, 0.98])
    found = annotator_flags((low, high), None, reliable_from=0.7, prior_width=0.3)
    assert found == ["reliable", "unsure", "casual", "adversarial", "unsure"]


def test_a_first_clicker_is_found_and_nobody_else() -> None:
    """Family-wise false alarms are held at 5%; this seed raises none."""
    data = simulate_annotators(annotators=80, votes_per_annotator=(40, 200), reliability=Beta(8, 2), seed=5)
    result = estimate_reliability(first_clickers(data, [3, 17]))
    flags = result.annotators["flag"].to_pylist()
    assert [k for k, flag in enumerate(flags) if flag == "position-biased"] == [3, 17]
    assert result.annotators["first_share"][3].as_py() == 1.0
    assert "position-tests" in codes(result, "info")


def test_position_tests_keep_their_false_alarms() -> None:
    """100 crowds of 60 unbiased annotators at a family-wise 5%: the number of crowds with any flag is at most
    Binomial(100, 0.05), which exceeds 13 with probability 4e-4."""
    alarms = 0
    for seed in range(100):
        data = simulate_annotators(annotators=60, votes_per_annotator=(20, 100), seed=[77, seed])
        alarms += "position-biased" in estimate_reliability(data.votes).annotators["flag"].to_pylist()
    assert alarms <= stats.binom(100, 0.05).ppf(1 - 4e-4)


def test_showing_the_better_answer_first_is_no_bias() -> None:
    """Where the better answer mostly came first, good annotators vote for the first without being biased."""
    data = simulate_annotators(annotators=60, votes_per_annotator=(50, 200), reliability=Beta(20, 2), seed=1)
    rng = np.random.default_rng(0)
    better_first = rng.random(len(data.votes)) < 0.8
    swapped = (data.truth[data.votes.pair] > 0) ^ better_first
    votes = Votes.from_arrays(data.votes.pair, data.votes.annotator, data.votes.sign, swapped=swapped)
    result = estimate_reliability(votes)
    assert "position-biased" not in result.annotators["flag"].to_pylist()
    assert "crowd-position" in codes(result, "warning")


def test_unknown_positions_are_not_tested() -> None:
    votes = simulate_annotators(annotators=20, seed=1).votes
    result = estimate_reliability(Votes.from_arrays(votes.pair, votes.annotator, votes.sign))
    assert result.annotators["first_share"].null_count == 20
    assert "position-tests" not in codes(result)


def test_holm_by_hand() -> None:
    p = np.array([0.04, 0.011, 0.5, 0.012])
    np.testing.assert_array_equal(holm(p, 4), [False, True, False, True])
    np.testing.assert_array_equal(holm(np.array([0.02, 0.9]), 4), [False, False])


def test_an_adversary_is_called_one() -> None:
    eta = np.full(40, 0.85)
    eta[7] = 0.15
    data = simulate_annotators(annotators=40, votes_per_annotator=(60, 200), reliability=eta, seed=2)
    assert estimate_reliability(data.votes).annotators["flag"][7].as_py() == "adversarial"


def test_groups_are_the_connected_components() -> None:
    chain = Votes.from_arrays([0, 0, 1, 1, 2, 2, 3], [0, 1, 1, 2, 3, 4, 5], [1] * 7)
    groups = comparable_groups(evidence_of(chain))
    assert len(set(groups[:3])) == 1
    assert groups[3] == groups[4]
    assert len(set(groups)) == 3


def test_a_long_chain_is_one_group() -> None:
    """Longer than the rounds in which the quick search spreads."""
    n = 100
    pair = np.repeat(np.arange(n), 2)
    annotator = np.arange(2 * n) // 2 + np.arange(2 * n) % 2
    assert not comparable_groups(evidence_of(Votes.from_arrays(pair, annotator, np.ones(2 * n)))).any()


def test_few_strays_are_a_warning_many_an_error() -> None:
    data = simulate_annotators(annotators=60, seed=1).votes

    def with_strays(number: int) -> list[str]:
        pair = np.concatenate([data.pair, data.n_pairs + np.repeat(np.arange(number), 2)])
        annotator = np.concatenate([data.annotator, 60 + np.tile([0, 1], number)])
        return codes(
            estimate_reliability(Votes.from_arrays(pair, annotator, np.append(data.sign, np.ones(2 * number))))
        )

    assert "small-groups" in with_strays(5)
    assert "disconnected" in with_strays(len(data))


def test_margins_connect_everybody() -> None:
    votes = Votes.from_arrays([0, 1, 2], [0, 1, 2], [1, -1, 1], margin=[1.0, -2.0, -0.5])
    assert codes(estimate_reliability(votes), "error") == []


def test_votes_made_from_margins_are_noticed() -> None:
    votes = Votes.from_arrays([0, 1, 2], [0, 0, 0], [1, -1, 1], margin=[1.0, -2.0, 0.5])
    assert "votes-follow-margins" in codes(estimate_reliability(votes), "warning")


def test_the_mirror_image_is_mentioned() -> None:
    data = simulate_annotators(annotators=20, seed=1)
    assert "mirror-image" in codes(estimate_reliability(data.votes), "info")


def test_two_annotators_are_told_apart_by_nothing() -> None:
    def crowd(*reliability: float) -> SimulatedVotes:
        return simulate_annotators(
            annotators=len(reliability), votes_per_pair=2, votes_per_annotator=(400, 400), reliability=reliability
        )

    pair = estimate_reliability(crowd(1.0, 0.7).votes)
    first, second = pair.annotators["reliability"].to_pylist()
    assert first == pytest.approx(second)
    assert "two-annotators" in codes(pair, "warning")
    assert "two-annotators" not in codes(estimate_reliability(crowd(1.0, 0.7, 0.8).votes), "warning")


def test_a_crowd_worse_than_chance_is_said() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice([-1, 1], 400)
    pair, annotator = np.arange(400), rng.integers(0, 8, 400)
    votes = Votes.from_arrays(pair, annotator, -truth, margin=4.0 * truth)
    assert "worse-than-chance" in codes(estimate_reliability(votes), "warning")


def test_findings_without_data_are_not_printed_as_findings() -> None:
    """One vote each, five to a pair: hardly any interval is narrower than the prior's."""
    data = simulate_annotators(annotators=500, votes_per_annotator=(1, 1), seed=1)
    assert "prior-dominated" in codes(estimate_reliability(data.votes, prior=Beta(5, 2)), "warning")


def test_a_model_that_does_not_fit_is_said() -> None:
    """Half the pairs cannot be judged at all, the other half by everybody: one reliability per annotator is wrong."""
    rng = np.random.default_rng(0)
    pair, annotator = np.repeat(np.arange(2000), 5), rng.integers(0, 50, 10000)
    right = rng.random(10000) < np.where(pair % 2 == 0, 0.99, 0.5)
    result = estimate_reliability(Votes.from_arrays(pair, annotator, np.where(right, 1, -1)))
    assert "poor-fit" in codes(result, "warning")


def test_worst_comes_first() -> None:
    votes = Votes.from_arrays([0, 0, 1], [0, 1, 2], [1, -1, 1], swapped=[False, True, False])
    levels = [d.level for d in estimate_reliability(votes).diagnostics]
    assert len(set(levels)) > 1
    assert levels == sorted(levels, key=("error", "warning", "info").index)
