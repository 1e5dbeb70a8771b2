"""A run that was interrupted, even by kill -9, and resumed gives the same result as one that was not, bit for bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import worker  # noqa: E402
from tiny import QUIET, losses_of, make_model, make_rows, make_tokenizer, make_trainer, parameters_of  # noqa: E402
from trl import DPOConfig, DPOTrainer  # noqa: E402

from votewise.data.votes import Votes  # noqa: E402
from votewise.errors import BadInputError  # noqa: E402
from votewise.train.checkpoints import FILE, last_whole_checkpoint, read_beliefs, save_beliefs  # noqa: E402
from votewise.train.training_beliefs import TrainingBeliefs  # noqa: E402


def finished(trainer: Any) -> dict[str, Any]:
    """Everything that a run leaves behind, as arrays."""
    found = {f"model {name}": value.numpy() for name, value in parameters_of(trainer.model).items()}
    optimiser = trainer.optimizer.state_dict()["state"]
    for i, state in optimiser.items():
        found |= {f"optimiser {i} {name}": np.asarray(value) for name, value in state.items()}
    found |= {f"beliefs {name}": value for name, value in trainer.beliefs.state().items()}
    found["confidence"] = trainer.confidence
    found["reliability"] = trainer.reliability["reliability"].to_numpy()
    found["steps"] = np.array(trainer.state.global_step)
    return found


def assert_bitwise(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    assert any(name.startswith("optimiser") for name in one)
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


@pytest.fixture(scope="module")
def graveyard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder per scenario, as its run left it when it was killed."""
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, worker.__file__, "killed", str(folder), *worker.SCENARIOS]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=dict(os.environ, PYTHONWARNINGS="ignore")
    )
    assert done.returncode == 0, done.stderr
    ends = [line.split() for line in done.stdout.splitlines() if line.split()[0] in worker.SCENARIOS]
    assert {name: int(code) for name, code in ends} == dict.fromkeys(worker.SCENARIOS, -9)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The runs that were not killed, each trained once: what they left behind, and their losses."""
    known: dict[str, Any] = {}

    def of(name: str) -> Any:
        if name not in known:
            trainer = worker.build(tmp_path_factory.mktemp(name), name)
            trainer.train()
            known[name] = finished(trainer), losses_of(trainer)
        return known[name]

    return of


@pytest.mark.slow
@pytest.mark.parametrize("scenario", worker.SCENARIOS)
def test_resuming_after_kill_9_is_as_if_nothing_had_happened(
    scenario: str, graveyard: Path, uninterrupted: Any
) -> None:
    """In the middle of a step, of the model's file, of our file, of the trainer's state, and at the end of an epoch."""
    settings, _, last = worker.SCENARIOS[scenario]
    folder = graveyard / scenario
    assert last_whole_checkpoint(folder) == str(folder / f"checkpoint-{last}")
    trainer = worker.build(folder, settings)
    trainer.train(resume_from_checkpoint=True)
    expected, losses = uninterrupted(settings)
    assert_bitwise(finished(trainer), expected)
    assert losses_of(trainer) == losses


@pytest.mark.slow
def test_resuming_counts(uninterrupted: Any, graveyard: Path) -> None:
    """The results that the tests above compare do depend on the restored state."""
    for name in ("current", "epoch", "variance"):
        beliefs = worker.build(graveyard / "none", name).beliefs
        assert not np.array_equal(uninterrupted(name)[0]["beliefs log_odds"], beliefs.log_odds)
    trainer = worker.build(graveyard / "beliefs-current", "current")
    (graveyard / "beliefs-current" / "checkpoint-6" / FILE).unlink()
    trainer.train(resume_from_checkpoint=str(graveyard / "beliefs-current" / "checkpoint-6"))
    assert not np.array_equal(finished(trainer)["beliefs log_odds"], uninterrupted("current")[0]["beliefs log_odds"])


@pytest.mark.slow
def test_an_exception_in_a_step_leaves_nothing_of_it_behind(tmp_path: Path, uninterrupted: Any) -> None:
    """The same trainer resumes after Ctrl-C from the step before; the results of the unfinished step are dropped."""
    trainer = worker.build(tmp_path, "current")
    real, seen = trainer._confidence, []

    def confidence(*args: Any) -> Any:
        seen.append(1)
        if len(seen) == 12:
            raise KeyboardInterrupt
        return real(*args)

    trainer._confidence = confidence
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    trainer.train(resume_from_checkpoint=True)
    assert_bitwise(finished(trainer), uninterrupted("current")[0])


# Checkpoints of others


def test_a_checkpoint_without_our_state_resumes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A checkpoint by TRL's DPOTrainer: weights and steps are resumed, reliabilities start anew."""
    settings = {name: value for name, value in QUIET.items() if name != "write_beliefs"}
    rows = make_rows(32)
    theirs = DPOTrainer(
        model=make_model(),
        ref_model=make_model(1),
        args=DPOConfig(str(tmp_path), **settings | {"save_strategy": "steps", "save_steps": 2, "max_steps": 2}),
        train_dataset=rows.remove_columns("annotator"),
        processing_class=make_tokenizer(),
    )
    theirs.train()
    trainer = make_trainer(tmp_path, rows, ref_model=make_model(1))
    assert last_whole_checkpoint(tmp_path) == str(tmp_path / "checkpoint-2")
    trainer.train(resume_from_checkpoint=True)
    assert trainer.state.global_step == 4
    assert trainer.beliefs.seen == 16
    assert "training continues from its weights with fresh reliabilities" in caplog.text


