"""Judgements that are read as orders of answers: against enumeration, and coverage in simulations."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.evidence import evidence_of
from votewise.annotators.find_orders import ordered_prompts
from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_settings import FitSettings
from votewise.annotators.fitted import OrderBeliefs
from votewise.annotators.order_beliefs import with_orders
from votewise.annotators.order_fit import Climb, climb_from, plausible_kinds, share_at_one_end
from votewise.annotators.order_problem import OrderProblem
from votewise.annotators.order_steps import OrderLikelihood
from votewise.data.votes import Votes
from votewise.inference.orders import OrderKind, Orders, order_noise
from votewise.inference.priors import Beta, Grid
from votewise.simulate.ranked_votes import Noise, simulate_rankings


def column(table: pa.Table, name: str) -> Any:
    return table[name].to_numpy(zero_copy_only=False)


def one_prompt(judgements: list[list[tuple[int, int]]], n: int = 3, names: list[int] | None = None) -> Votes:
    """Judgements of one prompt by different annotators: each a list of (better, worse) answers."""
    pairs = list(combinations(range(n), 2))
    name = names or list(range(n))
    pair, sign, who = [], [], []
    for k, judgement in enumerate(judgements):
        for better, worse in judgement:
            a, b = min(better, worse), max(better, worse)
            pair.append(pairs.index((a, b)))
            sign.append(1 if better == a else -1)
            who.append(k)
    answers = [(name[a], name[b]) for a, b in pairs]
    return Votes.from_arrays(pair, who, sign, judgement=who, answers=answers, pair_ids=[str(p) for p in pairs])


def problem_of(votes: Votes) -> OrderProblem:
    evidence = evidence_of(votes)
    prompts = list(ordered_prompts(evidence, votes.answers))
    rest = evidence.select(np.zeros(votes.n_pairs, bool))
    return OrderProblem(prompts, [None] * len(prompts), rest, fit_reliability(evidence, FitSettings()))


def has_orders(votes: Votes) -> bool:
    return "orders" in {d.code for d in estimate_reliability(votes).diagnostics}


@pytest.mark.parametrize("weights", [[1.0, 1.0, 1.0], [0.5, 2.0, 0.25]])
@pytest.mark.parametrize("names", [[0, 1, 2], [7, 3, 5]])
def test_a_pass_agrees_with_enumeration(names: list[int], weights: list[float]) -> None:
    """A ranking, a choice of the best and a ranking with a tie, whatever the answers are called."""
    judgements = [[(0, 1), (0, 2), (1, 2)], [(1, 0), (1, 2)], [(0, 2), (1, 2)]]
    votes = one_prompt(judgements, names=names)
    votes = replace(votes, weight=np.array(weights)[votes.judgement])
    (prompts,) = ordered_prompts(evidence_of(votes), votes.answers)
    orders, node = Orders.of(3), np.array([60, 70, 80], np.int32)
    noise = order_noise(3, "qualities")
    found = OrderLikelihood.of(prompts, "qualities", None).step(node, last=True)

    def likelihood(k: int, allowed: list[int], truth: int) -> Any:
        return sum(noise.probability[orders.relative[r, truth], :, node[k]] for r in allowed)

    agree = [[r for r, place in enumerate(orders.place) if all(place[b] < place[w] for b, w in j)] for j in judgements]
    each = np.array([[likelihood(k, agree[k], s) for s in range(6)] for k in range(3)])
    beside = np.array(weights) / max(weights)
    by_prompt = (each ** beside[:, None, None]).prod(axis=0) * np.exp(noise.log_weight) / 6
    assert found.by_prompt == pytest.approx([np.log(by_prompt.sum())], abs=1e-4)
    each **= np.array(weights)[:, None, None]
    joint = each.prod(axis=0) * np.exp(noise.log_weight) / 6
    posterior = joint.sum(axis=1) / joint.sum()
    # The answers are numbered by their names.
    rank = np.argsort(np.argsort(names))
    for p, (a, b) in enumerate(combinations(range(3), 2)):
        first = posterior[orders.place[:, a] < orders.place[:, b]].sum()
        at = list(combinations(range(3), 2)).index((min(rank[a], rank[b]), max(rank[a], rank[b])))
        assert prompts.pair[0, at] == p
        assert found.p_first[0, at] == pytest.approx(first if rank[a] < rank[b] else 1 - first, abs=1e-5)
    others = joint / each[1]
    for_0 = others[orders.place[:, 0] < orders.place[:, 1]].sum() / others.sum()
    at, swapped = (
        (0, False) if names[0] < names[1] else (1, True)
    )  # answers 0 and 2 of 3, 5, 7 are the last and the first
    assert found.by_others[1, at] == pytest.approx(1 - for_0 if swapped else for_0, abs=1e-5)


def test_orders_before_any_vote_follow_margins() -> None:
    score = np.array([0.3, -1.0, 1.2])
    votes = one_prompt([[(0, 1), (0, 2), (1, 2)]])
    (prompts,) = ordered_prompts(evidence_of(votes), votes.answers)
    margin = np.array([score[a] - score[b] for a, b in combinations(range(3), 2)])
    found = np.exp(prompts.log_prior(margin))
    assert found.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(found @ prompts.orders.right, [expit(margin)], atol=1e-6)


def test_what_is_no_order_is_left_to_the_votes() -> None:
    ranking = [(0, 1), (0, 2), (1, 2)]
    assert has_orders(one_prompt([ranking, ranking]))
    assert not has_orders(replace(one_prompt([ranking, ranking]), answers=None))
    cycle = [(0, 1), (1, 2), (2, 0)]
    assert not has_orders(one_prompt([ranking, cycle]))
    twice = Votes.from_arrays(
        [0, 1, 2, 3],
        [0, 0, 0, 0],
        [1, 1, 1, 1],
        judgement=[0, 0, 0, 0],
        answers=[(0, 1), (0, 2), (1, 2), (2, 1)],
    )
    assert not has_orders(twice)
    eleven = list(combinations(range(11), 2))
    assert not has_orders(one_prompt([eleven, eleven], n=11))


def test_of_what_is_left_to_the_votes_a_note_says_why() -> None:
    def note(votes: Votes) -> str:
        return {d.code: d.message for d in estimate_reliability(votes).diagnostics}.get("one-by-one", "")

    ranking = [(0, 1), (0, 2), (1, 2)]
    votes = one_prompt([ranking, ranking])
    assert note(votes) == ""
    assert note(replace(votes, judgement=None)) == ""
    assert "2 judgements" in note(replace(votes, answers=None))
    assert "not known which answers" in note(replace(votes, answers=None))
    assert note(replace(votes, weight=np.full(len(votes), 0.5))) == ""
    assert "several weights" in note(replace(votes, weight=np.linspace(0.5, 1, len(votes))))
    eleven = list(combinations(range(11), 2))
    assert "more than 10 answers" in note(one_prompt([eleven, eleven], n=11))


@pytest.mark.parametrize("answers", [4, 7])
def test_choices_of_the_best_are_not_predicted_pair_by_pair(answers: int) -> None:
    """A choice is always for the answer that it compares with the others, whatever others think of that answer."""
    best = simulate_rankings(answers=answers, annotators=12, said="best", rankings_per_prompt=(3, 3), seed=6).votes
    ranked = simulate_rankings(answers=answers, annotators=12, rankings_per_prompt=(3, 3), seed=6).votes
    assert estimate_reliability(best).calibration.num_rows == 0
    assert sum(estimate_reliability(ranked).calibration["votes"].to_pylist()) > 0.9 * len(ranked)


def test_choices_of_the_best_of_seven_are_warned_of_beside_rankings_only() -> None:
    """Where the best is not among the answers that are looked at, right choices are lost and random ones are not."""
    best = simulate_rankings(answers=7, annotators=6, said="best", rankings_per_prompt=(2, 2), seed=5).votes
    ranked = simulate_rankings(answers=7, annotators=6, rankings_per_prompt=(2, 2), seed=5).votes
    winner = ranked.answers[ranked.pair, (ranked.sign < 0).astype(int)]
    wins = np.unique(np.stack([ranked.judgement, winner]), axis=1, return_inverse=True, return_counts=True)
    of_the_best = wins[2][wins[1].reshape(-1)] == 6
    kept = of_the_best | (ranked.annotator < 3)
    both = replace(ranked, **{f: getattr(ranked, f)[kept] for f in ("pair", "annotator", "sign", "judgement")})

    def is_warned(votes: Votes) -> bool:
        return "choices-of-many" in {d.code for d in estimate_reliability(votes).diagnostics}

    assert is_warned(both)
    assert not is_warned(best)
    assert not is_warned(ranked)


def test_of_seven_answers_five_are_looked_at_and_no_vote_counts_twice() -> None:
    """Both rankings of each prompt are restricted to the same five answers, and beliefs about pairs use all their votes."""
    data = simulate_rankings(answers=7, annotators=6, rankings_per_prompt=(2, 2), seed=4)
    evidence = evidence_of(data.votes)
    (prompts,) = ordered_prompts(evidence, data.votes.answers)
    assert prompts.n == 5
    assert len(prompts.annotator) == len(np.unique(data.votes.judgement))
    assert (np.bincount(prompts.of) == 10).all()
    assert len(prompts.single) == data.votes.n_pairs
    fit = with_orders(fit_reliability(evidence, FitSettings()), data.votes.answers)
    assert fit.orders is not None
    np.testing.assert_allclose(fit.orders.posterior, evidence.posterior_log_odds(fit.log_odds, 1.0))
    # Which answers these are has nothing to do with how good they are.
    place = np.concatenate([np.unique(data.votes.answers[p[p >= 0]]) % 7 for p in prompts.pair])
    share = np.bincount(place, minlength=7) / len(prompts.pair)
    assert np.abs(share - 5 / 7).max() < 5 * np.sqrt(5 / 7 * 2 / 7 / len(prompts.pair))


def test_the_objective_over_orders_never_falls_and_every_step_is_told() -> None:
    """Likelihoods are in single precision, so the bound is a millionth of the objective."""
    data = simulate_rankings(answers=4, annotators=20, rankings_per_prompt=(3, 3), noise="mallows", seed=8)
    told: list[tuple[str, int, float]] = []
    result = estimate_reliability(
        data.votes, prior=Beta(5, 2), progress=lambda what, steps, moved: told.append((what, steps, moved))
    )
    assert (np.diff(result.history) >= -1e-6 * np.abs(result.history[0])).all()
    assert len(result.history) > 1
    assert result.converged
    assert [steps for _, steps, _ in told] == sorted({steps for _, steps, _ in told})
    assert told[-1][0] == "EM over orders"
    assert told[-1][1] == result.iterations
    far = np.zeros(20, np.int32)
    problem = problem_of(data.votes)
    climb = climb_from(problem, problem.likelihoods("alike"), Climb("alike", Beta(5, 2), far, np.zeros(0), (), False))
    assert len(climb.history) > 3
    assert climb.history[-1] > climb.history[0] + 100
    assert (np.diff(climb.history) >= -1e-6 * np.abs(climb.history[0])).all()


def test_a_kind_of_error_is_implausible_only_if_many_prompts_say_so() -> None:
    """Twenty nats in favour of the first kind: from all prompts alike, from one in 400, or a difference of one nat."""
    steady, one, small = (np.zeros((2, 400)) for _ in range(3))
    steady[1] = -0.05 + 0.01 * np.tile([1, -1], 200)
    one[1, 0] = -20
    small[1] = -1 / 400
    assert plausible_kinds(steady) == pytest.approx([1, np.exp(2 - 20)])
    assert plausible_kinds(one)[1] == 1
    assert plausible_kinds(small)[1] == 1


def test_intervals_may_end_early_at_one_end_only_if_one_kind_of_error_may_be_right() -> None:
    """The variance of the difference of two kinds over prompts says by how much the better would win if it were right."""

    def share(gap: float, expected: float, kinds: tuple[OrderKind, OrderKind] = ("whole", "qualities")) -> float:
        two = np.zeros((2, 400))
        two[1] = -gap / 400 + np.sqrt(2 * expected / 400) * np.tile([1, -1], 200)
        none = np.zeros(0, np.int32)
        return share_at_one_end([Climb(k, None, none, b, (), True) for k, b in zip(kinds, two, strict=True)])

    assert share(20, 20) == 1
    assert share(60, 20) == 1
    # Too little is known for the better one to win by much, so either may be right.
    assert share(0, 3) == 1
    # It should have won by 50 nats, with a standard error of 10, and won by 5 or 20: neither is right.
    assert share(5, 50) == pytest.approx(0.5 + 0.5 * np.exp(2 - 4.5**2 / 2))
    assert share(20, 50) == pytest.approx(0.5 + 0.5 * np.exp(2 - 3**2 / 2))
    # Of a mixture both parts may be right, each for some annotators.
    assert share(5, 50, ("half", "alike")) == 1
    assert share(5, 50, ("half", "prompts")) < 0.51
    assert share_at_one_end([Climb("whole", None, np.zeros(0, np.int32), np.zeros(5), (), True)]) == 1


def test_intervals_hold_what_every_plausible_kind_of_error_says() -> None:
    """Two kinds at 0.6 and 0.8: as plausible, the interval spans both; at a hundredth, the second adds nothing.

    Each kind's 5% are outside at one end where both count, at both ends where one does.
    """
    grid = Grid.of_size(384)
    masses = np.stack([np.exp(-np.square(grid.x - m) / 2 / 0.02**2 + grid.log_width)[None] for m in (0.6, 0.8)])

    def ends(plausible: float) -> tuple[float, float]:
        one = np.array([1.0, plausible])
        none = np.zeros(0)
        beliefs = OrderBeliefs("whole", 1, masses, one, none, none, np.ones(2), none.astype(bool), none.astype(bool))
        low, high = beliefs.intervals(0.95, np.ones(1))
        return float(low[0]), float(high[0])

    assert ends(1.0) == pytest.approx((0.6 - 0.0329, 0.8 + 0.0329), abs=1e-3)
    assert ends(0.01) == pytest.approx((0.6 - 0.0392, 0.6 + 0.0392), abs=1e-3)
    assert 0.7 < ends(0.1)[1] < 0.83


def test_prompts_may_have_different_numbers_of_answers() -> None:
    """Three, four and five answers, and seven, of which five are looked at."""
    parts = [simulate_rankings(answers=n, annotators=9, rankings_per_prompt=(3, 3), seed=n).votes for n in (5, 3, 7, 4)]
    pair = np.cumsum([0, *(v.n_pairs for v in parts)])
    both = Votes.from_arrays(
        np.concatenate([v.pair + p for v, p in zip(parts, pair[:-1], strict=True)]),
        np.concatenate([v.annotator for v in parts]),
        np.concatenate([v.sign for v in parts]),
        judgement=np.concatenate([v.judgement + 10**6 * i for i, v in enumerate(parts)]),
        answers=np.concatenate([v.answers + 10**6 * i for i, v in enumerate(parts)]),
    )
    found = [p.n for p in ordered_prompts(evidence_of(both), both.answers)]
    assert found == [3, 4, 5, 5]
    posterior = np.abs(column(estimate_reliability(both).pairs, "p_a") - 0.5)
    assert all(posterior[a:b].max() > 0.3 for a, b in pairwise(pair))


def test_single_votes_count_beside_judgements() -> None:
    """An annotator who only votes on single pairs is judged too, by others' votes on these pairs."""
    data = simulate_rankings(annotators=12, rankings_per_prompt=(3, 3), seed=3)
    votes = data.votes
    rng = np.random.default_rng(0)
    # Pairs of their own, on which four ranking annotators and a newcomer vote.
    pairs = np.arange(60)
    truth = np.ones(300)
    right = rng.random(300) < np.tile([0.9, 0.9, 0.9, 0.9, 0.75], 60)
    m = votes.n_pairs
    both = Votes.from_arrays(
        np.concatenate([votes.pair, m + np.repeat(pairs, 5)]),
        np.concatenate([votes.annotator, np.tile([0, 1, 2, 3, 12], 60)]),
        np.concatenate([votes.sign, np.where(right, truth, -truth)]),
        judgement=np.concatenate([votes.judgement, len(votes) + np.arange(300)]),
        answers=np.concatenate([votes.answers, 10**6 + 2 * pairs[:, None] + [0, 1]]),
    )
    table = estimate_reliability(both).annotators
    assert abs(column(table, "reliability")[12] - 0.75) < 0.2
    assert column(table, "high")[12] - column(table, "low")[12] < 0.35


