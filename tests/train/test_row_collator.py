"""The numbers of rows stay on the host: a micro-batch reads nothing back from the device."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

from tiny import losses_of, make_rows, make_trainer, parameters_of  # noqa: E402

from votewise.train.row_collator import RowCollator  # noqa: E402
from votewise.train.training_rows import ROW  # noqa: E402

pytestmark = pytest.mark.slow

READS = ("tolist", "item", "cpu", "numpy", "__bool__", "__int__", "__float__", "__index__", "__array__", "__iter__")
"""Methods of a tensor that wait until its values are there."""

DISPATCHED = {"accelerator_config": {"dispatch_batches": True}}


def reads_of(trainer: Any, monkeypatch: pytest.MonkeyPatch) -> list[Counter[str]]:
    """What each micro-batch of a run reads back within ``batch_loss``."""
    counts: list[Counter[str]] = []
    inside: list[bool] = []
    for name in READS:
        real = getattr(torch.Tensor, name)

        def counted(self: Any, *args: Any, real: Any = real, name: str = name, **kwargs: Any) -> Any:
            if inside:
                counts[-1][name] += 1
            return real(self, *args, **kwargs)

        monkeypatch.setattr(torch.Tensor, name, counted)
    loss = trainer.batch_loss

    def batch_loss(*args: Any) -> Any:
        counts.append(Counter())
        inside.append(True)
        found = loss(*args)
        inside.clear()
        return found

    trainer.batch_loss = batch_loss
    trainer.train()
    monkeypatch.undo()
    return counts


@pytest.mark.parametrize("streamed", [False, True], ids=["in memory", "streamed"])
@pytest.mark.parametrize("fast_step", ["shared", "packed"])
def test_a_micro_batch_reads_nothing_back(
    fast_step: str, streamed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first one, by which the way of scoring is checked. Without the fast step transformers reads its masks."""
    rows = make_rows(32).add_column("weight", [1.0, 2.0] * 16)
    settings = {"fast_step": fast_step, "preference_loss": "cpo", "gradient_accumulation_steps": 2, "max_steps": 4}
    settings |= {"per_device_train_batch_size": 4, "logging_steps": 100}
    trainer = make_trainer(tmp_path, rows.to_iterable_dataset() if streamed else rows, **settings)
    _, *later = reads_of(trainer, monkeypatch)
    assert len(later) == 7
    assert [sum(count.values()) for count in later] == [0] * 7, later


def test_numbers_are_read_back_where_accelerate_hands_out_tensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same result; and the counter of the other test does see what is read."""
    settings = {"preference_loss": "cpo", "fast_step": "off", "per_device_train_batch_size": 4}
    found = {}
    for name, how in (("held", {}), ("dispatched", DISPATCHED)):
        trainer = make_trainer(tmp_path, **settings, **how)
        reads = reads_of(trainer, monkeypatch)
        found[name] = losses_of(trainer), parameters_of(trainer.model), trainer.beliefs.first
        assert all(count["tolist"] == (name == "dispatched") for count in reads)
    held, dispatched = found["held"], found["dispatched"]
    assert held[0] == dispatched[0]
    assert (held[2] == dispatched[2]).all()
    assert all(torch.equal(value, dispatched[1][name]) for name, value in held[1].items())


@pytest.mark.parametrize("dispatched", [False, True])
def test_the_kind_of_numbers(dispatched: bool) -> None:
    collate = RowCollator(lambda examples: {"input_ids": torch.zeros(len(examples), 2)}, dispatched=dispatched)
    found = collate([{ROW: 3}, {ROW: 1}])[ROW]
    assert isinstance(found, torch.Tensor) == dispatched
    assert list(found) == [3, 1]