def test_without_any_checkpoint_it_starts_at_the_beginning(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path)
    trainer.train(resume_from_checkpoint=True)
    assert trainer.state.global_step == 2
    assert trainer.beliefs.seen == 16


def test_the_last_whole_checkpoint(tmp_path: Path) -> None:
    """By number, skipping incomplete checkpoints and other folders."""
    for name, state in (
        ("checkpoint-9", "{}"),
        ("checkpoint-10", "{}"),
        ("checkpoint-11", '{"epoch": 0.'),
        ("checkpoint-12", None),
        ("checkpoint-13", ""),
        ("checkpoint-best", "{}"),
        ("other-14", "{}"),
    ):
        (tmp_path / name).mkdir()
        if state is not None:
            (tmp_path / name / "trainer_state.json").write_text(state)
    assert last_whole_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")
    assert last_whole_checkpoint(tmp_path / "nowhere") is None


# Our file


def beliefs(pairs: int = 4) -> TrainingBeliefs:
    found = TrainingBeliefs(Votes.from_arrays(np.arange(pairs), np.arange(pairs) % 2, np.ones(pairs)))
    found.absorb(np.arange(2), np.array([0.5, -1.0]), np.array([1.0, 2.0]))
    return found


def test_beliefs_come_back_as_they_were(tmp_path: Path) -> None:
    one, other = beliefs(), TrainingBeliefs(beliefs().votes)
    save_beliefs(tmp_path / "checkpoint-1", one)
    read_beliefs(tmp_path / "checkpoint-1", other)
    for name, value in one.state().items():
        np.testing.assert_array_equal(value, other.state()[name])
    assert [path.name for path in (tmp_path / "checkpoint-1").iterdir()] == [FILE]


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_damaged_file_is_refused(keep: float, tmp_path: Path) -> None:
    save_beliefs(tmp_path, beliefs())
    data = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(data[: int(keep * len(data))])
    with pytest.raises(BadInputError, match=f"{FILE}: is damaged.*an earlier checkpoint"):
        read_beliefs(tmp_path, beliefs())


def test_a_file_with_parts_missing_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / FILE, log_odds=np.zeros(2))
    with pytest.raises(BadInputError, match="is damaged"):
        read_beliefs(tmp_path, beliefs())


def test_beliefs_of_other_votes_are_refused(tmp_path: Path) -> None:
    save_beliefs(tmp_path, beliefs(6))
    with pytest.raises(BadInputError, match="2 annotators and 6 pairs, the data have 2 and 4"):
        read_beliefs(tmp_path, beliefs())


def test_a_failed_write_leaves_the_file_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_beliefs(tmp_path, beliefs())
    before = (tmp_path / FILE).read_bytes()

    def fail(file: Any, **arrays: Any) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("votewise.train.checkpoints.np.savez", fail)
    with pytest.raises(KeyboardInterrupt):
        save_beliefs(tmp_path, beliefs())
    assert (tmp_path / FILE).read_bytes() == before


def test_checkpoints_keep_the_settings(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, save_strategy="steps", save_steps=2, reliability_prior="beta:5,2")
    trainer.train()
    folder = tmp_path / "checkpoint-2"
    arguments = torch.load(folder / "training_args.bin", weights_only=False)
    assert arguments.reliability_prior == "beta:5,2"
    assert json.loads((folder / "trainer_state.json").read_text())["global_step"] == 2
    assert (folder / FILE).is_file()