def test_beliefs_about_pairs_do_not_use_a_judgement_to_judge_itself() -> None:
    votes = one_prompt([[(0, 1), (0, 2), (1, 2)], [(1, 0), (1, 2)]])
    fit = with_orders(fit_reliability(evidence_of(votes), FitSettings()), votes.answers)
    assert fit.orders is not None
    # The second annotator chose answer 1; the first says 0 > 1 and 1 > 2.
    assert fit.orders.by_others[3] < 0 < fit.orders.by_others[4]


@pytest.mark.slow
def test_votes_for_the_best_answer_are_not_believed_too_much() -> None:
    """Six data sets of 40: the mean error of reliabilities has a standard error of 0.006; read one by one it is 0.05."""
    error = []
    for seed in range(6):
        data = simulate_rankings(said="best", rankings_per_prompt=(3, 3), seed=[seed, 20])
        table = estimate_reliability(data.votes).annotators
        error.append((column(table, "reliability") - data.reliability).mean())
    assert abs(np.mean(error)) < 0.03


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "answers", "said"),
    [
        ("attention", 4, "best"),
        ("mallows", 3, "best"),
        ("plackett-luce", 3, "best"),
        ("mallows", 5, "order"),
        ("plackett-luce", 4, "order"),
    ],
)
def test_intervals_cover_where_answers_differ_in_difficulty(
    noise: Noise, answers: int, said: Literal["order", "best"]
) -> None:
    """12 data sets of 40 annotators. Measured coverage is 0.93 to 0.97 with a standard error over 12 data sets of about
    0.012, so the bounds are at least three to four standard errors away: a false alarm in fewer than 1 in 500 seeds."""
    inside = []
    for seed in range(12):
        data = simulate_rankings(
            noise=noise, answers=answers, said=said, rankings_per_prompt=(3, 3), seed=[seed, answers, 21]
        )
        table = estimate_reliability(data.votes).annotators
        inside.append((column(table, "low") <= data.reliability) & (data.reliability <= column(table, "high")))
    assert 0.89 <= np.mean(inside) <= 0.995


