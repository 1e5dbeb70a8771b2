"""The temperature against closed forms, its standard error against simulation, calibration against both."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from votewise.score.temperature import fit_temperature, measure_calibration


def votes(rng: np.random.Generator, margin: np.ndarray, temperature: float) -> np.ndarray:
    return np.where(rng.random(len(margin)) < expit(temperature * margin), 1, -1).astype(np.int8)


@pytest.mark.parametrize("size", [1.0, 0.01, 300.0])
def test_margins_of_one_size_have_a_closed_form(size: float) -> None:
    # 70 of 100 votes agree with a margin of this size: sigmoid(t size) = 0.7.
    along = np.repeat([1, -1], [70, 30]) * size
    sign = np.where(np.arange(100) % 2 == 0, 1, -1).astype(np.int8)
    fit = fit_temperature(sign * along, sign)
    assert fit.temperature == pytest.approx(logit(0.7) / size)
    assert fit.standard_error == pytest.approx(np.sqrt(100 / 99 / (100 * 0.7 * 0.3)) / size)
    assert (fit.votes, fit.problem) == (100, None)
    assert fit.used == fit.temperature


def test_swapping_the_answers_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    margin = rng.normal(size=500)
    sign = votes(rng, margin, 0.7)
    swap = rng.choice([-1, 1], 500)
    swapped = swap * margin, (swap * sign).astype(np.int8)
    one, other = fit_temperature(margin, sign), fit_temperature(*swapped)
    assert one.temperature == pytest.approx(other.temperature, rel=1e-12)
    before, after = (
        measure_calibration(margin, sign, 0.7),
        measure_calibration(swap * margin, (swap * sign).astype(np.int8), 0.7),
    )
    assert before is not None
    assert after is not None
    assert before.table.equals(after.table)


def test_the_temperature_is_found_and_covered_by_its_interval() -> None:
    # 400 draws, 95% intervals: if the coverage is 94.5%, the lowest that we accept, fewer than 363 have probability 4e-4.
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        margin = rng.normal(scale=3, size=300)
        fit = fit_temperature(margin, votes(rng, margin, 0.4))
        assert fit.temperature is not None
        assert fit.standard_error is not None
        covered += abs(fit.temperature - 0.4) < 1.96 * fit.standard_error
    assert covered >= 363


def test_equal_votes_on_one_prompt_count_as_one() -> None:
    rng = np.random.default_rng(2)
    margin = rng.normal(scale=2, size=400)
    sign = votes(rng, margin, 0.5)
    alone = fit_temperature(margin, sign)
    copied = fit_temperature(np.tile(margin, 9), np.tile(sign, 9), np.tile(np.arange(400), 9))
    assert copied.temperature == pytest.approx(alone.temperature)
    assert copied.standard_error == pytest.approx(alone.standard_error)
    naive = fit_temperature(np.tile(margin, 9), np.tile(sign, 9))
    assert naive.standard_error == pytest.approx(alone.standard_error / 3, rel=0.01)


def test_ties_and_unknown_margins_do_not_count() -> None:
    rng = np.random.default_rng(3)
    margin = rng.normal(size=200)
    sign = votes(rng, margin, 1.0)
    more = np.concatenate([margin, [np.nan, 5.0, 0.0]]), np.concatenate([sign, [1, 0, 1]]).astype(np.int8)
    assert fit_temperature(*more, np.arange(203)) == fit_temperature(margin, sign, np.arange(200))
    judged, fewer = measure_calibration(*more), measure_calibration(margin, sign)
    assert judged is not None
    assert fewer is not None
    assert judged.table.equals(fewer.table)
    # A margin of 0 gives a vote the probability 1/2.
    assert judged.log_loss == pytest.approx((200 * fewer.log_loss + np.log(2)) / 201)


@pytest.mark.parametrize(
    ("margin", "sign", "problem"),
    [
        ([1.0, 2.0], [1, 1], "all 2 votes agree with the scores"),
        ([1.0, -2.0], [-1, 1], "all 2 votes contradict the scores"),
        ([1.0, np.nan], [0, 1], "no vote takes a side"),
        ([0.0, 0.0], [1, -1], "no vote takes a side"),
    ],
)
def test_votes_that_determine_no_temperature(margin: list[float], sign: list[int], problem: str) -> None:
    fit = fit_temperature(np.array(margin), np.array(sign, np.int8))
    assert fit.temperature is None
    assert fit.standard_error is None
    assert problem in (fit.problem or "")
    assert fit.used == 1.0


def test_scores_that_the_votes_contradict_are_reported_and_not_used() -> None:
    along = np.repeat([1.0, -1.0], [30, 70])
    fit = fit_temperature(along, np.ones(100, np.int8))
    assert fit.temperature == pytest.approx(logit(0.3))
    assert "contradict the scores" in (fit.problem or "")
    assert fit.used == 1.0


def test_calibration_before_and_after() -> None:
    rng = np.random.default_rng(4)
    truth = rng.normal(scale=1.5, size=20_000)
    sign = votes(rng, truth, 1.0)
    margin = 4 * truth
    fit = fit_temperature(margin, sign)
    before, after = measure_calibration(margin, sign), measure_calibration(margin, sign, fit.used)
    assert before is not None
    assert after is not None
    assert fit.temperature == pytest.approx(0.25, abs=4 * (fit.standard_error or 0))
    assert after.log_loss < before.log_loss
    # 10 bins of 2,000 votes: with calibrated margins, an error of 0.02 would be more than four standard deviations.
    assert after.error < 0.02 < 0.1 < before.error
    assert before.agreement == after.agreement == pytest.approx(np.mean(sign * truth > 0))
    assert after.log_loss == pytest.approx(-np.log(expit(sign * truth)).mean(), rel=1e-3)
    assert after.as_json()["table"][0].keys() >= {"predicted", "observed", "observed_low", "observed_high", "votes"}
    assert measure_calibration(margin, np.zeros(20_000, np.int8)) is None
