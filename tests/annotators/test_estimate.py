"""Estimates against closed forms, the papers' equations, simulated truths, and themselves under renaming."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit, logit

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.results import ReliabilityResult
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.inference.calibration import calibration_table, expected_calibration_error
from votewise.inference.priors import Beta
from votewise.simulate import simulate_annotators

CASES = json.loads((Path(__file__).parent / "cases" / "votes.json").read_text(encoding="utf-8"))


def column(table: pa.Table, name: str) -> np.ndarray:
    return table[name].to_numpy(zero_copy_only=False)


def reliability(result: ReliabilityResult) -> np.ndarray:
    return column(result.annotators, "reliability")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_small_cases(case: dict) -> None:
    pair, annotator, sign = zip(*case["votes"], strict=True)
    result = estimate_reliability(Votes.from_arrays(pair, annotator, sign))
    errors = [found.code for found in result.diagnostics if found.severity == "error"]
    assert errors == ([case["error"]] if "error" in case else [])
    eta = reliability(result)
    if "best" in case:
        np.testing.assert_allclose(eta[case["best"]], eta.max(), atol=1e-6)
    if "worst" in case:
        assert set(np.flatnonzero(eta < eta.max() - 1e-3)) == set(case["worst"])
    for p, expected in zip(column(result.pairs, "p_a"), case.get("p_a", []), strict=False):
        assert (p > 0.5) == (expected == "high")
    ties = np.array(sign) == 0
    np.testing.assert_array_equal(np.isnan(column(result.votes, "confidence").astype(float)), ties)


@pytest.mark.parametrize("accelerate", [False, True])
def test_one_step_is_the_papers_e_and_m_step(accelerate: bool) -> None:
    """[RE-PO eq. 4 and 6], full batch, from eta = 0.9: one vote per row, margins given, no prior."""
    rng = np.random.default_rng(0)
    n, k = 60, 4
    annotator, margin = rng.integers(0, k, n), rng.normal(size=n)
    votes = Votes.from_arrays(np.arange(n), annotator, rng.choice([-1, 1], n), margin=margin)
    result = estimate_reliability(
        votes, prior=None, shared_pairs=False, max_iterations=1, intervals=False, accelerate=accelerate
    )
    p = expit(votes.sign * margin)
    w = p * 0.9 / (p * 0.9 + (1 - p) * 0.1)
    expected = np.array([w[annotator == j].mean() for j in range(k)])
    np.testing.assert_allclose(reliability(result), expected, atol=1e-12)
    after = p * expected[annotator] / (p * expected[annotator] + (1 - p) * (1 - expected[annotator]))
    np.testing.assert_allclose(column(result.votes, "confidence"), after, atol=1e-12)


def test_rows_on_one_pair_are_unrelated_as_in_the_paper() -> None:
    votes = Votes.from_arrays([0, 0, 1, 1], [0, 1, 0, 1], [1, 1, -1, 1], margin=[0.4, -0.7])
    apart = Votes.from_arrays([0, 1, 2, 3], [0, 1, 0, 1], [1, 1, -1, 1], margin=[0.4, 0.4, -0.7, -0.7])
    settings = {"prior": None, "shared_pairs": False, "max_iterations": 5, "intervals": False}
    one, other = (estimate_reliability(v, **settings) for v in (votes, apart))
    np.testing.assert_allclose(reliability(one), reliability(other), atol=1e-12)


@pytest.mark.parametrize("p", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("start", [0.3, 0.6, 0.99])
def test_fixed_point_is_unique_for_known_probabilities(p: float, start: float) -> None:
    """[RE-PO thm 4.1]: wherever it starts, EM with known p ends where the votes' own share is explained.

    With x of n votes for a, the likelihood's maximum solves x / n = 1/2 + (2 eta - 1)(p - 1/2), inside (0, 1) here.
    """
    n = 1000
    x = round(n * (0.5 + (2 * 0.8 - 1) * (p - 0.5)))
    sign = np.where(np.arange(n) < x, 1, -1)
    votes = Votes.from_arrays(np.arange(n), np.zeros(n, int), sign, margin=np.full(n, logit(p)))
    result = estimate_reliability(
        votes, prior=None, shared_pairs=False, reliability_init=start, tolerance=1e-9, max_iterations=100000
    )
    assert result.converged
    assert reliability(result)[0] == pytest.approx((1 + (2 * x / n - 1) / (2 * p - 1)) / 2, abs=1e-4)


@pytest.mark.parametrize("point", ["mean", "mode"])
def test_result_is_a_fixed_point_of_its_m_step(point: str) -> None:
    data = simulate_annotators(annotators=30, seed=5)
    prior = Beta(4, 2)
    result = estimate_reliability(data.votes, prior=prior, point=point, tolerance=1e-8)
    right = np.bincount(data.votes.annotator, column(result.votes, "confidence"), minlength=30)
    number = np.bincount(data.votes.annotator, minlength=30)
    c, d = (prior.c, prior.d) if point == "mean" else (prior.c - 1, prior.d - 1)
    np.testing.assert_allclose(reliability(result), (right + c) / (number + c + d), atol=1e-6)


@pytest.mark.parametrize(
    "settings", [{}, {"prior": None}, {"prior": Beta(3, 1.5)}, {"prior": Beta(2, 2), "point": "mode"}]
)
@pytest.mark.parametrize("accelerate", [False, True])
def test_history_never_falls(settings: dict, accelerate: bool) -> None:
    data = simulate_annotators(annotators=40, votes_per_pair=2, seed=7)
    result = estimate_reliability(data.votes, tolerance=1e-7, accelerate=accelerate, **settings)
    assert len(result.history) > 1
    assert (np.diff(result.history) >= -1e-9 * np.abs(result.history[:-1])).all()


def test_acceleration_changes_the_steps_not_the_result() -> None:
    data = simulate_annotators(annotators=40, votes_per_pair=2, seed=8)
    plain, fast = (
        estimate_reliability(data.votes, prior=Beta(5, 2), tolerance=1e-9, max_iterations=20000, accelerate=a)
        for a in (False, True)
    )
    np.testing.assert_allclose(reliability(plain), reliability(fast), atol=1e-5)
    assert fast.iterations < plain.iterations


@pytest.mark.parametrize("weighted", [False, True])
def test_nothing_depends_on_names_order_or_orientation(weighted: bool) -> None:
    rng = np.random.default_rng(11)
    votes = simulate_annotators(annotators=60, votes_per_pair=3, votes_per_annotator=(1, 200), seed=9).votes
    n, m, k = len(votes), votes.n_pairs, votes.n_annotators
    weight = rng.uniform(0.5, 1.5, n) if weighted else None
    sign = np.where(rng.random(n) < 0.1, 0, votes.sign)
    one = estimate_reliability(
        Votes.from_arrays(votes.pair, votes.annotator, sign, weight=weight, swapped=votes.swapped)
    )
    order, pairs, people = rng.permutation(n), rng.permutation(m), rng.permutation(k)
    flipped = rng.random(m) < 0.5
    flip = flipped[votes.pair]
    other = estimate_reliability(
        Votes.from_arrays(
            pairs[votes.pair][order],
            people[votes.annotator][order],
            np.where(flip, -sign, sign)[order],
            weight=None if weight is None else weight[order],
            swapped=(votes.swapped ^ flip)[order],
        )
    )
    for name in ("reliability", "low", "high", "agreement", "first_share", "first_low", "first_high"):
        a, b = column(one.annotators, name), column(other.annotators, name)[people]
        np.testing.assert_allclose(a, b, atol=1e-8, err_msg=name)
    assert one.annotators["flag"].to_pylist() == other.annotators["flag"].take(pa.array(people)).to_pylist()
    p_a = column(other.pairs, "p_a")[pairs]
    np.testing.assert_allclose(column(one.pairs, "p_a"), np.where(flipped, 1 - p_a, p_a), atol=1e-8)
    np.testing.assert_allclose(column(one.votes, "confidence")[order], column(other.votes, "confidence"), atol=1e-8)
    assert one.prior["c"] == pytest.approx(other.prior["c"])
    assert [d.message for d in one.diagnostics] == [d.message for d in other.diagnostics]


def test_a_vote_of_weight_two_counts_twice() -> None:
    data = simulate_annotators(annotators=20, votes_per_annotator=(5, 60), seed=2).votes
    heavy = Votes.from_arrays(data.pair, data.annotator, data.sign, weight=np.full(len(data), 1.0))
    np.testing.assert_allclose(
        reliability(estimate_reliability(heavy)), reliability(estimate_reliability(data)), atol=1e-9
    )
    twice = Votes.from_arrays(
        np.tile(data.pair, 2), np.tile(data.annotator, 2), np.tile(data.sign, 2), annotator_ids=data.annotator_ids
    )
    double = Votes.from_arrays(data.pair, data.annotator, data.sign, weight=np.full(len(data), 2.0))
    for prior in (Beta(5, 2), None):
        a, b = (estimate_reliability(v, prior=prior) for v in (twice, double))
        np.testing.assert_allclose(reliability(a), reliability(b), atol=1e-7)
        np.testing.assert_allclose(column(a.annotators, "low"), column(b.annotators, "low"), atol=0.02)


def test_recovers_the_truth_better_than_the_majority() -> None:
    """One data set of about 27,000 votes; posterior and majority are compared on the same 9,000 pairs. They differ on
    hundreds of pairs, so a false alarm needs a deviation of more than five standard errors."""
    data = simulate_annotators(annotators=300, votes_per_pair=3, seed=1)
    result = estimate_reliability(data.votes)
    truth = data.truth > 0
    majority = np.bincount(data.votes.pair, data.votes.sign, minlength=data.votes.n_pairs) > 0
    assert ((column(result.pairs, "p_a") > 0.5) == truth).mean() > (majority == truth).mean() + 0.01
    many = column(result.annotators, "votes") > 200
    assert np.abs(reliability(result) - data.reliability)[many].mean() < 0.04
    assert result.prior["c"] / (result.prior["c"] + result.prior["d"]) == pytest.approx(5 / 7, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize(("votes_per_pair", "lowest", "error"), [(2, 0.92, 0.02), (3, 0.93, 0.02), (5, 0.93, 0.02)])
def test_intervals_cover_and_confidence_is_calibrated(votes_per_pair: int, lowest: float, error: float) -> None:
    """200 data sets of 100 annotators with 1 to 500 votes: 20,000 intervals, about 2,800 of them of annotators with more
    than 200 votes. Measured coverage is 0.95 with standard errors of 0.002 and 0.005 (votes of one data set are
    correlated), so the bounds are at least four standard errors away: a false alarm in fewer than 1 in 10^4 seeds."""
    inside, many, errors = [], [], []
    for seed in range(200):
        data = simulate_annotators(annotators=100, votes_per_pair=votes_per_pair, seed=[votes_per_pair, seed])
        result = estimate_reliability(data.votes)
        low, high = column(result.annotators, "low"), column(result.annotators, "high")
        inside.append((low <= data.reliability) & (data.reliability <= high))
        many.append(column(result.annotators, "votes") > 200)
        errors.append(expected_calibration_error(calibration_table(column(result.votes, "confidence"), data.correct)))
    covered, heavy = np.concatenate(inside), np.concatenate(many)
    assert lowest <= covered.mean() <= 0.97
    assert lowest <= covered[heavy].mean() <= 0.97
    assert np.mean(errors) <= error


def test_fitted_temperature_undoes_scaled_margins() -> None:
    """method.md, section 2: margins scaled by 0.2 to 5 bias the reliabilities; one temperature brings all back."""
    rng = np.random.default_rng(6)
    n, k = 40000, 40
    eta = rng.choice([0.95, 0.55, 0.2], k, p=[0.6, 0.3, 0.1])
    margin, annotator = rng.normal(scale=2, size=n), rng.integers(0, k, n)
    truth = np.where(rng.random(n) < expit(margin), 1, -1)
    sign = np.where(rng.random(n) < eta[annotator], truth, -truth)
    found = {}
    for scale in (0.2, 1.0, 5.0):
        votes = Votes.from_arrays(np.arange(n), annotator, sign, margin=scale * margin)
        fitted = estimate_reliability(votes, prior=Beta(2, 1.5), temperature="fit", intervals=False)
        given = estimate_reliability(votes, prior=Beta(2, 1.5), intervals=False)
        found[scale] = (fitted.temperature * scale, np.abs(reliability(fitted) - eta).mean())
        if scale != 1.0:
            assert found[scale][1] < np.abs(reliability(given) - eta).mean() - 0.01
        assert (np.diff(fitted.history) >= -1e-9 * np.abs(fitted.history[:-1])).all()
    for temperature, error in found.values():
        # The standard error of log temperature is about 0.03, that of the mean absolute error about 0.002.
        assert temperature == pytest.approx(1.0, abs=0.15)
        assert error < 0.03


def test_margins_may_be_given_beside_the_votes() -> None:
    votes = Votes.from_arrays([0, 1, 2], [0, 0, 0], [1, 1, -1])
    result = estimate_reliability(votes, margins=[3.0, 3.0, -3.0], prior=Beta(2, 2))
    assert reliability(result)[0] > 0.6
    assert not any(d.severity == "error" for d in result.diagnostics)
    with pytest.raises(BadInputError, match="one per pair"):
        estimate_reliability(votes, margins=[1.0])


@pytest.mark.parametrize("prior", [None, Beta(2, 2), Beta(5, 2), "fit"])
def test_the_mirror_image_is_never_the_answer(prior: object) -> None:
    """Started with unreliable annotators, EM finds the mirror image; the result is the better explanation."""
    data = simulate_annotators(annotators=50, reliability=Beta(12, 2), seed=3)
    result = estimate_reliability(data.votes, prior=prior, reliability_init=0.1)
    assert np.corrcoef(reliability(result), data.reliability)[0, 1] > 0.5
    assert ((column(result.pairs, "p_a") > 0.5) == (data.truth > 0)).mean() > 0.8


def test_a_symmetric_prior_does_not_stall_at_one_half() -> None:
    data = simulate_annotators(annotators=50, reliability=Beta(12, 2), seed=3)
    result = estimate_reliability(data.votes, prior=Beta(2, 2))
    assert ((column(result.pairs, "p_a") > 0.5) == (data.truth > 0)).mean() > 0.8


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prior": "flat"}, "prior: no such prior"),
        ({"point": "median"}, "point: no such point"),
        ({"prior": Beta(0.5, 2), "point": "mode"}, "no mode"),
        ({"point": "mode"}, "may have no mode"),
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"level": 95}, "level: out of range, got 95"),
        ({"reliability_init": 1.0}, "reliability_init"),
        ({"reliable_from": 0.4}, "reliable_from"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"max_iterations": 0}, "max_iterations"),
    ],
)
def test_bad_settings_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        estimate_reliability(Votes.from_arrays([0, 0], [0, 1], [1, 1]), **settings)


def test_stopping_early_is_said() -> None:
    data = simulate_annotators(annotators=20, seed=1)
    result = estimate_reliability(data.votes, prior=Beta(5, 2), max_iterations=2)
    assert not result.converged
    assert "not-converged" in [d.code for d in result.diagnostics]


def test_progress_is_reported() -> None:
    seen: list[int] = []
    result = estimate_reliability(
        simulate_annotators(annotators=20, seed=1).votes, progress=lambda stage, steps, moved: seen.append(steps)
    )
    assert seen == list(range(1, result.iterations + 1))


def test_without_intervals_only_estimates() -> None:
    data = simulate_annotators(annotators=20, seed=1)
    bare, full = estimate_reliability(data.votes, intervals=False), estimate_reliability(data.votes)
    np.testing.assert_array_equal(reliability(bare), reliability(full))
    for name in ("low", "high", "agreement", "flag", "first_share"):
        assert bare.annotators[name].null_count == 20
        assert full.annotators[name].null_count == 0
    assert len(bare.calibration) == 0


@pytest.mark.parametrize("order", ["by pair", "shuffled"])
def test_votes_are_left_as_they_were(order: str) -> None:
    """Two estimates from the same votes are equal, even where an annotator voted twice on a pair."""
    rng = np.random.default_rng(0)
    pair, annotator = np.repeat(np.arange(400), 5), rng.integers(0, 30, 2000)
    if order == "shuffled":
        pair = rng.permutation(pair)
    votes = Votes.from_arrays(pair, annotator, rng.choice([-1, 1], 2000, p=[0.3, 0.7]))
    one, other = estimate_reliability(votes), estimate_reliability(votes)
    np.testing.assert_array_equal(votes.pair, pair)
    np.testing.assert_array_equal(votes.annotator, annotator)
    assert one.annotators.equals(other.annotators)
    assert one.votes.equals(other.votes)
    assert one.iterations == other.iterations


def test_unknown_people_are_not_judged_as_one() -> None:
    """Their flag is unsure however sure their common reliability is, and a finding says what it is."""
    rng = np.random.default_rng(5)
    pair, named = np.repeat(np.arange(400), 4), np.tile([0, 1, 2, 3], 400)
    sign = np.where(rng.random(1600) < 0.95, 1, -1)
    ids = ["u", "v", "w", "(unknown)"]
    result = estimate_reliability(Votes.from_arrays(pair, named, sign, annotator_ids=ids))
    assert result.annotators["flag"].to_pylist() == ["reliable", "reliable", "reliable", "unsure"]
    (finding,) = (found for found in result.diagnostics if found.code == "unknown-people")
    assert "400 votes are by people whom the source does not name" in finding.message
    assert "unknown-people" not in {
        f.code for f in estimate_reliability(Votes.from_arrays(pair, named, sign)).diagnostics
    }
