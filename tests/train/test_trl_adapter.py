"""TRL's private parts are used in one file, which notices at import when one of them is gone, changed, or called no more."""

from __future__ import annotations

import ast
import dataclasses
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
import trl
from packaging.requirements import Requirement
from tiny import make_rows, make_trainer
from trl import DPOTrainer
from trl.trainer import dpo_trainer

import votewise
from votewise.errors import BadInputError, VotewiseError
from votewise.train import trl_guard
from votewise.train.training_rows import ROW

SOURCES = Path(votewise.__file__).parent


def test_the_installed_trl_has_everything() -> None:
    trl_guard.check_trl()


def test_the_package_asks_for_the_versions_that_are_tested() -> None:
    wanted = next(r for r in requires("votewise") or [] if r.startswith("trl"))
    bounds = Requirement(wanted).specifier
    assert trl_guard.LOWEST in bounds
    assert trl_guard.NEWEST in bounds
    older = f"{trl_guard.LOWEST.rsplit('.', 2)[0]}.{int(trl_guard.LOWEST.split('.')[1]) - 1}.0"
    assert older not in bounds


def test_no_other_file_imports_from_below_trl() -> None:
    """``from trl import X`` is public; ``from trl.somewhere import X`` belongs into the adapter."""
    found = [
        f"{path.name}: {node.module}"
        for path in SOURCES.rglob("*.py")
        if path.name != "trl_adapter.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("trl.")
    ]
    assert found == []


def test_no_other_file_overrides_or_reads_what_is_private_in_trl() -> None:
    private = {n for n in vars(DPOTrainer) if n.startswith("_") and not n.startswith("__")} | {
        name for name in trl_guard.READ if name.startswith("_")
    }
    found = [
        f"{path.name}: {name}"
        for path in (SOURCES / "train").glob("*.py")
        if path.name != "trl_adapter.py"
        for node in ast.walk(ast.parse(path.read_text()))
        for name in [getattr(node, "attr", None) or (path.name == "trainer.py" and getattr(node, "name", None))]
        if name in private - {"_tag_names"}  # which is there to be set
    ]
    assert found == []


def _lacks(message: str) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        trl_guard.check_trl()
    line = str(caught.value)
    assert "\n" not in line
    assert f"TRL {trl.__version__}" in line
    assert f"trl>={trl_guard.LOWEST},<={trl_guard.NEWEST}" in line


def test_a_method_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(DPOTrainer, "_compute_loss")
    _lacks(r"DPOTrainer\._compute_loss is gone")


def test_a_method_with_other_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(self: Any, model: Any, batch: Any, return_outputs: bool) -> None: ...

    monkeypatch.setattr(DPOTrainer, "_compute_loss", changed)
    _lacks(r"DPOTrainer\._compute_loss has no parameter inputs")


def test_a_method_that_nothing_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """TRL would then train with its own loss, and no error would tell."""

    def compute_loss(self: Any, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
        return self._loss_of_batch(model, inputs)

    monkeypatch.setattr(DPOTrainer, "compute_loss", compute_loss)
    _lacks(r"nothing calls DPOTrainer\._compute_loss any more")


def test_an_attribute_under_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trl_guard, "READ", (*trl_guard.READ, "_total_tokens_trained_on"))
    _lacks("DPOTrainer has no attribute _total_tokens_trained_on any more")


def test_a_helper_that_is_gone_or_takes_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dpo_trainer, "use_adapter", lambda model, name: None)
    _lacks(r"trl\.trainer\.dpo_trainer\.use_adapter has no parameter adapter_name")
    monkeypatch.delattr(dpo_trainer, "use_adapter")
    _lacks(r"trl\.trainer\.dpo_trainer\.use_adapter is gone")


def test_several_problems_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(dpo_trainer, "use_adapter")
    monkeypatch.delattr(dpo_trainer, "disable_gradient_checkpointing")
    _lacks(r"disable_gradient_checkpointing is gone \(and 1 more\)")


def test_importing_the_trainer_says_it_in_one_line() -> None:
    """As a program sees it: the public name of the trainer, with a TRL that lacks something."""
    code = (
        "import trl.trainer.dpo_trainer as t; del t.use_adapter\n"
        "from votewise.errors import BadInputError\n"
        "try:\n    from votewise.train import RobustPreferenceTrainer\n"
        "except BadInputError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"votewise does not work with TRL {trl.__version__}: ")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("collator_keeps", [True, False])
def test_training_stops_where_no_margin_reaches_the_beliefs(tmp_path: Path, collator_keeps: bool) -> None:
    trainer = make_trainer(tmp_path, make_rows(8), max_steps=2)
    inner = trainer.data_collator

    def without_rows(examples: list[dict[str, Any]]) -> dict[str, Any]:
        return {name: value for name, value in inner(examples).items() if name != ROW}

    if collator_keeps:
        trainer.train()
        assert trainer.beliefs.seen
        return
    trainer.data_collator = without_rows
    with pytest.raises(VotewiseError, match="No margin of the first step reached the beliefs") as caught:
        trainer.train()
    assert "\n" not in str(caught.value)
    assert trainer.state.global_step <= 1


def test_weights_that_are_no_numbers_are_told_before_the_first_step(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, make_rows(8), max_steps=2)
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(float("nan"))
    with pytest.raises(BadInputError, match="gives log-probabilities that are not finite on the first batch"):
        trainer.train()


def test_training_stops_where_all_margins_are_broken(tmp_path: Path) -> None:
    """After a first batch that was well: by a gradient of the loss, a number format or a device."""
    trainer = make_trainer(tmp_path, make_rows(8), max_steps=2)
    trainer.loss = dataclasses.replace(trainer.loss, closed_margin=lambda chosen, rejected: chosen.gain * float("nan"))
    with pytest.raises(VotewiseError, match="they are not finite"):
        trainer.train()


def test_a_first_step_of_weight_zero_is_no_reason_to_stop(tmp_path: Path) -> None:
    rows = make_rows(16).add_column("weight", [0.0] * 8 + [1.0] * 8)
    trainer = make_trainer(tmp_path, rows.to_iterable_dataset(), max_steps=2)
    trainer.train()
    assert trainer.beliefs.seen == 8
