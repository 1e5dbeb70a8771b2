"""Models in which pairs differ: what is chosen, what it says, what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logit

from differing_pairs import simulate_difficulty, simulate_items
from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.evidence import evidence_of
from votewise.annotators.hidden_votes import hide_votes, score_model
from votewise.annotators.pair_models import compare_models
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.inference.observation import Evidence


def votes_of(evidence: Evidence, answers: Any = None) -> Votes:
    return Votes.from_arrays(evidence.pair, evidence.annotator, evidence.sign, answers=answers)


@pytest.fixture(scope="module")
def hard() -> tuple[Votes, np.ndarray]:
    """3,000 pairs of different difficulty with seven votes each."""
    evidence, eta, _ = simulate_difficulty(3000, 80, 7, seed=1, spread=1.0)
    return votes_of(evidence), eta


def test_the_gate_finds_what_is_there(hard: tuple[Votes, np.ndarray]) -> None:
    """Seeded; with equal pairs a gain of two standard errors comes by chance in 1 of 40 data sets at most."""
    equal = votes_of(simulate_difficulty(2000, 60, 4, seed=2)[0])
    evidence, answers, _, _ = simulate_items(60, 1200, 50, 3, seed=3)
    chosen = [
        estimate_reliability(votes, model="auto", intervals=False).settings["model"]
        for votes in (equal, hard[0], votes_of(evidence, answers))
    ]
    assert chosen == ["equal", "difficulty", "items"]


def test_a_reliability_is_the_share_of_right_votes_over_all_pairs(hard: tuple[Votes, np.ndarray]) -> None:
    """Seeded; of 80 intervals fewer than 70 hold the truth in 1 of 1,000 data sets."""
    votes, eta = hard
    size = np.exp(np.random.default_rng(0).normal(size=20_000))
    share = expit(np.outer(logit(eta), size)).mean(axis=1)
    table = estimate_reliability(votes, model="difficulty").annotators
    low, high, mean = (table[name].to_numpy() for name in ("low", "high", "reliability"))
    assert ((low < share) & (share < high)).sum() >= 70
    assert abs((mean - share).mean()) < 0.01
    assert ((low < mean) & (mean < high)).all()


def test_votes_are_predicted_as_often_as_said(hard: tuple[Votes, np.ndarray]) -> None:
    gaps = {}
    for model in ("equal", "difficulty"):
        table = estimate_reliability(hard[0], model=model, fit_tests=False).calibration  # type: ignore[arg-type]
        said, seen, votes = (table[name].to_numpy() for name in ("predicted", "observed", "votes"))
        gaps[model] = float((np.abs(said - seen) * votes).sum() / votes.sum())
    assert gaps["difficulty"] < 0.8 * gaps["equal"]


def test_the_result_says_which_model_it_is_of(hard: tuple[Votes, np.ndarray]) -> None:
    result = estimate_reliability(hard[0], model="auto")
    assert result.settings["model"] == "difficulty"
    assert [score["model"] for score in result.compared] == ["equal", "difficulty"]
    messages = {finding.code: finding.message for finding in result.diagnostics}
    assert "differ in difficulty" in messages["pair-model"]
    assert result.fit_tests is None
    assert result.converged


def test_equal_pairs_are_as_before(hard: tuple[Votes, np.ndarray]) -> None:
    before, after = (estimate_reliability(hard[0], intervals=False, **given) for given in ({}, {"model": "equal"}))
    assert before.annotators.equals(after.annotators)
    assert before.compared == ()


def test_a_given_prior_is_kept(hard: tuple[Votes, np.ndarray]) -> None:
    from votewise.inference.priors import Beta

    result = estimate_reliability(hard[0], model="difficulty", prior=Beta(6, 2), intervals=False)
    assert (result.prior["c"], result.prior["d"], result.prior["fitted"]) == (6, 2, False)
    assert estimate_reliability(hard[0], model="difficulty", prior=None, intervals=False).prior == {"family": "none"}


def test_margins_count(hard: tuple[Votes, np.ndarray]) -> None:
    """The truth as a margin makes nearly all pairs right."""
    evidence, _, z = simulate_difficulty(400, 20, 3, seed=5, spread=1.0)
    result = estimate_reliability(votes_of(evidence), margins=4 * np.sign(z), model="difficulty", intervals=False)
    assert ((result.pairs["p_a"].to_numpy() > 0.5) == (z > 0)).mean() > 0.97


def test_ties_are_left_out() -> None:
    evidence, _, _ = simulate_difficulty(300, 20, 4, seed=6, spread=1.0)
    sign = evidence.sign.copy()
    sign[::7] = 0
    votes = Votes.from_arrays(evidence.pair, evidence.annotator, sign)
    result = estimate_reliability(votes, model="difficulty")
    assert result.confidence.null_count == (sign == 0).sum()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "hard"}, "no such model"),
        ({"model": "difficulty", "shared_pairs": False}, "do not go with shared_pairs=False"),
        ({"model": "difficulty", "temperature": "fit"}, "do not go with a fitted temperature"),
        ({"model": "difficulty", "point": "mode", "prior": None}, "do not go with point='mode'"),
        ({"model": "items"}, "nothing says which pairs have an answer in common"),
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, Any], message: str) -> None:
    votes = votes_of(simulate_difficulty(30, 5, 3, seed=7)[0])
    with pytest.raises(BadInputError, match=message):
        estimate_reliability(votes, **given)


def test_judgements_and_answers_that_do_not_recur_are_refused() -> None:
    pair, annotator, sign = [0, 0, 1, 1], [0, 1, 0, 1], [1, 1, -1, 1]
    judged = Votes.from_arrays(pair, annotator, sign, judgement=[0, 1, 0, 1])
    single = Votes.from_arrays(pair, annotator, sign, answers=[[0, 1], [2, 3]])
    for votes, model, message in (
        (judged, "difficulty", "judgements"),
        (single, "items", "no answer is in two pairs"),
    ):
        with pytest.raises(BadInputError, match=message):
            estimate_reliability(votes, model=model)  # type: ignore[arg-type]


def test_weights_count(hard: tuple[Votes, np.ndarray]) -> None:
    """Those of 1 change nothing; votes against the truth that weigh nothing change nothing either."""
    evidence, answers, _, _ = simulate_items(60, 900, 40, 3, seed=3)
    for model in ("difficulty", "items", "auto"):
        plain, ones = (
            estimate_reliability(
                Votes.from_arrays(evidence.pair, evidence.annotator, evidence.sign, answers=answers, weight=weight),
                model=model,  # type: ignore[arg-type]
            )
            for weight in (None, np.ones(len(evidence.sign)))
        )
        assert plain.annotators["low"].equals(ones.annotators["low"])
        assert plain.pairs["p_a"].equals(ones.pairs["p_a"])
        assert plain.compared == ones.compared
    votes = votes_of(simulate_difficulty(400, 20, 3, seed=5, spread=1.0)[0])
    wrong = [np.concatenate([old, old]) for old in (votes.pair, votes.annotator)]
    weight = np.repeat([1.0, 0.0], len(votes))
    more = Votes.from_arrays(*wrong, np.concatenate([votes.sign, -votes.sign]), weight=weight)
    before, after = (estimate_reliability(one, model="difficulty", intervals=False) for one in (votes, more))
    assert after.settings["model"] == "difficulty"
    assert after.pairs["p_a"].to_numpy() == pytest.approx(before.pairs["p_a"].to_numpy(), abs=2e-3)


def test_hidden_votes_keep_their_weights() -> None:
    evidence, _, _ = simulate_difficulty(50, 10, 3, seed=8)
    weight = np.random.default_rng(0).choice([0.5, 1, 3], 150)
    votes = Votes.from_arrays(evidence.pair, evidence.annotator, evidence.sign, weight=weight)
    hidden = hide_votes(evidence_of(votes))
    assert hidden is not None
    assert hidden.weight is not None
    assert hidden.rest.weight is not None
    assert sorted([*hidden.weight, *hidden.rest.weight]) == sorted(weight)
    losses = np.random.default_rng(1).random(50)
    assert hidden.mean(losses) == pytest.approx((hidden.weight * losses).sum() / hidden.weight.sum())
    repeated = np.repeat(losses, (2 * hidden.weight).astype(int))
    assert hidden.mean(losses) == pytest.approx(repeated.mean())
    assert replace(hidden, weight=np.ones(50)).standard_error(losses) == pytest.approx(losses.std() / np.sqrt(50))


def test_hidden_votes() -> None:
    evidence, _, _ = simulate_difficulty(50, 10, 3, seed=8)
    hidden = hide_votes(evidence)
    assert hidden is not None
    assert sorted(hidden.pair) == list(range(50))
    assert len(hidden.rest.sign) == 100
    together = sorted(zip([*hidden.pair, *hidden.rest.pair], [*hidden.annotator, *hidden.rest.annotator], strict=True))
    assert together == sorted(zip(evidence.pair, evidence.annotator, strict=True))
    alone = Votes.from_arrays([0, 1], [0, 1], [1, 1])
    with pytest.raises(BadInputError, match="no pair has two votes"):
        compare_models(alone)


def test_scores_are_what_they_are_called() -> None:
    evidence = Evidence.of(
        np.repeat(np.arange(4, dtype=np.int32), 2),
        np.tile(np.arange(2, dtype=np.int32), 4),
        np.ones(8, np.int8),
        margin=np.zeros(4),
        annotators=2,
    )
    hidden = hide_votes(evidence)
    assert hidden is not None
    score = score_model("difficulty", hidden, np.full(4, 0.8), np.full(4, 0.5), 1.0)
    assert score.log_loss == pytest.approx(-np.log(0.8))
    assert score.gain == pytest.approx(np.log(0.8 / 0.5))
    assert score.standard_error == pytest.approx(0)
    assert score.calibration_error == pytest.approx(0.2)
    assert score.right == 1
    assert score.wins


def test_where_nothing_larger_helps_that_is_said() -> None:
    result = estimate_reliability(votes_of(simulate_difficulty(300, 20, 4, seed=2)[0]), model="auto", intervals=False)
    assert {finding.code: finding.message for finding in result.diagnostics}["pair-model"].startswith("Model 'equal'")
    assert result.settings["model"] == "equal"
