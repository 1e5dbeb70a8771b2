"""Streams: votes that are known only once they arrive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

from scipy.special import expit, logit  # noqa: E402
from tiny import make_model, make_rows, make_trainer, parameters_of  # noqa: E402

from votewise.data.votes import Votes  # noqa: E402
from votewise.errors import BadInputError  # noqa: E402
from votewise.train.growing import GrowingArray  # noqa: E402
from votewise.train.running_beliefs import BeliefSettings, WorseThanChanceError  # noqa: E402
from votewise.train.streamed_beliefs import SOMEBODY, StreamedBeliefs  # noqa: E402
from votewise.train.training_beliefs import TrainingBeliefs  # noqa: E402

pytestmark = pytest.mark.slow
"""Each is fast; together they take four seconds."""

TRUE = np.array([0.95, 0.9, 0.6, 0.2])
NAMES = np.array(["ann", "bob", "eve", "joe"])


def simulated(n: int = 4000) -> tuple[Any, Any]:
    """Annotators, and margins that their choices are better, of size 3 and right in 95 of 100 cases."""
    rng = np.random.default_rng(0)
    who = rng.integers(0, 4, n)
    right = rng.random(n) < TRUE[who]
    return who, np.where(right, 1, -1) * np.where(rng.random(n) < expit(3.0), 3.0, -3.0)


def fed(beliefs: StreamedBeliefs, who: Any, margins: Any, batch: int = 64) -> StreamedBeliefs:
    for start in range(0, len(who), batch):
        some = slice(start, start + batch)
        beliefs.absorb(NAMES[who[some]].tolist(), margins[some])
    return beliefs


def by_name(beliefs: StreamedBeliefs) -> Any:
    return np.array([beliefs.reliability[beliefs.names.index(name)] for name in NAMES])


def test_reliabilities_are_found_as_votes_arrive() -> None:
    """1,000 votes each: 0.06 is more than 3.5 standard errors, so chance fails this once in 500 seeds; this one is fixed."""
    found = by_name(fed(StreamedBeliefs(BeliefSettings()), *simulated()))
    np.testing.assert_allclose(found, TRUE, atol=0.06)


def test_a_stream_ends_where_known_votes_end() -> None:
    who, margins = simulated(640)
    streamed = fed(StreamedBeliefs(BeliefSettings()), who, margins)
    known = TrainingBeliefs(Votes.from_arrays(np.arange(640), who, np.ones(640)), BeliefSettings())
    for start in range(0, 640, 64):
        known.absorb(np.arange(start, start + 64), margins[start : start + 64])
    np.testing.assert_allclose(by_name(streamed), known.reliability, atol=0.01)


def test_appending_moves_each_value_about_once() -> None:
    """In place of copying everything in every step: room is made as many times as n has doublings."""
    array, rooms = GrowingArray(np.empty(0)), set()
    for i in range(3000):
        array.append([float(i)])
        rooms.add(array.values.ctypes.data)
    np.testing.assert_array_equal(array.values, np.arange(3000.0))
    assert len(rooms) <= np.log2(3000) + 2
    array.append([])
    array.append(np.arange(7000.0))
    assert len(array) == len(array.values) == 10_000
    array.values[:3] = 5
    assert array.values[:4].tolist() == [5, 5, 5, 3]


def test_a_step_of_a_stream_copies_nothing_that_was_there() -> None:
    """Between two estimates: the values of earlier steps stay where they are, unless there is no room."""
    who, margins = simulated(2000)
    beliefs = StreamedBeliefs(BeliefSettings(update="frozen"))
    places: dict[str, set[int]] = {name: set() for name in ("first", "annotator", "weight")}
    for start in range(0, 2000, 4):
        fed(beliefs, who[start : start + 4], margins[start : start + 4], batch=4)
        for name, found in places.items():
            found.add(getattr(beliefs, name).ctypes.data)
    assert all(len(found) <= np.log2(2000) + 2 for found in places.values())
    np.testing.assert_array_equal(beliefs.first, margins)
    assert beliefs.seen == 2000


def test_momentum_is_that_of_the_paper() -> None:
    beliefs = StreamedBeliefs(BeliefSettings(margins="current", init=0.8, momentum=0.3))
    beliefs.absorb(["ann", "ann", "bob"], np.array([1.0, -2.0, 0.5]))
    ann, bob = expit(np.array([1.0, -2.0]) + logit(0.8)).mean(), expit(0.5 + logit(0.8))
    np.testing.assert_allclose(beliefs.reliability, 0.7 * 0.8 + 0.3 * np.array([ann, bob]))


def test_newcomers_start_where_they_are_known_to_be() -> None:
    beliefs = StreamedBeliefs(BeliefSettings(update="frozen", init=0.8))
    beliefs.start_at({"ann": 0.6})
    np.testing.assert_allclose(beliefs.evidence_for(["ann", "new"]), logit([0.6, 0.8]))
    beliefs.absorb(["new", "ann"], np.array([3.0, -3.0]))
    np.testing.assert_allclose(beliefs.reliability, [0.8, 0.6])


def test_state_goes_through_a_checkpoint() -> None:
    who, margins = simulated(300)
    one = fed(StreamedBeliefs(BeliefSettings()), who[:200], margins[:200])
    other = StreamedBeliefs(BeliefSettings())
    other.load({name: np.array(value) for name, value in one.state().items()})
    for beliefs in (one, other):
        fed(beliefs, who[200:], margins[200:])
    np.testing.assert_array_equal(one.log_odds, other.log_odds)
    assert one.names == other.names
    assert one.seen == other.seen == 300


def test_a_hostile_stream_is_stopped() -> None:
    who, margins = simulated(1000)
    with pytest.raises(WorseThanChanceError):
        fed(StreamedBeliefs(BeliefSettings()), who, -margins)


def test_what_a_stream_cannot_do_is_refused() -> None:
    with pytest.raises(BadInputError, match="epoch"):
        StreamedBeliefs(BeliefSettings(update="epoch"))
    known = TrainingBeliefs(Votes.from_arrays([0], [0], [1]))
    with pytest.raises(BadInputError, match="known votes"):
        StreamedBeliefs(BeliefSettings()).load(known.state())


@pytest.mark.parametrize("column", ["annotator", None], ids=["named", "nobody named"])
def test_a_stream_trains(column: str | None, tmp_path: Path) -> None:
    rows = make_rows(32)
    stream = (rows if column else rows.remove_columns("annotator")).to_iterable_dataset()
    trainer = make_trainer(tmp_path, stream, max_steps=4, preference_loss="cpo", write_beliefs=True)
    before = parameters_of(trainer.model)
    trainer.train()
    assert any((before[name] != value).any() for name, value in parameters_of(trainer.model).items())
    assert trainer.beliefs.seen == 4 * trainer.args.train_batch_size
    names = set(rows["annotator"]) if column else {SOMEBODY}
    assert set(trainer.reliability["annotator"].to_pylist()) <= names
    assert trainer.confidence.shape == (trainer.beliefs.seen,)
    assert (tmp_path / "annotators.parquet").is_file()


def test_a_resumed_stream_ends_as_one_that_was_never_stopped(tmp_path: Path) -> None:
    ends = []
    for resume in (False, True):
        stream = make_rows(64).to_iterable_dataset()
        settings = {"max_steps": 6, "save_strategy": "steps", "save_steps": 3, "preference_loss": "cpo"}
        trainer = make_trainer(tmp_path, stream, model=make_model(), **settings)
        trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-3") if resume else None)
        ends.append((parameters_of(trainer.model), trainer.beliefs.state()))
    for name, value in ends[0][0].items():
        assert torch.equal(value, ends[1][0][name]), name
    for name, value in ends[0][1].items():
        np.testing.assert_array_equal(value, ends[1][1][name])
