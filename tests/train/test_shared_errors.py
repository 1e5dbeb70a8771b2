"""Annotators who err together in training: evidence by hand, its limits, and reliabilities under it.

The statistical test is seeded; its bounds are four standard errors of the measured figures or more, so that a right program
fails it with another seed in fewer than 1 of 1,000.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import expit, logit
from scipy.stats import norm
from tiny import make_config, make_rows, make_trainer

import votewise
from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.groups import KnownGroups
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.inference.grouped_votes import GroupedVotes
from votewise.inference.shared_error import expect_errors
from votewise.report.audit_files import write_audit
from votewise.train.beginning import begin
from votewise.train.running_beliefs import BeliefSettings
from votewise.train.shared_errors import AuditedGroups, ErringTogether
from votewise.train.training_beliefs import TrainingBeliefs
from votewise.train.training_rows import votes_of_dataset

FROZEN = BeliefSettings(update="frozen")


def judged(pairs: int, share: float, seed: int = 0) -> tuple[Votes, np.ndarray, np.ndarray]:
    """Six judges and two of ten people a pair; the truth, and the reliabilities, those of judges first."""
    rng = np.random.default_rng(seed)
    truth, eta = rng.choice([-1, 1], pairs), np.append(np.full(6, 0.75), rng.uniform(0.6, 0.9, 10))
    error = np.sqrt(share) * rng.standard_normal((pairs, 1)) + np.sqrt(1 - share) * rng.standard_normal((pairs, 6))
    judges = np.where(error < norm.ppf(0.75), truth[:, None], -truth[:, None])
    who = 6 + np.argpartition(rng.random((pairs, 10)), 2, axis=1)[:, :2]
    people = np.where(rng.random(who.shape) < eta[who], truth[:, None], -truth[:, None])
    annotator = np.hstack([np.broadcast_to(np.arange(6), (pairs, 6)), who])
    names = [*(f"gpt-{k}" for k in range(6)), *(f"person {k}" for k in range(10))]
    sign = np.hstack([judges, people]).ravel()
    return Votes.from_arrays(np.repeat(np.arange(pairs), 8), annotator.ravel(), sign, annotator_ids=names), truth, eta


def groups(r: float, names: tuple[str, ...] = tuple(f"gpt-{k}" for k in range(6))) -> AuditedGroups:
    return AuditedGroups(dict.fromkeys(names, "judges"), {"judges": r})


def beliefs_of(votes: Votes, r: float | None, settings: BeliefSettings = FROZEN) -> TrainingBeliefs:
    found = TrainingBeliefs(votes, settings, None if r is None else groups(r).among(votes))
    found.start_at(np.linspace(0.55, 0.9, votes.n_annotators))
    return found


def test_evidence_is_that_of_all_truths_and_shared_errors() -> None:
    votes, _, _ = judged(30, 0.5)
    beliefs = beliefs_of(votes, 0.6)
    grouped = GroupedVotes.of(beliefs.evidence, np.where(np.arange(16) < 6, 0, -1).astype(np.int32))
    whole = expect_errors(grouped, beliefs.log_odds, np.array([0.6])).posterior
    some = np.array([7, 3, 3, 29])
    np.testing.assert_allclose(beliefs.evidence_for(some), whole[some], atol=1e-9)


def test_a_confidence_is_the_slope_of_the_likelihood_in_the_margin() -> None:
    # d log sum_t P(t | s) P(votes | t) / ds = P(+ | votes) - P(+): the E-step of training.
    votes, _, _ = judged(12, 0.5)
    beliefs, rng = beliefs_of(votes, 0.6), np.random.default_rng(1)
    margins, step = rng.normal(size=12), 1e-5

    def likelihood(margins: np.ndarray) -> float:
        grouped = GroupedVotes.of(
            beliefs.evidence.with_margin(margins), np.where(np.arange(16) < 6, 0, -1).astype(np.int32)
        )
        return expect_errors(grouped, beliefs.log_odds, np.array([0.6])).log_likelihood

    slope = [
        (likelihood(margins + step * (np.arange(12) == i)) - likelihood(margins - step * (np.arange(12) == i)))
        / (2 * step)
        for i in range(12)
    ]
    confidence = expit(margins + beliefs.evidence_for(np.arange(12)))
    np.testing.assert_allclose(slope, confidence - expit(margins), atol=1e-6)


def test_without_shared_errors_nothing_changes() -> None:
    votes, _, _ = judged(40, 0.5)
    assert groups(0.0).among(votes) is None
    every = np.arange(40)
    plain, near = beliefs_of(votes, None).evidence_for(every), beliefs_of(votes, 1e-9).evidence_for(every)
    np.testing.assert_allclose(near, plain, atol=1e-3)


def test_six_votes_of_one_group_are_worth_between_one_vote_and_six() -> None:
    eta, votes = (
        0.75,
        Votes.from_arrays(
            np.zeros(6, int), np.arange(6), np.ones(6, int), annotator_ids=[f"gpt-{k}" for k in range(6)]
        ),
    )
    worth = []
    for r in (0.2, 0.5, 0.8, 1.0):
        beliefs = TrainingBeliefs(votes, FROZEN, groups(r).among(votes))
        beliefs.start_at(np.full(6, eta))
        worth.append(float(beliefs.evidence_for(np.array([0]))[0]) / logit(eta))
    assert worth[-1] == pytest.approx(1.0)
    assert 6 > worth[0] > worth[1] > worth[2] > 1


def test_reliabilities_of_judges_who_err_together_are_right() -> None:
    # With 1,000 pairs the mean error is 0.00 with a standard deviation of 0.016; without groups it is 0.09.
    votes, _, eta = judged(1000, 0.58, seed=3)
    error = {
        r: float((TrainingBeliefs(votes, together=groups(r).among(votes)).reliability - eta)[:6].mean())
        for r in (0.0, 0.58)
    }
    assert abs(error[0.58]) < 0.065
    assert error[0.0] > error[0.58] + 0.03


def test_a_run_resumes_with_the_same_beliefs() -> None:
    votes, truth, _ = judged(60, 0.58)
    whole, resumed = (TrainingBeliefs(votes, together=groups(0.5).among(votes)) for _ in range(2))
    first = np.arange(30)
    whole.absorb(first, 0.8 * truth[first])
    resumed.load({name: np.array(value) for name, value in whole.state().items()})
    rest = np.arange(30, 60)
    for beliefs in (whole, resumed):
        beliefs.absorb(rest, 0.5 * truth[rest])
        beliefs.end_epoch()
    np.testing.assert_array_equal(whole.log_odds, resumed.log_odds)
    np.testing.assert_array_equal(whole.evidence_for(first), resumed.evidence_for(first))


@pytest.mark.parametrize("r", [0.31, 1.0])
def test_a_run_resumes_with_the_r_that_it_had(r: float) -> None:
    """Also where r found again is another one, and where the group copies."""
    votes, truth, _ = judged(60, 0.58)
    whole, resumed = (TrainingBeliefs(votes, together=groups(share).among(votes)) for share in (r, 0.6))
    first, rest = np.arange(30), np.arange(30, 60)
    whole.absorb(first, 0.8 * truth[first])
    resumed.load({name: np.array(value) for name, value in whole.state().items()})
    for beliefs in (whole, resumed):
        beliefs.absorb(rest, 0.5 * truth[rest])
        beliefs.end_epoch()
    np.testing.assert_array_equal(whole.log_odds, resumed.log_odds)
    np.testing.assert_array_equal(whole.evidence_for(first), resumed.evidence_for(first))
    assert resumed.together is not None
    assert resumed.together.r.tolist() == [r]


def test_a_run_with_other_groups_does_not_resume() -> None:
    votes, _, _ = judged(60, 0.58)
    six = TrainingBeliefs(votes, together=groups(0.5).among(votes)).state()
    none = TrainingBeliefs(votes).state()
    with pytest.raises(BadInputError, match="1 group of 6 annotators who err together, and this run has no groups of"):
        TrainingBeliefs(votes).load(six)
    with pytest.raises(BadInputError, match="checkpoint has no groups of annotators who err together, and this run"):
        TrainingBeliefs(votes, together=groups(0.5).among(votes)).load(none)
    three = groups(0.5, tuple(f"gpt-{k}" for k in range(3))).among(votes)
    with pytest.raises(BadInputError, match="and this run has 1 group of 3 annotators"):
        TrainingBeliefs(votes, together=three).load(six)
    older = {name: value for name, value in six.items() if name not in ("group", "shares")}
    TrainingBeliefs(votes, together=three).load(older)


def audited(folder: Path, r: float = 0.5) -> tuple[Path, list[str]]:
    names = sorted(set(make_rows(16)["annotator"]))
    of = pa.array(["judges", "judges", *[None] * (len(names) - 2)], pa.string())
    table = pa.table({"annotator": names, "reliability": [0.8] * len(names), "group": of})
    pq.write_table(table, folder / "annotators.parquet")
    (folder / "summary.json").write_text(json.dumps({"groups": [{"name": "judges", "r": r}]}), encoding="utf-8")
    return folder, names


@pytest.mark.parametrize("use", ["start", "fixed"])
def test_training_that_starts_from_an_audit_takes_its_groups(tmp_path: Path, use: str) -> None:
    folder, _ = audited(tmp_path)
    start = begin(make_rows(16), make_config(tmp_path / "run", beliefs=str(folder), beliefs_use=use))
    assert start.in_groups == (2 if use == "start" else 0)
    together = start.beliefs.together
    assert (together is None) == (use == "fixed")
    if together is not None:
        assert together.r.tolist() == [0.5]


def test_groups_go_from_an_audit_through_training_to_its_own_audit(tmp_path: Path) -> None:
    rows = make_rows(48, votes_per_pair=3)
    votes = votes_of_dataset(rows, annotator_column="annotator")
    found = estimate_reliability(votes, groups={"two": ["ann0", "ann1"]})
    write_audit(tmp_path / "audit", votes, found, title=None)
    trainer = make_trainer(tmp_path / "run", rows, beliefs=str(tmp_path / "audit"))
    assert trainer.data_counts.in_groups == 2 * (found.groups[0].r > 0)
    assert found.groups[0].r > 0
    trainer.train()
    (group,) = trainer.estimate().groups
    assert (group.name, group.members) == ("two", 2)
    trainer.write_beliefs(tmp_path / "after")
    assert AuditedGroups.of(tmp_path / "after") is not None


def test_a_summary_that_does_not_know_the_groups_is_refused(tmp_path: Path) -> None:
    folder, _ = audited(tmp_path)
    for text, words in (("{}", "does not say how much"), ('{"groups": []}', "knows no group 'judges'")):
        (folder / "summary.json").write_text(text, encoding="utf-8")
        with pytest.raises(BadInputError, match=words):
            AuditedGroups.of(folder)


def test_the_audit_that_is_written_is_the_one_that_is_read(tmp_path: Path) -> None:
    rows = [
        {
            "prompt": f"P{i}",
            "response_a": "x",
            "response_b": "y",
            "annotator": who,
            "label": "ab"[(i + k // 2) % 3 == 0],
        }
        for i in range(60)
        for k, who in enumerate(("gpt-0", "gpt-1", "person 0", "person 1", "person 2"))
    ]
    found = votewise.audit(rows, groups={"judges": "gpt-*"}, out=tmp_path / "audit", fit_tests=False, report=False)
    groups_ = AuditedGroups.of(tmp_path / "audit")
    assert groups_ is not None
    assert dict(groups_.group_of) == {"gpt-0": "judges", "gpt-1": "judges"}
    assert groups_.r["judges"] == found.reliability.groups[0].r
    assert isinstance(
        ErringTogether(KnownGroups(groups_.group_of), np.zeros(2, np.int32), np.ones(1)).for_estimate, type(None)
    )
