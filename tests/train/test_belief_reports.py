"""What is logged about beliefs while a model is trained, and the histograms that reporters get."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny import make_model, make_rows, make_trainer  # noqa: E402
from transformers import TrainerCallback  # noqa: E402

from votewise.data.votes import Votes  # noqa: E402
from votewise.train.belief_reports import EDGES  # noqa: E402
from votewise.train.metrics import BINS, RunningBins, bins_of  # noqa: E402
from votewise.train.running_beliefs import BeliefSettings  # noqa: E402
from votewise.train.streamed_beliefs import StreamedBeliefs  # noqa: E402
from votewise.train.training_beliefs import TrainingBeliefs  # noqa: E402


class Writer:
    """TensorBoard's writer, as far as histograms need it."""

    def __init__(self) -> None:
        self.found: list[tuple[str, dict[str, Any]]] = []

    def add_histogram_raw(self, tag: str, **kwargs: Any) -> None:
        self.found.append((tag, kwargs))


class Board(TrainerCallback):
    def __init__(self, writer: Any) -> None:
        self.tb_writer = writer


class WandbCallback(TrainerCallback):
    """Known by its name, as transformers' own."""


class TrackioCallback(TrainerCallback):
    """Known by its name, as transformers' own."""


class Tracker(ModuleType):
    """``wandb`` or ``trackio``, as far as histograms need them."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.run = SimpleNamespace(name="a run")
        self.logged: list[dict[str, Any]] = []

    def Histogram(self, *, np_histogram: Any) -> Any:  # noqa: N802 - its name there
        return SimpleNamespace(counts=np_histogram[0], edges=np_histogram[1])

    def log(self, values: dict[str, Any]) -> None:
        self.logged.append(values)


def accelerator() -> Any:
    return SimpleNamespace(reduce=lambda tensor, reduction: tensor)


def test_bins_are_those_of_numpy_and_start_again_after_reading() -> None:
    values = np.random.default_rng(0).random(500)
    bins = RunningBins()
    assert bins.read(accelerator()) is None
    for part in np.array_split(values, 3):
        bins.add(torch.tensor(part))
    bins.add(torch.tensor([0.0, 1.0]))
    assert bins.read(accelerator()).tolist() == bins_of(np.append(values, [0.0, 1.0])).tolist()
    assert bins.read(accelerator()) is None


def test_the_noise_rate_weighs_annotators_by_their_decided_votes() -> None:
    votes = Votes.from_arrays([0, 1, 2, 2, 3], [0, 0, 0, 1, 1], [1, -1, 1, 1, 0])
    beliefs = TrainingBeliefs(votes, BeliefSettings())
    beliefs.start_at(np.array([0.9, 0.6]))
    assert beliefs.votes_of_each.tolist() == [3, 1]
    assert beliefs.noise_rate == pytest.approx((3 * 0.1 + 1 * 0.4) / 4)
    weighted = Votes.from_arrays([0, 1, 2], [0, 0, 1], [1, -1, 1], weight=[0.5, 0, 2])
    assert TrainingBeliefs(weighted, BeliefSettings()).votes_of_each.tolist() == [0.5, 2]


def test_the_noise_rate_of_a_stream_is_that_of_the_votes_so_far() -> None:
    beliefs = StreamedBeliefs(BeliefSettings(update="frozen"))
    assert np.isnan(beliefs.noise_rate)
    beliefs.start_at({"ann": 0.8, "bob": 0.5})
    beliefs.absorb(["ann", "bob", "ann"], np.zeros(3))
    beliefs.absorb(["ann", "cleo"], np.zeros(2), weights=np.array([1.0, 0.5]))
    assert beliefs.votes_of_each.tolist() == [3, 1, 0.5]
    assert beliefs.noise_rate == pytest.approx((3 * 0.2 + 1 * 0.5 + 0.5 * (1 - BeliefSettings.init)) / 4.5)
    again = StreamedBeliefs(BeliefSettings(update="frozen"))
    again.load(beliefs.state())
    assert again.votes_of_each.tolist() == [3, 1, 0.5]


def test_numbers_in_the_log(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, make_rows(32), ref_model=make_model(1), beta=1.0, logging_steps=2)
    weights: list[Any] = []
    real = trainer._confidence
    trainer._confidence = lambda *args: weights.append(real(*args)) or weights[-1]
    trainer.train()
    entry = next(e for e in reversed(trainer.state.log_history) if "loss" in e)
    last = torch.cat(weights[-2:]).double()
    assert entry["confidence/effective"] == pytest.approx(float(((2 * last - 1) ** 2).mean()), rel=1e-4)
    beliefs = trainer.beliefs
    for q in (10, 50, 90):
        assert entry[f"reliability/q{q}"] == pytest.approx(np.quantile(beliefs.reliability, q / 100))
    votes = np.bincount(trainer.rows.votes.annotator, minlength=3)
    assert entry["noise_rate"] == pytest.approx(float(votes @ (1 - beliefs.reliability)) / votes.sum())


def test_reporters_get_native_histograms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb, trackio, writer = Tracker("wandb"), Tracker("trackio"), Writer()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setitem(sys.modules, "trackio", trackio)
    callbacks = [Board(writer), WandbCallback(), TrackioCallback()]
    trainer = make_trainer(tmp_path, make_rows(32), logging_steps=2, callbacks=callbacks)
    trainer.train()
    assert [(tag, entry["global_step"]) for tag, entry in writer.found] == [
        (f"train/{name}/histogram", step) for step in (2, 4) for name in ("confidence", "reliability")
    ]
    confidence, reliability = (entry for _, entry in writer.found[-2:])
    assert confidence["num"] == sum(confidence["bucket_counts"]) == 16, "the rows since the last log step"
    assert reliability["bucket_counts"] == bins_of(trainer.beliefs.reliability).tolist()
    assert confidence["min"] <= confidence["sum"] / 16 <= confidence["max"]
    assert len(confidence["bucket_limits"]) == BINS
    for package in (wandb, trackio):
        assert [values["train/global_step"] for values in package.logged] == [2, 4]
        drawn = package.logged[-1]["train/confidence/histogram"]
        assert drawn.counts.tolist() == confidence["bucket_counts"]
        assert drawn.edges.tolist() == EDGES.tolist()


def test_tensorboards_own_files_hold_the_histograms(tmp_path: Path) -> None:
    """Written by transformers' own reporter and read back from the event files."""
    reason = "tensorboard is not installed, which the real writer needs"
    pytest.importorskip("tensorboard", reason=reason)
    files = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason=reason)
    trainer = make_trainer(tmp_path, make_rows(32), logging_steps=2, report_to="tensorboard")
    counts: list[Any] = []
    real = trainer._bins.read
    trainer._bins.read = lambda accelerator: counts.append(real(accelerator)) or counts[-1]
    trainer.train()
    (folder,) = {path.parent for path in tmp_path.rglob("events.out.tfevents.*")}
    found = files.EventAccumulator(str(folder), size_guidance={files.HISTOGRAMS: 0})
    found.Reload()
    assert [event.step for event in found.Histograms("train/confidence/histogram")] == [2, 4]
    for event, expected in zip(found.Histograms("train/confidence/histogram"), counts, strict=True):
        drawn = event.histogram_value
        assert drawn.num == sum(drawn.bucket) == 16
        assert list(drawn.bucket) == expected.tolist()
        assert list(drawn.bucket_limit) == pytest.approx(EDGES[1:].tolist())
    last = found.Histograms("train/reliability/histogram")[-1].histogram_value
    assert list(last.bucket) == bins_of(trainer.beliefs.reliability).tolist()


def test_a_reporter_that_fails_is_named_once_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Writer):
        def add_histogram_raw(self, tag: str, **kwargs: Any) -> None:
            self.found.append((tag, kwargs))
            raise OSError("disk full")

    other, broken = Writer(), Broken()
    trainer = make_trainer(tmp_path, make_rows(32), callbacks=[Board(broken), WandbCallback()])
    later = Board(other)
    later.__class__ = type("Later", (Board,), {})
    trainer.add_callback(later)
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    trainer.train()
    assert trainer.state.global_step == 4
    said = [record.message for record in caplog.records if "no histograms" in record.message]
    assert [line.removeprefix("[RANK 0] ") for line in said] == [
        "Board gets no histograms of beliefs: OSError: disk full"
    ]
    assert len(broken.found) == 1
    assert len(other.found) == 2 * 4


def test_trackers_without_a_run_or_histograms_get_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idle, bare = Tracker("wandb"), ModuleType("trackio")
    idle.run = None  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "wandb", idle)
    monkeypatch.setitem(sys.modules, "trackio", bare)
    trainer = make_trainer(tmp_path, make_rows(8), callbacks=[WandbCallback(), TrackioCallback()])
    trainer.train()
    assert idle.logged == []
