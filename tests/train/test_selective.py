"""Selective DPO keeps the rows that models which never saw them find easiest."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tiny import make_rows, make_trainer  # noqa: E402

from votewise.errors import BadInputError  # noqa: E402
from votewise.train.selective import easiest, held_out_losses, pair_losses  # noqa: E402
from votewise.train.training_rows import ROW  # noqa: E402


def test_the_easiest_rows_from_easy_to_hard() -> None:
    loss = [0.7, 0.1, 0.9, 0.1, 0.5, np.inf]
    assert easiest(loss, 0.5).tolist() == [1, 3, 4]
    assert easiest(loss, 1.0).tolist() == [1, 3, 4, 0, 2, 5]
    assert easiest(loss, 0.01).tolist() == [1]


@pytest.mark.parametrize(
    ("loss", "share", "said"),
    [
        ([1.0], 0.0, "share of rows to keep, got 0.0 .expected above 0 and at most 1"),
        ([1.0], 1.1, "share of rows to keep, got 1.1"),
        ([1.0, np.nan], 0.5, "the loss of row 2 is not a number"),
        ([], 0.5, "there are no rows"),
    ],
)
def test_what_cannot_be_sorted_is_refused(loss: Any, share: float, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        easiest(loss, share)


def test_losses_of_pairs_are_those_of_an_evaluation(tmp_path: Path) -> None:
    """In the order of the rows, whatever the size of batches; their mean is what ``evaluate`` reports."""
    rows = make_rows(11, reliability=(1.0,), seed=4)
    trainer = make_trainer(tmp_path, per_device_eval_batch_size=4)
    trainer.train()
    found = pair_losses(trainer, rows)
    assert found.shape == (11,)
    assert found.std() > 0.01
    one_by_one = [pair_losses(trainer, rows.select([i]))[0] for i in (0, 5, 10)]
    np.testing.assert_allclose(found[[0, 5, 10]], one_by_one, atol=1e-5)
    whole = make_trainer(tmp_path, model=trainer.model, ref_model=trainer.ref_model, per_device_eval_batch_size=11)
    assert whole.evaluate(rows.remove_columns("annotator"))["eval_loss"] == pytest.approx(found.mean(), abs=1e-5)
    assert trainer._heard is None


def test_no_row_is_measured_by_a_model_that_saw_it() -> None:
    """Both halves of every halving, and the mean over halvings."""
    from datasets import Dataset

    rows = Dataset.from_dict({"prompt": [str(i) for i in range(9)], "chosen": ["a"] * 9, "rejected": ["b"] * 9})
    seen: list[set[str]] = []

    def train(some: Any) -> Any:
        seen.append(set(some["prompt"]))
        return _Counting(len(seen), seen[-1])

    found = held_out_losses(rows, train, splits=2, seed=1)
    assert [len(part) for part in seen] == [4, 5, 4, 5]
    assert not seen[0] & seen[1]
    assert seen[0] | seen[1] == {str(i) for i in range(9)}
    for i, value in enumerate(found):
        by = [number for number, part in enumerate(seen, 1) if str(i) not in part]
        assert len(by) == 2
        assert value == np.mean(by)


def test_rows_of_one_prompt_stay_together() -> None:
    from datasets import Dataset

    rows = Dataset.from_dict({"prompt": list("aabbccdd"), "chosen": ["x"] * 8, "rejected": ["y"] * 8})
    assert held_out_losses(rows, lambda some: _Counting(1, set(some["prompt"])), splits=4).tolist() == [1.0] * 8


class _Counting:
    """Stands for a trainer whose losses are its number; fails on rows that it was trained on."""

    def __init__(self, number: int, seen: set[str]) -> None:
        self.number, self.seen = number, seen
        self.accelerator = SimpleNamespace(num_processes=1)
        self.heard: list[Any] = []

    def losses_heard(self) -> Any:
        from contextlib import nullcontext

        return nullcontext(self.heard)

    def evaluate(self, rows: Any) -> None:
        assert not self.seen & set(rows["prompt"])
        self.heard.append(torch.full((len(rows),), float(self.number)))


def test_several_processes_and_lost_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="measured in one process, got 2"):
        pair_losses(SimpleNamespace(accelerator=SimpleNamespace(num_processes=2)), make_rows(2))
    with pytest.raises(BadInputError, match="1 prompt and 3 halvings"):
        held_out_losses(make_rows(1), lambda rows: None)


def test_training_keeps_the_easiest_rows_in_their_order(tmp_path: Path) -> None:
    rows = make_rows(16)
    loss = np.random.default_rng(0).permutation(16) / 10
    trainer = make_trainer(tmp_path, rows.add_column("held_out_loss", loss), keep_easiest=0.5)
    wanted = [rows["prompt"][i] for i in easiest(loss, 0.5)]
    assert list(trainer.rows.dataset["prompt"]) == wanted
    assert trainer.args.train_sampling_strategy == "sequential"
    assert trainer.data_counts.unused == ()
    first = next(iter(trainer.get_train_dataloader()))
    assert len(trainer.beliefs.votes) == 8
    assert list(first[ROW]) == list(range(8))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"keep_easiest": 0.5}, "has no column held_out_loss, which keep_easiest sorts by"),
        ({"keep_easiest": 0.0}, "keep_easiest, got 0.0 .expected above 0 and at most 1"),
        ({"loss_column": "hard"}, "loss_column has no effect without keep_easiest"),
    ],
)
def test_rows_without_losses_are_refused(settings: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=said):
        make_trainer(tmp_path, **settings)


def test_a_stream_has_no_easiest_rows(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="keep_easiest sorts all rows before training, got 'IterableDataset'"):
        make_trainer(tmp_path, make_rows().to_iterable_dataset(), keep_easiest=0.5, max_steps=1)


@pytest.mark.slow
def test_wrong_votes_are_harder(tmp_path: Path) -> None:
    """128 pairs, a quarter of their votes wrong: most of the easier half is right.

    Over 6 other seeds the share of wrong votes in the kept half was 0.09 to 0.16, mean 0.13; a random half passes in 3% of
    draws.
    """
    rows = make_rows(128, reliability=(1.0,), seed=3)
    wrong = np.arange(128) % 4 == 0
    flipped = [
        {**row, "chosen": row["rejected"], "rejected": row["chosen"]} if w else row
        for row, w in zip(rows, wrong, strict=True)
    ]
    from datasets import Dataset

    rows = Dataset.from_list(flipped)

    def train(some: Any) -> Any:
        trainer = make_trainer(tmp_path, some, objective="plain", num_train_epochs=3)
        trainer.train()
        return trainer

    kept = easiest(held_out_losses(rows, train, splits=1), 0.5)
    assert wrong[kept].mean() < 0.18
