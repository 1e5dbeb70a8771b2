"""Several votes of one judgement count for what they are worth: reliabilities, intervals and tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from votewise.annotators.beliefs import Beliefs, predict_votes
from votewise.annotators.em_steps import ReliabilityModel, e_step, log_posterior, m_step
from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.evidence import evidence_of
from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_settings import FitSettings
from votewise.annotators.judgements import Judgements, linked_pairs
from votewise.annotators.position import position_test
from votewise.data.votes import Votes
from votewise.inference.calibration import calibration_table
from votewise.inference.priors import Beta
from votewise.simulate import simulate_annotators
from votewise.simulate.ranked_votes import Noise, simulate_rankings

NUMBERS = ("reliability", "low", "high")


def column(table: pa.Table, name: str) -> Any:
    return table[name].to_numpy(zero_copy_only=False)


def grouped(seed: int, judgements: int, size: int, phi: float, people: int = 20) -> tuple[Judgements, np.ndarray]:
    """Judgements of one size, and residuals of the given correlation around each annotator's own mean."""
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(judgements), size)
    annotator = np.repeat(rng.integers(0, people, judgements), size)
    common = np.repeat(rng.normal(size=judgements), size)
    residual = np.sqrt(phi) * common + np.sqrt(1 - phi) * rng.normal(size=len(code))
    residual -= (np.bincount(annotator, residual) / np.maximum(np.bincount(annotator), 1))[annotator]
    found = Judgements.of(code, annotator)
    assert found is not None
    return found, residual


# The numbers of today


def test_judgements_of_one_vote_each_change_nothing() -> None:
    data = simulate_annotators(annotators=40, votes_per_annotator=(5, 60), seed=1)
    n = len(data.votes)
    alone = replace(data.votes, judgement=np.random.default_rng(0).permutation(n).astype(np.int32))
    before, after = estimate_reliability(data.votes), estimate_reliability(alone)
    assert after.annotators.equals(before.annotators)
    assert after.pairs.equals(before.pairs)
    assert after.calibration.equals(before.calibration)
    assert after.history == before.history


def test_votes_worth_one_vote_change_nothing() -> None:
    data = simulate_rankings(annotators=12, seed=2)
    fit = fit_reliability(evidence_of(replace(data.votes, judgement=None)), FitSettings())
    same = replace(fit, model=replace(fit.model, worth=np.ones(12)))
    x = fit.run.x
    expected = e_step(fit.model, x)
    np.testing.assert_allclose(m_step(same.model, x, e_step(same.model, x)), m_step(fit.model, x, expected), atol=1e-12)
    assert log_posterior(same.model, x, e_step(same.model, x)) == log_posterior(fit.model, x, expected)
    posterior = fit.beliefs().posterior
    np.testing.assert_allclose(same.intervals(posterior), fit.intervals(posterior), atol=1e-12)


def test_votes_that_err_in_opposite_ways_count_fully() -> None:
    judgements, _ = grouped(0, 60, 2, 0.0)
    opposite = np.tile([1.0, -1.0], 60)
    assert (judgements.design_effects(opposite) == 1).all()
    assert (judgements.worth(judgements.design_effects(opposite), 20) == 1).all()


# What votes are worth


@pytest.mark.parametrize(("size", "phi"), [(3, 0.1), (6, 0.4), (21, 0.4)])
def test_the_correlation_of_a_judgement_is_recovered(size: int, phi: float) -> None:
    """3,000 judgements: the standard error of phi is at most 0.02 (measured over seeds), the bound is five of them."""
    judgements, residual = grouped(3, 3000, size, phi)
    found = (judgements.design_effects(residual).mean() - 1) / (size - 1)
    assert found == pytest.approx(phi, abs=0.1)


def test_sizes_have_correlations_of_their_own_and_so_do_annotators() -> None:
    small, one = grouped(4, 2000, 3, 0.1)
    large, other = grouped(5, 2000, 10, 0.6)
    both = Judgements(
        np.concatenate([small.code, large.code + 2000]),
        np.concatenate([small.annotator, large.annotator + 20]),
        np.concatenate([small.size, large.size]),
    )
    effects = both.design_effects(np.concatenate([one, other]))
    assert effects[:2000].mean() == pytest.approx(1.2, abs=0.15)
    assert effects[2000:].mean() == pytest.approx(6.4, abs=0.7)
    worth = both.worth(effects, 40)
    assert worth[:20].min() > 0.7 > 0.3 > worth[20:].max()


def test_of_few_judgements_the_usual_correlation_is_assumed() -> None:
    """Two judgements say next to nothing: the mean over 400 draws lies between none and the usual (bounds: 10 errors)."""
    effects = [
        grouped(seed, 2, 4, 0.0, people=1)[0].design_effects(grouped(seed, 2, 4, 0.0, people=1)[1])
        for seed in range(400)
    ]
    assert 1.4 < np.mean(effects) < 1 + 3 * 0.3 + 0.1


