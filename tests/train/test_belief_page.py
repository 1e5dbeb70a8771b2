"""``beliefs.html``: what the trainer puts on it, and when it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny import make_model, make_rows, make_trainer  # noqa: E402

import votewise.train.belief_page as belief_page  # noqa: E402
from votewise.train.belief_page import settings_of, view_of  # noqa: E402


def trained(folder: Path, **settings: Any) -> Any:
    trainer = make_trainer(folder, make_rows(32), ref_model=make_model(1), beta=1.0, **settings)
    trainer.train()
    return trainer


def test_it_is_written_at_each_save_and_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    real = belief_page.write_beliefs_report

    def record(path: Any, view: Any, **kwargs: Any) -> Path:
        steps.append(view.step[0])
        return real(path, view, **kwargs)

    monkeypatch.setattr(belief_page, "write_beliefs_report", record)
    trained(tmp_path, save_strategy="steps", save_steps=3, write_beliefs=True)
    assert steps == [3, 4, 4], "at the step of each checkpoint, the last one included, and at the end"
    assert "step 4 of 4" in (tmp_path / "beliefs.html").read_text()


def test_no_beliefs_no_page(tmp_path: Path) -> None:
    trained(tmp_path, save_strategy="steps", save_steps=2, write_beliefs=False)
    assert (tmp_path / "checkpoint-2").is_dir()
    assert not (tmp_path / "beliefs.html").exists()


def test_a_page_that_fails_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise OSError("disk full")

    monkeypatch.setattr(belief_page, "write_beliefs_report", fail)
    assert trained(tmp_path, write_beliefs=True).state.global_step == 4
    assert any("beliefs.html was not written: OSError: disk full" in record.message for record in caplog.records)


def test_the_view_is_that_of_the_current_beliefs(tmp_path: Path) -> None:
    trainer = trained(tmp_path)
    view, beliefs = view_of(trainer), trainer.beliefs
    assert view.reliability.tolist() == beliefs.reliability.tolist()
    assert view.names == beliefs.votes.annotator_ids.to_pylist()
    assert view.noise_rate == pytest.approx(beliefs.noise_rate)
    assert [entry["step"] for entry in view.history] == [1, 2, 3, 4]
    assert view.history[-1]["lowest"] == beliefs.reliability.min()
    assert view.facts["rows trained on"] == 32


def test_confidence_so_far_is_that_of_training_at_first_margins(tmp_path: Path) -> None:
    """In one epoch every row is seen once, so with frozen beliefs both are the same, row by row."""
    trainer = make_trainer(
        tmp_path,
        make_rows(32, votes_per_pair=2),
        ref_model=make_model(1),
        beta=1.0,
        reliability_update="frozen",
        temperature="0.5",
    )
    found: dict[int, float] = {}
    real = trainer._confidence

    def record(losses: Any, who: Any) -> Any:
        weight = real(losses, who)
        found.update(zip(who, weight.tolist(), strict=True))
        return weight

    trainer._confidence = record
    assert len(trainer.confidence_so_far()) == 0
    trainer.train()
    np.testing.assert_allclose(trainer.confidence_so_far(), [found[row] for row in sorted(found)], rtol=1e-5)


def test_confidence_so_far_of_a_stream(tmp_path: Path) -> None:
    trainer = make_trainer(
        tmp_path,
        make_rows(16).to_iterable_dataset(),
        ref_model=make_model(1),
        beta=1.0,
        max_steps=2,
        reliability_update="frozen",
    )
    found: list[float] = []
    real = trainer._confidence
    trainer._confidence = lambda *args: found.extend((w := real(*args)).tolist()) or w
    trainer.train()
    assert len(found) == 16
    np.testing.assert_allclose(trainer.confidence_so_far(), found, rtol=1e-5)
    assert view_of(trainer).rows is None


def test_only_settings_that_act_are_stated(tmp_path: Path) -> None:
    from tiny import make_config

    plain = settings_of(make_config(tmp_path))
    assert (plain["preference_loss"], plain["beta"], plain["objective"]) == ("dpo", 0.1, "weighted")
    assert not {"simpo_gamma", "cpo_alpha", "sft_weight", "label_smoothing", "holder_gamma"} & set(plain)
    simpo = settings_of(make_config(tmp_path, preference_loss="simpo", simpo_gamma=0.5, sft_weight=0.2))
    assert (simpo["simpo_gamma"], simpo["sft_weight"]) == (0.5, 0.2)
    assert settings_of(make_config(tmp_path, objective="rdpo", label_smoothing=0.1))["label_smoothing"] == 0.1
