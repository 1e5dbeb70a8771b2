"""Calibration tables and intervals of shares."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from votewise.annotators.estimate import estimate_reliability
from votewise.inference.calibration import calibration_table, expected_calibration_error, share_interval
from votewise.simulate import simulate_annotators


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (3, 10), (10, 10), (500, 1000)])
def test_share_interval_inverts_the_score_test(hits: int, trials: int) -> None:
    """At either end p of Wilson's interval, |hits - n p| is 1.96 standard deviations under p."""
    z = stats.norm.ppf(0.975)
    for p in share_interval(hits, trials):
        if 0 < p < 1:
            assert abs(hits - trials * p) == pytest.approx(z * np.sqrt(trials * p * (1 - p)), rel=1e-9)


def test_no_trials_say_nothing() -> None:
    assert tuple(float(end) for end in share_interval(0, 0)) == (0.0, 1.0)


def test_table_of_a_hand_checked_case() -> None:
    table = calibration_table(np.array([0.05, 0.15, 0.15, 0.95, 1.0]), np.array([False, True, False, True, True]))
    assert table["votes"].to_pylist() == [1, 2, 2]
    assert table["low"].to_pylist() == pytest.approx([0.0, 0.1, 0.9])
    assert table["predicted"].to_pylist() == pytest.approx([0.05, 0.15, 0.975])
    assert table["observed"].to_pylist() == [0.0, 0.5, 1.0]
    assert expected_calibration_error(table) == pytest.approx((0.05 + 2 * 0.35 + 2 * 0.025) / 5)


def test_empty_table_has_no_error() -> None:
    assert expected_calibration_error(calibration_table(np.empty(0), np.empty(0, bool))) == 0.0


def test_votes_are_predicted_as_well_as_claimed() -> None:
    """90,000 votes from the model itself: each bin's observed share has a standard error below 0.01, and the weighted mean
    gap of ten bins exceeds 0.02 by chance in fewer than one of 10^6 seeds."""
    result = estimate_reliability(simulate_annotators(annotators=1000, votes_per_pair=3, seed=0).votes)
    assert len(result.calibration) >= 4
    assert expected_calibration_error(result.calibration) < 0.02