def test_copies_of_a_vote_are_worth_one_vote() -> None:
    """Every judgement says the same thing about six pairs of the same truth: six times the rows, hardly more knowledge."""
    data = simulate_annotators(annotators=30, votes_per_annotator=(60, 60), votes_per_pair=5, seed=6)
    votes, copies = data.votes, 6
    pair = (votes.pair[:, None] * copies + np.arange(copies)).ravel()
    many = Votes.from_arrays(
        pair,
        np.repeat(votes.annotator, copies),
        np.repeat(votes.sign, copies),
        judgement=np.repeat(np.arange(len(votes)), copies),
    )
    one, marked, unmarked = (
        estimate_reliability(v, prior=Beta(5, 2)).annotators for v in (votes, many, replace(many, judgement=None))
    )
    width = {name: column(t, "high") - column(t, "low") for name, t in (("one", one), ("m", marked), ("u", unmarked))}
    assert width["m"].mean() == pytest.approx(width["one"].mean(), rel=0.05)
    assert width["u"].mean() < 0.6 * width["one"].mean()
    np.testing.assert_allclose(column(marked, "reliability"), column(one, "reliability"), atol=0.02)


# Properties of the estimate


def test_names_and_order_of_judgements_do_not_matter() -> None:
    data = simulate_rankings(annotators=12, seed=7)
    votes, rng = data.votes, np.random.default_rng(0)
    order = rng.permutation(len(votes))
    names = rng.permutation(int(votes.judgement.max()) + 1)
    shuffled = Votes.from_arrays(
        votes.pair[order],
        votes.annotator[order],
        votes.sign[order],
        judgement=names[votes.judgement[order]],
        answers=votes.answers,
    )
    before, after = estimate_reliability(votes), estimate_reliability(shuffled)
    for name in NUMBERS:
        np.testing.assert_allclose(column(after.annotators, name), column(before.annotators, name), atol=1e-9)


@pytest.mark.parametrize("noise", ["attention", "mallows"])
def test_the_objective_never_falls(noise: Noise) -> None:
    data = simulate_rankings(noise=noise, annotators=20, answers=5, seed=8)
    result = estimate_reliability(data.votes, accelerate=False)
    assert (np.diff(result.history) >= -1e-9 * np.abs(result.history[0])).all()


def test_the_m_step_is_the_maximum_of_its_objective() -> None:
    """Finite differences: at the fixed point the objective has slope 0 in every reliability."""
    data = simulate_rankings(annotators=8, seed=9)
    evidence = evidence_of(data.votes)
    worth = np.linspace(0.2, 1.0, 8)
    model = ReliabilityModel(evidence, Beta(5, 2, outliers=0.05), "mean", 1.0, worth)
    x = np.full(8, 1.0)
    for _ in range(4000):
        x = m_step(model, x, e_step(model, x))
    for k in range(8):
        step = np.zeros(8)
        step[k] = 1e-4
        up, down = (log_posterior(model, x + d, e_step(model, x + d)) for d in (step, -step))
        assert abs(up - down) / 2e-4 < 1e-3


def test_a_diagnostic_says_what_the_votes_count_for() -> None:
    data = simulate_rankings(annotators=20, seed=10)
    found = {d.code: d.message for d in estimate_reliability(data.votes).diagnostics}
    n, j = len(data.votes), int(data.votes.judgement.max()) + 1
    assert f"{n:,} votes that are not ties come from {j:,} judgements" in found["judgements"]
    unmarked = replace(data.votes, judgement=None)
    assert "judgements" not in {d.code for d in estimate_reliability(unmarked).diagnostics}


def test_ties_are_no_votes_of_a_judgement() -> None:
    votes = simulate_rankings(annotators=12, seed=11).votes
    sign = votes.sign.copy()
    sign[::6] = 0
    tied = replace(votes, sign=sign)
    without = Votes.from_arrays(
        votes.pair[sign != 0],
        votes.annotator[sign != 0],
        sign[sign != 0],
        judgement=votes.judgement[sign != 0],
        answers=votes.answers,
    )
    for name in NUMBERS:
        np.testing.assert_allclose(
            column(estimate_reliability(tied).annotators, name),
            column(estimate_reliability(without).annotators, name),
            atol=1e-9,
        )


# What else counts votes


def test_position_tests_count_judgements_by_their_worth() -> None:
    """Sixty votes, all for the first answer, in five judgements: chance enough where each judgement is one decision."""
    rng = np.random.default_rng(12)
    pair, annotator = np.tile(np.arange(60), 4), np.repeat(np.arange(4), 60)
    sign = np.where(rng.random(240) < 0.8, 1, -1)
    votes = Votes.from_arrays(pair, annotator, sign, swapped=sign < 0)
    evidence = evidence_of(votes)
    half = np.full(240, 0.5)
    plain = position_test(votes, evidence, half)
    same = position_test(votes, evidence, half, np.ones(4))
    few = position_test(votes, evidence, half, np.full(4, 5 / 60))
    assert plain is not None
    assert same is not None
    assert few is not None
    np.testing.assert_allclose(same.p_value, plain.p_value, rtol=1e-10)
    assert plain.biased.all()
    assert not few.biased.any()
    np.testing.assert_allclose(few.p_value, 2 * 0.5**5)


