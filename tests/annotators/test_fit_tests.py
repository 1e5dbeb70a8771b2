"""Tests of fit: silent on votes from the model, loud on what the model does not describe, the same for the same votes."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.evidence import evidence_of
from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_replicas import LARGEST, Draws, Replicas
from votewise.annotators.fit_settings import FitSettings
from votewise.annotators.fit_tests import FitTests, run_fit_tests
from votewise.data.votes import Votes
from votewise.simulate import simulate_annotators


def drawn(seed: int, pairs: int = 400, per_pair: int = 5, people: int = 30, what: str = "model") -> Votes:
    """Different annotators on every pair; which response is shown first is drawn for every vote."""
    rng = np.random.default_rng(seed)
    pair = np.repeat(np.arange(pairs), per_pair)
    annotator = np.argsort(rng.random((pairs, people)), axis=1)[:, :per_pair].ravel()
    truth, eta = rng.choice([-1, 1], pairs), rng.beta(5, 2, people)
    right = eta[annotator]
    if what == "difficulty":
        right = np.where(pair % 2 == 0, 0.95, 0.55)
    sign = np.where(rng.random(len(pair)) < right, truth[pair], -truth[pair])
    if what == "copying":
        source = np.where(rng.random(pairs) < 0.6, truth, -truth)
        sign = np.where(annotator < 2, source[pair], sign)
    swapped = rng.random(len(pair)) < 0.5
    if what == "side":
        sign = np.where(rng.random(len(pair)) < 0.15, np.where(swapped, -1, 1), sign)
    return Votes.from_arrays(pair, annotator, sign, swapped=swapped, annotator_ids=[f"p{k}" for k in range(people)])


def judged(votes: Votes, draws: int = 99, alternative_draws: int = 0) -> FitTests:
    fit = fit_reliability(evidence_of(votes), FitSettings())
    return run_fit_tests(votes, fit, draws=draws, alternative_draws=alternative_draws)


@pytest.mark.parametrize("what", ["difficulty", "side"])
def test_what_the_model_does_not_describe_is_found(what: str) -> None:
    found = {test.name: test for test in judged(drawn(1, what=what)).tests}
    assert found[what].warns
    assert found[what].p_value == pytest.approx(0.01)


def test_two_who_copy_are_found_and_named() -> None:
    """Two of eight annotators copy; each couple shares about 140 pairs."""
    found = {test.name: test for test in judged(drawn(1, people=8, what="copying")).tests}
    assert found["copying"].warns
    assert found["copying"].concerned[0] == "p0 and p1"


@pytest.mark.slow
def test_p_values_are_uniform_under_the_model() -> None:
    """200 data sets, 3 tests: more than 20 of 200 below 0.05 has a probability of 0.001 for each."""
    found = [judged(drawn(seed, pairs=100, people=15), draws=39) for seed in range(200)]
    p = np.array([[test.p_value for test in one.tests] for one in found])
    assert p.shape == (200, 3)
    assert ((p <= 0.05).sum(axis=0) <= 20).all()
    assert (np.abs(p.mean(axis=0) - 0.5) < 0.08).all()


def test_a_test_that_has_seen_nothing_says_what_it_could_have_seen() -> None:
    few, many = (judged(drawn(2, pairs=n), draws=99, alternative_draws=20).tests for n in (60, 2000))
    for less, more in zip(few, many, strict=True):
        assert less.power is not None
        assert more.power is not None
        assert less.power <= more.power
    assert many[1].power is not None
    assert many[1].power >= 0.6


def test_the_same_votes_give_the_same_tests() -> None:
    votes = drawn(3)
    assert judged(votes, draws=19) == judged(votes, draws=19)


def test_shuffled_rows_other_names_and_swapped_responses_give_the_same_tests() -> None:
    votes, rng = drawn(3, pairs=150), np.random.default_rng(0)
    row, person, place = rng.permutation(len(votes)), rng.permutation(30), rng.permutation(150)
    swap = rng.random(150) < 0.5
    swapped, flip = votes.swapped, swap[votes.pair]
    assert swapped is not None
    other = Votes.from_arrays(
        place[votes.pair][row],
        person[votes.annotator][row],
        np.where(flip, -votes.sign, votes.sign)[row],
        swapped=(swapped ^ flip)[row],
    )
    one, same = (judged(v, draws=59, alternative_draws=5).tests for v in (votes, other))
    assert [(t.name, t.p_value, t.power, t.warns) for t in one] == [(t.name, t.p_value, t.power, t.warns) for t in same]


def test_pairs_with_three_votes_are_not_tested_for_difficulty() -> None:
    assert [test.name for test in judged(drawn(4, per_pair=3), draws=19).tests] == ["copying", "side"]


@pytest.mark.parametrize(
    ("votes", "why"),
    [
        (drawn(0, pairs=30), "fewer than 200 votes"),
        (Votes.from_arrays([0, 1, 2] * 99, [0, 1, 2] * 99, [1] * 297, judgement=[0, 0, 0] * 99), "one judgement"),
    ],
)
def test_what_cannot_be_tested_says_why(votes: Votes, why: str) -> None:
    found = judged(votes, draws=19)
    assert not found.tests
    assert why in found.untested


def test_of_many_votes_some_pairs_are_drawn() -> None:
    votes = drawn(5, pairs=6000, per_pair=4, people=60)
    fit = fit_reliability(evidence_of(votes), FitSettings())
    replicas = Replicas.of(fit, None, np.random.default_rng(0))
    assert LARGEST - 4 <= len(replicas.sign) <= LARGEST
    assert (np.bincount(replicas.evidence.pair) == 4).all()


def test_draws_have_the_reliabilities_of_the_fit() -> None:
    """About 1,300 votes each: a draw from the posterior and a fit to drawn votes move attentiveness by 0.05 each."""
    votes = drawn(6, pairs=4000, per_pair=5, people=3 * 5)
    fit = fit_reliability(evidence_of(votes), FitSettings())
    replicas = Replicas.of(fit, None, np.random.default_rng(0))
    again = replicas.refit(Draws(replicas, np.random.default_rng(1)).under_model())
    assert np.tanh(again.log_odds / 2) == pytest.approx(np.tanh(replicas.fit.log_odds / 2), abs=0.25)
    assert np.abs(np.tanh(again.log_odds / 2) - np.tanh(replicas.fit.log_odds / 2)).max() > 0.005


def test_a_warning_comes_once_and_notes_say_the_rest() -> None:
    """Copying makes pairs look as if they differed in difficulty, so it is the one warning."""
    result = estimate_reliability(drawn(1, people=8, what="copying"), fit_tests=True)
    about_fit = {d.code: d for d in result.diagnostics if d.code.startswith("fit-")}
    assert about_fit["fit-copying"].severity == "warning"
    assert [d.severity for d in about_fit.values()].count("warning") == 1
    assert "p0 and p1" in about_fit["fit-copying"].message
    assert "--group NAME=PATTERN" in about_fit["fit-copying"].message
    assert about_fit["fit-tests"].severity == "info"
    assert result.fit_tests is not None
    assert len(result.fit_tests.tests) == 3


def test_votes_from_the_model_raise_no_warning() -> None:
    """At this seed; any warning has a probability of 5%."""
    data = simulate_annotators(annotators=40, votes_per_pair=4, votes_per_annotator=(20, 60), seed=3)
    result = estimate_reliability(data.votes, fit_tests=True)
    assert not [d for d in result.diagnostics if d.code.startswith("fit-") and d.severity == "warning"]
    assert estimate_reliability(data.votes).fit_tests is None