def test_weights_of_one_change_nothing_and_smaller_ones_widen_intervals() -> None:
    votes = simulate_rankings(answers=3, annotators=12, rankings_per_prompt=(5, 5), seed=2).votes
    plain, one, less = (
        estimate_reliability(v, prior=Beta(5, 2)).annotators
        for v in (votes, *(replace(votes, weight=np.full(len(votes), w)) for w in (1.0, 0.7)))
    )
    for name in ("reliability", "low", "high"):
        np.testing.assert_allclose(column(one, name), column(plain, name), atol=1e-6)
    width, wider = (column(t, "high") - column(t, "low") for t in (plain, less))
    assert (wider > width).all()


def test_a_judgement_that_counts_for_nothing_tells_nothing() -> None:
    """Others are judged as if it had not been given, and of its annotator nothing is known but the prior."""
    votes = simulate_rankings(answers=3, annotators=6, rankings_per_prompt=(4, 4), seed=4).votes
    said = votes.annotator != 0
    nearly = replace(votes, weight=np.where(said, 1.0, 1e-9))
    without = replace(
        votes,
        pair=votes.pair[said],
        annotator=votes.annotator[said],
        sign=votes.sign[said],
        judgement=votes.judgement[said],
    )
    found, others = (estimate_reliability(v, prior=Beta(5, 2)).annotators for v in (nearly, without))
    for name in ("reliability", "low", "high"):
        np.testing.assert_allclose(column(found, name), column(others, name), atol=0.01)