def test_a_vote_is_predicted_without_the_others_of_its_judgement() -> None:
    """Two judgements of three votes: the reliability behind a prediction comes from the other one and the prior."""
    evidence = evidence_of(
        Votes.from_arrays(np.arange(6), np.zeros(6), np.ones(6), judgement=[0, 0, 0, 1, 1, 1], margin=np.zeros(6))
    )
    confidence = np.array([0.9, 0.8, 0.7, 0.3, 0.2, 0.1])
    beliefs = Beliefs(np.zeros(1), np.zeros(6), confidence, np.array([3.0]))
    found = predict_votes(evidence, beliefs, np.ones(6), (np.array([1.0]), np.array([1.0])))
    np.testing.assert_allclose(found, np.repeat([(0.6 + 1) / 5, (2.4 + 1) / 5], 3))


def test_intervals_of_calibration_count_votes_by_their_worth() -> None:
    rng = np.random.default_rng(15)
    predicted = rng.uniform(0.5, 1, 400)
    happened = rng.random(400) < predicted
    plain, same, few = (
        calibration_table(predicted, happened, worth=w) for w in (None, np.ones(400), np.full(400, 0.25))
    )
    assert same.equals(plain)
    width = [column(t, "observed_high") - column(t, "observed_low") for t in (plain, few)]
    assert (width[1] > 1.4 * width[0]).all()
    for name in ("votes", "predicted", "observed"):
        assert few[name].equals(plain[name])


def test_pairs_are_linked_by_judgements() -> None:
    votes = Votes.from_arrays([0, 1, 2, 3, 1, 4], [0, 0, 0, 0, 1, 1], [1, 1, 1, 1, 1, 1], judgement=[0, 0, 1, 2, 3, 3])
    group = linked_pairs(evidence_of(votes))
    assert group[0] == group[1] == group[4]
    assert len(set(group.tolist())) == 3


def test_margins_alone_can_judge_rankings() -> None:
    """One ranking per prompt and a reward model: the prior is fitted by likelihood, with votes at their worth."""
    data = simulate_rankings(annotators=10, rankings_per_prompt=(1, 1), rankings_per_annotator=(60, 60), seed=13)
    rng = np.random.default_rng(13)
    s = 2.0 * data.truth + rng.normal(size=len(data.truth)) * 2.0
    votes = data.votes.with_margins(s)
    marked, unmarked = estimate_reliability(votes), estimate_reliability(replace(votes, judgement=None))
    wider = column(marked.annotators, "high") - column(marked.annotators, "low")
    assert (wider > 1.1 * (column(unmarked.annotators, "high") - column(unmarked.annotators, "low"))).mean() > 0.8
    assert np.abs(column(marked.annotators, "reliability") - data.reliability).mean() < 0.08


# Coverage


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "answers", "per_prompt"),
    [
        ("attention", 3, (2, 2)),
        ("attention", 4, (1, 3)),
        ("attention", 7, (1, 3)),
        ("attention", 7, (3, 3)),
        ("mallows", 4, (1, 3)),
        ("flips", 4, (3, 3)),
        ("independent", 4, (1, 3)),
    ],
)
def test_intervals_cover_where_votes_come_from_rankings(
    noise: Noise, answers: int, per_prompt: tuple[int, int]
) -> None:
    """60 data sets of 40 annotators. Measured coverage is 0.945 to 0.963 with a standard error over 60 data sets of about
    0.005, so 0.92 and 0.98 are three to four standard errors away: a false alarm in fewer than 1 in 500 seeds."""
    inside = []
    for seed in range(60):
        data = simulate_rankings(noise=noise, answers=answers, rankings_per_prompt=per_prompt, seed=[seed, answers, 1])
        table = estimate_reliability(data.votes).annotators
        inside.append((column(table, "low") <= data.reliability) & (data.reliability <= column(table, "high")))
    assert 0.92 <= np.mean(inside) <= 0.98


@pytest.mark.slow
def test_counting_every_vote_covers_too_little() -> None:
    """Why rankings are marked: measured 0.79, standard error 0.01 over 40 data sets."""
    inside = []
    for seed in range(40):
        data = simulate_rankings(noise="attention", answers=4, seed=[seed, 2])
        table = estimate_reliability(replace(data.votes, judgement=None)).annotators
        inside.append((column(table, "low") <= data.reliability) & (data.reliability <= column(table, "high")))
    assert np.mean(inside) < 0.88


def test_confidence_stays_a_probability_of_being_right() -> None:
    data = simulate_rankings(annotators=40, rankings_per_prompt=(3, 3), seed=14)
    result = estimate_reliability(data.votes)
    confidence = column(result.votes, "confidence")
    # About 12,000 votes of 2,000 judgements; the error of either mean is below 0.01.
    for low, high in ((0.5, 0.8), (0.8, 0.95), (0.95, 1.0)):
        chosen = (confidence >= low) & (confidence < high)
        assert data.correct[chosen].mean() == pytest.approx(confidence[chosen].mean(), abs=0.06)
