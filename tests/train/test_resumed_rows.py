"""A resumed run sees the rows that it would have seen without the interruption: same tokens, order, answers and weights.

Everything of the training is real but the model's work in a step: data, loaders, checkpoints, and where a run resumes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

from datasets import Dataset  # noqa: E402
from row_shapes import SHAPES, TEMPLATES, make_bytes_model, make_bytes_tokenizer  # noqa: E402
from tiny import make_trainer, parameters_of  # noqa: E402

from votewise.train.training_rows import ROW  # noqa: E402

pytestmark = pytest.mark.slow

SAVED = {"per_device_train_batch_size": 2, "save_strategy": "steps", "save_steps": 1, "preference_loss": "cpo"}
PLACES = ("input_ids", "attention_mask", "completion_mask")
WEIGHTS = [1.0, 0.5, 2.0]

BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["in memory", "streamed"])


def weighted(shape: str, number: int = 7) -> Dataset:
    """Rows of a shape by several annotators with several weights; a number that no batch size divides."""
    rows = SHAPES[shape] * number
    rows = [{**rows[i], "annotator": f"ann{i}", "weight": WEIGHTS[i % 3]} for i in range(number)]
    return Dataset.from_list(rows, on_mixed_types="use_json")


def prepared(folder: Path, shape: str, template: str, *, streamed: bool, number: int = 7, **settings: Any) -> Any:
    rows = weighted(shape, number)
    settings = SAVED | ({"max_steps": 6} if streamed else {"num_train_epochs": 2, "one_row_per": "vote"}) | settings
    given = {"model": make_bytes_model(), "processing_class": make_bytes_tokenizer(TEMPLATES[template])}
    return make_trainer(folder, rows.to_iterable_dataset() if streamed else rows, **given, **settings)


def seen_rows(trainer: Any, resume: str | None = None, *, work: bool = False) -> list[Any]:
    """The rows that reach each step of a run, with their weights; ``work`` trains on them, too."""
    found: list[Any] = []
    real = trainer.training_step

    def step(model: Any, inputs: Any, number: Any = None) -> Any:
        loss = real(model, inputs, number) if work else torch.zeros(())
        weight = trainer._votes.weight(inputs[ROW], torch.zeros(()))  # None if all are 1
        rows = zip(*(inputs[name].tolist() for name in PLACES), strict=True)
        found.append((list(rows), [1.0] * len(inputs[ROW]) if weight is None else weight.tolist()))
        return loss

    trainer.training_step = step
    if not work:  # nothing of the model is saved or read
        trainer._save = trainer._load_from_checkpoint = lambda *args, **kwargs: None
    trainer.train(resume_from_checkpoint=resume)
    return found


@BOTH
@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_resumed_run_sees_the_rows_of_one_that_was_not_stopped(
    shape: str, template: str, streamed: bool, tmp_path: Path
) -> None:
    """Two passes of four steps in memory; of a stream six steps, of which the last two are in its second pass."""
    whole = seen_rows(prepared(tmp_path, shape, template, streamed=streamed))
    assert len(whole) == (6 if streamed else 8)
    assert len({weight for _, weights in whole for weight in weights}) == 3
    for done in (1, 5):
        trainer = prepared(tmp_path, shape, template, streamed=streamed)
        assert seen_rows(trainer, str(tmp_path / f"checkpoint-{done}")) == whole[done:]


SPANS = {(1, False): (6, 2, 5), (1, True): (6, 2, 10), (2, False): (5, 2, 5), (2, True): (8, 3, 14)}
"""Micro-batches per step, streamed -> micro-batches in all, those after the checkpoint, and rows trained on."""


@BOTH
@pytest.mark.parametrize("accumulated", [1, 2])
@pytest.mark.parametrize("shape", ["conversations", "tools", "reasoning"])
def test_a_resumed_run_ends_as_one_that_was_not_stopped(
    shape: str, accumulated: int, streamed: bool, tmp_path: Path
) -> None:
    """With the model's work: the same weights, beliefs and counts, in passes of three micro-batches.

    Of a stream, whose length nobody knows, an optimiser step may span two passes.
    """
    settings = {"gradient_accumulation_steps": accumulated, "max_steps": 6 // accumulated, "learning_rate": 0.1}
    found = []
    for resume in (None, str(tmp_path / f"checkpoint-{4 // accumulated}")):
        trainer = prepared(tmp_path, shape, "system", streamed=streamed, number=5, **settings)
        rows = seen_rows(trainer, resume, work=True)
        found.append((rows, parameters_of(trainer.model), trainer.beliefs.first, trainer.data_counts))
    (rows, weights, first, counts), (rows_after, weights_after, first_after, counts_after) = found
    assert (len(rows), len(rows_after), counts.trained) == SPANS[accumulated, streamed]
    assert rows_after == rows[-len(rows_after) :]
    assert all(torch.equal(value, weights_after[name]) for name, value in weights.items())
    assert (first == first_after).all()
    assert counts == counts_after
