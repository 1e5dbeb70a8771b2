"""Position tests find who is biased, and keep their false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.position import holm
from votewise.data.votes import Votes
from votewise.inference.priors import Beta
from votewise.simulate import SimulatedVotes, simulate_annotators


def codes(result: object, level: str | None = None) -> list[str]:
    return [d.code for d in result.diagnostics if level in (None, d.severity)]  # type: ignore[attr-defined]


def choosing_first(data: SimulatedVotes, people: list[int]) -> Votes:
    """The same votes, but ``people`` always choose what is shown first."""
    sign = data.votes.sign.copy()
    mine = np.isin(data.votes.annotator, people)
    sign[mine] = np.where(data.votes.swapped[mine], -1, 1)
    return Votes.from_arrays(data.votes.pair, data.votes.annotator, sign, swapped=data.votes.swapped)


def test_only_the_annotators_who_always_choose_the_first_are_found() -> None:
    """Family-wise false alarms are held at 5%; this seed raises none."""
    data = simulate_annotators(annotators=80, votes_per_annotator=(40, 200), reliability=Beta(8, 2), seed=5)
    result = estimate_reliability(choosing_first(data, [3, 17]))
    flags = result.annotators["flag"].to_pylist()
    assert [k for k, flag in enumerate(flags) if flag == "position-biased"] == [3, 17]
    assert result.annotators["first_share"][3].as_py() == 1.0
    assert "position-tests" in codes(result, "info")


@pytest.mark.slow
def test_position_tests_keep_their_false_alarms() -> None:
    """100 times 60 unbiased annotators at a family-wise 5%: the number of times with any flag is at most
    Binomial(100, 0.05), which exceeds 13 with probability 4e-4."""
    alarms = 0
    for seed in range(100):
        data = simulate_annotators(annotators=60, votes_per_annotator=(20, 100), seed=[77, seed])
        alarms += "position-biased" in estimate_reliability(data.votes).annotators["flag"].to_pylist()
    assert alarms <= stats.binom(100, 0.05).ppf(1 - 4e-4)


def test_showing_the_better_answer_first_is_not_bias() -> None:
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
