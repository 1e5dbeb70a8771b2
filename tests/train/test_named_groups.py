"""Groups of annotators who err together that the user names for a training run: as from an audit, or refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from tiny import losses_of, make_config, make_rows, make_trainer, parameters_of

from votewise.annotators.estimate import estimate_reliability
from votewise.errors import BadInputError, NotIdentifiableError
from votewise.report.audit_files import write_audit
from votewise.sources import read_votes
from votewise.train.beginning import begin
from votewise.train.data_counts import DataCounts, lines_about
from votewise.train.training_rows import votes_of_dataset

TWO = {"two": ["ann0", "ann1"]}

ROWS = make_rows(48, votes_per_pair=3)
"""Three votes on each of 48 pairs; in these, ann0 and ann1 err together."""


def with_groups(rows: Any = ROWS) -> Any:
    """The rows with a column that says who errs together."""
    return rows.add_column("group", ["two" if who in TWO["two"] else None for who in rows["annotator"]])


def audited(folder: Path, groups: Any = None, reliability: float | None = None) -> Path:
    """An audit of the rows; with ``reliability``, as if it had found this for everybody."""
    votes = votes_of_dataset(ROWS, annotator_column="annotator")
    write_audit(folder, votes, estimate_reliability(votes, groups=groups), title=None)
    if reliability is not None:
        path = folder / "annotators.parquet"
        table = pq.read_table(path)
        where = table.column_names.index("reliability")
        pq.write_table(table.set_column(where, "reliability", pa.array([reliability] * len(table))), path)
    return folder


def test_groups_are_those_of_an_audit(tmp_path: Path) -> None:
    named = begin(ROWS, make_config(tmp_path, groups=TWO))
    audit = begin(ROWS, make_config(tmp_path, beliefs=str(audited(tmp_path / "audit", TWO))))
    mine, theirs = named.beliefs.together, audit.beliefs.together
    assert mine is not None
    assert theirs is not None
    assert mine.r.tolist() == theirs.r.tolist()
    assert 0 < mine.r[0] < 1
    assert mine.group.tolist() == theirs.group.tolist()
    assert named.in_groups == audit.in_groups == 2
    # Both have learnt from votes alone so far, before the audit's reliabilities take their place.
    assert np.ptp(named.beliefs.reliability) > 0


@pytest.mark.slow
def test_training_with_groups_is_training_from_an_audit_with_them(tmp_path: Path) -> None:
    folder = audited(tmp_path / "audit", TWO, reliability=0.8)
    runs = {
        "named": {"groups": TWO, "reliability_init": 0.8},
        "column": {"groups": "group", "reliability_init": 0.8},
        "audit": {"beliefs": str(folder)},
        "alone": {"reliability_init": 0.8},
    }
    losses = {}
    for name, settings in runs.items():
        rows = with_groups() if name == "column" else ROWS
        trainer = make_trainer(tmp_path / name, rows, reliability_update="frozen", fast_step="packed", **settings)
        trainer.train()
        losses[name] = losses_of(trainer)
    assert losses["named"] == losses["audit"] == losses["column"]
    assert losses["named"] != losses["alone"]


@pytest.mark.slow
def test_the_tables_of_a_run_have_its_groups(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, ROWS, groups=TWO)
    trainer.train()
    (group,) = trainer.estimate().groups
    assert (group.name, group.members) == ("two", 2)


@pytest.mark.slow
def test_a_resumed_run_ends_as_one_that_was_never_stopped(tmp_path: Path) -> None:
    settings = {"groups": TWO, "num_train_epochs": 2, "save_strategy": "steps", "save_steps": 4}
    whole, again = (make_trainer(tmp_path, ROWS, **settings) for _ in range(2))
    whole.train()
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert losses_of(again) == losses_of(whole)
    np.testing.assert_array_equal(again.beliefs.log_odds, whole.beliefs.log_odds)
    for name, value in parameters_of(whole.model).items():
        np.testing.assert_array_equal(parameters_of(again.model)[name].numpy(), value.numpy(), err_msg=name)


@pytest.mark.parametrize("from_file", [False, True])
def test_a_column_of_groups_that_nobody_names_is_unused(from_file: bool, tmp_path: Path) -> None:
    data: Any = with_groups()
    if from_file:
        data.to_parquet(tmp_path / "votes.parquet")
        data = read_votes(tmp_path / "votes.parquet")
    alone, named = (begin(data, make_config(tmp_path, groups=groups)) for groups in (None, "group"))
    assert (alone.unused, alone.beliefs.together) == (("group",), None)
    assert named.unused == ()
    assert named.beliefs.together is not None


def test_groups_without_a_shared_error_are_named_and_change_nothing(tmp_path: Path) -> None:
    rows = make_rows(48)  # one vote a pair
    start = begin(rows, make_config(tmp_path, groups=TWO))
    assert (start.alone, start.in_groups, start.beliefs.together) == (("two",), 0, None)
    (line,) = lines_about(DataCounts(alone=start.alone), None)
    assert line == "Err alone: the group 'two'; no error that its members share was found in these votes."


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"nobody": "gpt-*"}, "matches no annotator"),
        ({"one": "ann0"}, "has 1 annotator, 'ann0'"),
        ("family", "there is no column 'family'"),
        ({}, "no group of two annotators or more"),
        ('{"two": ["ann0", "ann1"]', "expected a column, or groups with patterns"),
        ({"two": 2}, "expected a column, or groups with patterns"),
        (["ann0", "ann1"], "expected a column, or groups with patterns"),
    ],
)
def test_groups_that_cannot_be_used_are_refused_in_one_line(groups: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        begin(ROWS, make_config(tmp_path, groups=groups))
    assert "\n" not in str(caught.value)


def test_groups_are_read_from_json(tmp_path: Path) -> None:
    assert make_config(tmp_path, groups='{"two": ["ann0", "ann1"], "x": "y*"}').groups == {**TWO, "x": "y*"}


def test_everybody_in_one_group_is_refused_as_by_an_audit(tmp_path: Path) -> None:
    votes = votes_of_dataset(ROWS, annotator_column="annotator")
    with pytest.raises(NotIdentifiableError, match="All annotators are in the group 'all'") as audit:
        estimate_reliability(votes, groups={"all": "*"})
    with pytest.raises(NotIdentifiableError) as training:
        begin(ROWS, make_config(tmp_path, groups={"all": "*"}))
    assert str(training.value) == str(audit.value)


def test_two_sources_of_groups_are_refused(tmp_path: Path) -> None:
    folder = audited(tmp_path / "with", TWO)
    with pytest.raises(BadInputError, match=r"the audit that training starts from has groups.*expected one of the two"):
        begin(ROWS, make_config(tmp_path, groups=TWO, beliefs=str(folder)))
    start = begin(ROWS, make_config(tmp_path, groups=TWO, beliefs=str(audited(tmp_path / "without"))))
    assert start.beliefs.together is not None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"one_row_per": "vote"}, "groups need votes that share their pair's truth.*one_row_per=pair"),
        ({"beliefs": "audit", "beliefs_use": "fixed"}, "groups have no effect with beliefs_use=fixed"),
    ],
)
def test_settings_that_leave_groups_without_effect_are_refused(
    settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInputError, match=message):
        make_config(tmp_path, groups=TWO, **settings)


def test_a_stream_is_refused(tmp_path: Path) -> None:
    config = make_config(tmp_path, groups=TWO, max_steps=2)
    with pytest.raises(BadInputError, match=r"rows of a stream share none.*expected data that are no stream"):
        begin(ROWS.to_iterable_dataset(), config)


def test_rankings_are_refused(tmp_path: Path) -> None:
    answers = (("w2", "w3"), ("w2", "w5"), ("w3", "w5"))
    rows = Dataset.from_list(
        [
            {
                "prompt": "w1 ",
                "chosen": better,
                "rejected": worse,
                "annotator": f"ann{k}",
                "judgement": f"judgement {k}",
            }
            for k in range(3)
            for better, worse in answers
        ]
    )
    assert votes_of_dataset(rows, annotator_column="annotator").judgement is not None
    with pytest.raises(
        BadInputError, match=r"judgements such as rankings.*expected no groups, with one annotator of each"
    ):
        begin(rows, make_config(tmp_path, groups=TWO))
