"""Groups of annotators who err together: who is in which, what is refused, and what the estimate gains.

Statistical tests are seeded; their bounds are at least four standard errors of the measured figures, so that a right
program fails one with another seed in fewer than 1 of 1,000.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.evidence import evidence_of
from votewise.annotators.fit import fit_reliability
from votewise.annotators.fit_settings import FitSettings
from votewise.annotators.group_fit import em_step, fit_groups, one_vote_of_each_group
from votewise.annotators.groups import groups_of
from votewise.data.votes import Votes
from votewise.errors import BadInputError, NotIdentifiableError
from votewise.inference.shared_error import GroupedVotes

JUDGES = {"judges": "gpt-*"}
SHARE = 0.58
"""r at which judges of reliability 0.75 have errors with a correlation of 0.37."""


def judged(seed: int, share: float = SHARE, pairs: int = 1000) -> tuple[Votes, np.ndarray, np.ndarray]:
    """Six judges and three of thirty people a pair; the truth, and the reliabilities."""
    rng = np.random.default_rng(seed)
    truth, eta = rng.choice([-1, 1], pairs), np.append(rng.beta(8, 3, 30), rng.uniform(0.68, 0.82, 6))
    people = np.argpartition(rng.random((pairs, 30)), 3, axis=1)[:, :3]
    said = np.where(rng.random(people.shape) < eta[people], truth[:, None], -truth[:, None])
    error = np.sqrt(share) * rng.standard_normal((pairs, 1)) + np.sqrt(1 - share) * rng.standard_normal((pairs, 6))
    judges = np.where(error < norm.ppf(eta[30:]), truth[:, None], -truth[:, None])
    annotator = np.hstack([people, np.broadcast_to(30 + np.arange(6), (pairs, 6))])
    names = [*(f"person {k}" for k in range(30)), *(f"gpt-{k}" for k in range(6))]
    votes = Votes.from_arrays(
        np.repeat(np.arange(pairs), 9), annotator.ravel(), np.hstack([said, judges]).ravel(), annotator_ids=names
    )
    return votes, truth, eta


def gap(p_a: np.ndarray, truth: np.ndarray) -> float:
    """By how much the mean probability of the likelier response exceeds the share of pairs where it is better."""
    return float(np.maximum(p_a, 1 - p_a).mean() - ((p_a > 0.5) == (truth > 0)).mean())


def test_judges_who_err_together_are_believed_as_often_as_they_are_right() -> None:
    # One data set of 1,000 pairs: gap 0.008 with a standard deviation of 0.011, mean error 0.005 with 0.016.
    gaps, errors, plain, held = [], [], [], 0
    for seed in range(4):
        votes, truth, eta = judged(seed)
        result = estimate_reliability(votes, groups=JUDGES)
        gaps.append(gap(result.pairs["p_a"].to_numpy(), truth))
        errors.append((result.annotators["reliability"].to_numpy() - eta)[30:].mean())
        plain.append(gap(estimate_reliability(votes, intervals=False).pairs["p_a"].to_numpy(), truth))
        (group,) = result.groups
        held += group.r_low <= SHARE <= group.r_high
        assert group.low < group.correlation < group.high
        assert 1.8 < group.effective < 2.6
    assert np.mean(plain) > 0.1
    assert abs(np.mean(gaps)) < 0.03
    assert abs(np.mean(errors)) < 0.04
    assert held >= 2


def test_nothing_is_lost_where_nobody_errs_together() -> None:
    votes, truth, _ = judged(5, share=0.0)
    result = estimate_reliability(votes, groups=JUDGES, intervals=False)
    plain = estimate_reliability(votes, intervals=False)
    assert result.groups[0].r < 0.1
    right = [((one.pairs["p_a"].to_numpy() > 0.5) == (truth > 0)).mean() for one in (result, plain)]
    assert right[0] > right[1] - 0.01
    assert abs(gap(result.pairs["p_a"].to_numpy(), truth)) < 0.03


def test_em_never_lowers_the_log_posterior() -> None:
    votes, _, _ = judged(6, pairs=200)
    fit = fit_reliability(evidence_of(votes), FitSettings())
    grouped = GroupedVotes.of(fit.model.evidence, groups_of(votes, JUDGES)[0])
    x, history = np.zeros_like(fit.run.x) + 0.5, []
    for _ in range(30):
        x, objective = em_step(grouped, fit.model, x, np.array([0.6]))
        history.append(objective)
    assert (np.diff(history) > -1e-9 * abs(history[0])).all()
    assert history[-1] > history[0] + 1


def test_r_is_where_the_profile_is_highest_and_its_interval_where_it_falls_by_1_92() -> None:
    votes, _, _ = judged(7, pairs=400)
    fit = fit_reliability(evidence_of(votes), FitSettings())
    found = fit_groups(fit, groups_of(votes, JUDGES)[0])

    def profile(r: float) -> float:
        x = found.run.x
        for _ in range(60):
            x, objective = em_step(found.votes, found.model, x, np.array([r]))
        return objective

    r, low, high = (float(values[0]) for values in (found.r, found.low, found.high))
    top = profile(r)
    assert top > profile(r - 0.02)
    assert top > profile(r + 0.02)
    for end in (low, high):
        assert top - profile(end) == pytest.approx(1.92, abs=0.15)


def test_of_a_group_one_vote_a_pair_counts_for_the_prior() -> None:
    votes, _, _ = judged(8, pairs=50)
    evidence = evidence_of(votes)
    grouped = GroupedVotes.of(evidence, groups_of(votes, JUDGES)[0])
    thinned = one_vote_of_each_group(grouped)
    assert len(thinned.sign) == 50 * 4
    assert (thinned.annotator >= 30).sum() == 50
    assert len(np.unique(thinned.annotator[thinned.annotator >= 30])) == 6


def test_flags_calibration_and_tables_know_the_groups() -> None:
    votes, _, _ = judged(9, pairs=300)
    result = estimate_reliability(votes, groups=JUDGES, fit_tests=True)
    assert result.annotators["group"].to_pylist() == [None] * 30 + ["judges"] * 6
    assert result.fit_tests is not None
    assert not result.fit_tests.tests
    assert "already said by groups" in result.fit_tests.untested
    assert result.said is not None
    assert result.said[0] < result.said[1]
    assert {"group", "groups-said"} <= {item.code for item in result.diagnostics}
    low, high = (result.annotators[name].to_numpy() for name in ("low", "high"))
    reliability = result.annotators["reliability"].to_numpy()
    assert ((low < reliability) & (reliability < high)).all()
    calibration = result.calibration
    off = np.abs(calibration["predicted"].to_numpy() - calibration["observed"].to_numpy())
    assert np.average(off, weights=calibration["votes"].to_numpy()) < 0.05


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"judges": "claude-*"}, "matches no annotator"),
        ({"judges": "gpt-1"}, "has 1 annotator, 'gpt-1'"),
        ({"judges": "gpt-*", "others": ["gpt-[01]"]}, "matches two groups, 'judges' and 'others'"),
        ({}, "no group of two"),
        ("family", "no column 'family'"),
    ],
)
def test_groups_that_cannot_be_used_are_refused_in_one_line(groups: Mapping[str, str] | str, words: str) -> None:
    votes, _, _ = judged(10, pairs=20)
    with pytest.raises(BadInputError, match=words) as caught:
        estimate_reliability(votes, groups=groups)
    assert "\n" not in str(caught.value)


def test_everybody_in_one_group_is_refused() -> None:
    votes, _, _ = judged(11, pairs=20)
    with pytest.raises(NotIdentifiableError, match="All annotators are in the group 'all'"):
        estimate_reliability(votes, groups={"all": "*"})


def test_a_column_names_the_groups_and_lone_annotators_err_alone() -> None:
    votes, _, _ = judged(12, pairs=60)
    families = np.array([f"own {k}" for k in range(30)] + ["gpt"] * 4 + ["other"] * 2)
    table = pa.table({"group": families[votes.annotator]})
    named = Votes.from_arrays(votes.pair, votes.annotator, votes.sign, annotator_ids=votes.annotator_ids)
    object.__setattr__(named, "table", table)
    group, names = groups_of(named, "group")
    assert sorted(names) == ["gpt", "other"]
    assert [names[code] if code >= 0 else None for code in group] == [None] * 30 + ["gpt"] * 4 + ["other"] * 2


def test_unshared_pairs_and_judgements_do_not_compose() -> None:
    votes, _, _ = judged(13, pairs=20)
    with pytest.raises(BadInputError, match="share their pair's truth"):
        estimate_reliability(votes, groups=JUDGES, shared_pairs=False)
    with pytest.raises(BadInputError, match="equally hard"):
        estimate_reliability(votes, groups=JUDGES, model="difficulty")
    ranked = Votes.from_arrays(
        votes.pair, votes.annotator, votes.sign, judgement=votes.pair, annotator_ids=votes.annotator_ids
    )
    with pytest.raises(BadInputError, match="judgements such as rankings"):
        estimate_reliability(ranked, groups=JUDGES)


def test_a_group_that_shares_no_pair_changes_nothing() -> None:
    rng = np.random.default_rng(14)
    pair = np.repeat(np.arange(200), 2)
    annotator = np.column_stack([np.arange(200) % 2, 2 + np.arange(200) % 5]).ravel()
    votes = Votes.from_arrays(pair, annotator, rng.choice([-1, 1], 400, p=[0.4, 0.6]), annotator_ids=list("abcdefg"))
    result = estimate_reliability(votes, groups={"ab": "[ab]"}, prior=None, tolerance=1e-7)
    plain = estimate_reliability(votes, prior=None, tolerance=1e-7)
    np.testing.assert_allclose(result.pairs["p_a"].to_numpy(), plain.pairs["p_a"].to_numpy(), atol=1e-3)
    assert "group-unshared" in {item.code for item in result.diagnostics}
