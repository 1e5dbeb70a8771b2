"""A dry run reports what a trainer then does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny import (  # noqa: E402
    as_chat,
    make_config,
    make_model,
    make_rows,
    make_tokenizer,
    make_trainer,
)
from trl import ModelConfig, get_peft_config  # noqa: E402

from votewise.train.inspection import count_steps, describe_left_out, missing_rows  # noqa: E402
from votewise.train.memory import Load, count_parameters, estimate_memory  # noqa: E402
from votewise.train.token_lengths import Lengths, measure_lengths  # noqa: E402
from votewise.train.training_rows import training_rows, votes_of_dataset  # noqa: E402

LENGTHS = Lengths(*(np.array(x) for x in ([2, 5, 9, 10], [1, 5, 1, 1], [3, 4, 1, 9])))


@pytest.mark.parametrize("chat", [False, True])
def test_lengths_are_those_of_the_trainer(tmp_path: Path, chat: bool) -> None:
    rows = as_chat(make_rows()) if chat else make_rows()
    tokenizer = make_tokenizer(chat)
    trainer = make_trainer(tmp_path, rows, processing_class=tokenizer, max_length=None)
    lengths = measure_lengths(trainer.rows.dataset, tokenizer, trainer.args)
    for name in ("prompt", "chosen", "rejected"):
        assert getattr(lengths, name).tolist() == [len(ids) for ids in trainer.train_dataset[f"{name}_ids"]]


def test_lengths_by_hand() -> None:
    assert LENGTHS.sequence.tolist() == [5, 10, 10, 19]
    assert LENGTHS.too_long(9).tolist() == [2, 3]
    assert LENGTHS.of(np.array([3, 1])).chosen.tolist() == [1, 5]
    assert LENGTHS.too_long(None).size == 0


@pytest.mark.parametrize("per_vote", [False, True])
def test_rows_left_out_are_those_that_the_trainer_lacks(tmp_path: Path, per_vote: bool) -> None:
    source = make_rows(6, votes_per_pair=2).to_list()
    for row in source[4:6]:  # the third pair, rows 5 and 6
        row["prompt"] = "w1 " * 9
    rows = type(make_rows()).from_list(source)
    unit = "vote" if per_vote else "pair"
    trainer = make_trainer(tmp_path, rows, max_length=8, one_row_per=unit)
    lengths = measure_lengths(trainer.rows.dataset, make_tokenizer(), trainer.args)
    gone = missing_rows(trainer.rows, trainer.train_dataset)
    assert gone.tolist() == lengths.too_long(8).tolist() == ([4, 5] if per_vote else [2])
    said = describe_left_out(trainer.rows, gone, 8)
    assert said is not None
    assert said.startswith("2 of 12 rows are left out" if per_vote else "1 of 6 row is left out")
    assert said.endswith("source rows 5, 6" if per_vote else "source row 5")


def test_many_rows_left_out_are_counted_and_the_first_named() -> None:
    votes = votes_of_dataset(make_rows(16), annotator_column="annotator")
    rows = training_rows(votes, one_row_per="pair")
    assert describe_left_out(rows, np.arange(0), 8) is None
    assert str(describe_left_out(rows, np.arange(3, 15), 8)).endswith("source rows 4, 5, 6, 7, 8 and 7 more")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"gradient_accumulation_steps": 3},
        {"num_train_epochs": 2.5, "gradient_accumulation_steps": 2},
        {"max_steps": 2},
        {"dataloader_drop_last": True},
    ],
)
def test_steps_are_those_of_the_trainer(tmp_path: Path, settings: dict[str, Any]) -> None:
    trainer = make_trainer(tmp_path, make_rows(21), per_device_train_batch_size=4, **settings)
    steps = count_steps(21, trainer.args, processes=1)
    trainer.train()
    assert trainer.state.global_step == trainer.state.max_steps == steps.total
    if "max_steps" not in settings:
        batches = 5 if settings.get("dataloader_drop_last") else 6
        assert steps.epoch == int(np.ceil(batches / trainer.args.gradient_accumulation_steps))


def test_steps_of_several_processes(tmp_path: Path) -> None:
    config = make_config(tmp_path, per_device_train_batch_size=4, gradient_accumulation_steps=2, num_train_epochs=3)
    steps = count_steps(33, config, processes=2)
    assert (steps.epoch, steps.total, steps.batch) == (3, 9, 16)


def test_parameters_are_counted_without_weights() -> None:
    model = make_model()
    everything = sum(p.numel() for p in model.parameters())
    assert count_parameters(model.config) == (everything, everything)
    peft_config = get_peft_config(ModelConfig(use_peft=True, lora_r=4, lora_target_modules=["q_proj", "o_proj"]))
    adapters = 2 * 2 * 4 * (32 + 32)  # layers x modules x rank x (in + out)
    assert count_parameters(model.config, peft_config) == (everything + adapters, adapters)


def memory(
    tmp_path: Path, parameters: tuple[int, int], own_reference: bool = False, shards: int = 1, **settings: Any
) -> Any:
    names = ("dtype", "load_in_4bit")
    model = ModelConfig(**{name: settings.pop(name) for name in names if name in settings})
    config = make_model().config
    load = Load(parameters, tokens=100, own_reference=own_reference, shards=shards)
    return estimate_memory(config, make_config(tmp_path, **settings), model, load)


def test_memory_by_hand(tmp_path: Path) -> None:
    plain = memory(tmp_path, (1000, 1000), own_reference=True)
    assert (plain.weights, plain.gradients, plain.optimizer, plain.reference) == (4000, 4000, 8000, 4000)
    assert plain.activations == 100 * 2 * (11 * 32 + 4 * 64) * 4, "two layers, 32 wide and 64 within, 4 bytes a number"
    assert plain.total == 4000 + 4000 + 8000 + 4000 + plain.activations
    half = memory(tmp_path, (1000, 1000), dtype="bfloat16")
    assert (half.weights, half.optimizer, half.reference) == (2000, 4000, 0)
    adapters = memory(tmp_path, (1000, 10), dtype="bfloat16")
    assert (adapters.weights, adapters.gradients, adapters.optimizer) == (990 * 2 + 10 * 4, 40, 80)
    assert memory(tmp_path, (1000, 10), load_in_4bit=True).weights == 990 / 2 + 40
    assert memory(tmp_path, (1000, 1000), shards=4, own_reference=True).reference == 1000
    assert memory(tmp_path, (1000, 1000), optim="sgd").optimizer == 0
    assert memory(tmp_path, (1000, 1000), optim="adamw_8bit").optimizer == 2000
    checkpointed = memory(tmp_path, (1000, 1000), gradient_checkpointing=True)
    assert checkpointed.activations == 100 * (2 * 32 + 11 * 32 + 4 * 64) * 4
