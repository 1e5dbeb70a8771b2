"""Rows are trained on as they are: their token ids are those that TRL makes of the same rows, whatever their shape."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

from datasets import Dataset  # noqa: E402
from row_shapes import SHAPES, TEMPLATES, make_bytes_model, make_bytes_tokenizer  # noqa: E402
from tiny import QUIET, make_trainer  # noqa: E402
from trl import DPOConfig, DPOTrainer  # noqa: E402

from votewise import read_votes  # noqa: E402
from votewise.errors import BadInputError  # noqa: E402

pytestmark = pytest.mark.slow

IDS = ("prompt_ids", "chosen_ids", "rejected_ids")


def dataset_of(shape: str, *, mixed: bool, times: int = 1) -> Dataset:
    """The rows of a shape, each by another annotator; ``mixed`` keeps messages as JSON, without nulls for other fields."""
    rows = [{**row, "annotator": f"ann{i}"} for i, row in enumerate(SHAPES[shape] * times)]
    return Dataset.from_list(rows, on_mixed_types="use_json" if mixed else None)


def trls(folder: Path, rows: Any, template: str, **settings: Any) -> DPOTrainer:
    quiet = {name: value for name, value in QUIET.items() if name != "write_beliefs"}
    return DPOTrainer(
        model=make_bytes_model(),
        ref_model=make_bytes_model(),
        args=DPOConfig(output_dir=str(folder), **quiet | {"max_steps": 1} | settings),
        train_dataset=rows,
        processing_class=make_bytes_tokenizer(TEMPLATES[template]),
    )


def theirs_of(rows: Any, template: str) -> list[Any]:
    """TRL's own preparation of the rows, without a trainer around it."""
    tokenizer = make_bytes_tokenizer(TEMPLATES[template])
    how = SimpleNamespace(dataset_num_proc=None, max_length=None, truncation_mode="keep_start")
    return tokens(DPOTrainer._prepare_dataset(SimpleNamespace(_tokenizer=tokenizer), rows, tokenizer, how, "train"))


def ours(folder: Path, rows: Any, template: str, **settings: Any) -> Any:
    given = {"model": make_bytes_model(), "processing_class": make_bytes_tokenizer(TEMPLATES[template])}
    return make_trainer(folder, rows, **given | {"max_steps": 1, "preference_loss": "cpo"} | settings)


def tokens(rows: Any) -> list[tuple[tuple[int, ...], ...]]:
    return [tuple(tuple(row[name]) for name in IDS) for row in rows]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("shape", SHAPES)
def test_token_ids_are_trls(shape: str, template: str, tmp_path: Path) -> None:
    """One row per vote: row by row. One row per pair: the same rows. As a stream: the same rows in the same order."""
    for mixed in (False, True):
        rows = dataset_of(shape, mixed=mixed)
        theirs = theirs_of(rows, template)
        assert tokens(ours(tmp_path, rows, template, one_row_per="vote").train_dataset) == theirs
        trainer = ours(tmp_path, rows, template)
        assert tokens(trainer.train_dataset) == theirs  # no two rows of a shape are the same pair
        assert trainer.rows.votes.n_pairs == len(rows)
        stream = rows.to_iterable_dataset()
        assert tokens(ours(tmp_path, stream, template).train_dataset) == theirs_of(stream, template)


def swapped(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "chosen": row["rejected"], "rejected": row["chosen"]}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_pair_with_most_votes_for_the_other_answer_is_trained_as_those_rows_are(shape: str, tmp_path: Path) -> None:
    """Two people out of three prefer the other answer: TRL's tokens of the swapped row, in one row per pair."""
    said = [row for row in SHAPES[shape] for _ in range(3)]
    rows = [{**(row if i % 3 == 0 else swapped(row)), "annotator": f"ann{i % 3}"} for i, row in enumerate(said)]
    both = Dataset.from_list(rows, on_mixed_types="use_json")
    theirs = theirs_of(both.select(range(1, len(rows), 3)), "system")
    trainer = ours(tmp_path, both, "system")
    assert tokens(trainer.train_dataset) == theirs
    assert len(trainer.rows.votes) == len(rows)


NOT_READ = "fields of other names"
"""An audit of a file tells no answers apart by fields that it does not know, and says so."""


def test_answers_of_a_file_that_differ_in_unknown_fields_only_are_refused(tmp_path: Path) -> None:
    rows = [{**row, "annotator": "ann"} for row in SHAPES[NOT_READ]]
    (tmp_path / "votes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(BadInputError, match=r"votes\.jsonl, row 1: the answers are equal but for 'mood'") as found:
        read_votes(tmp_path / "votes.jsonl")
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("kept_as", ["in memory", "in a file"])
def test_an_empty_answer_that_should_hold_its_prompt_has_an_empty_one(kept_as: str, tmp_path: Path) -> None:
    rows = [
        {"chosen": "w1 w2", "rejected": "", "annotator": "ann"},
        {"chosen": "w1", "rejected": "w2", "annotator": "b"},
    ]
    (tmp_path / "votes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = Dataset.from_list(rows) if kept_as == "in memory" else read_votes(tmp_path / "votes.jsonl")
    found = ours(tmp_path, given, "bare").rows.dataset.select_columns(["prompt", "chosen", "rejected"])
    assert found[0] == {"prompt": "", "chosen": "w1 w2", "rejected": ""}


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != NOT_READ])
def test_votes_of_a_file_are_trained_on_with_all_that_a_model_sees(shape: str, tmp_path: Path) -> None:
    # An audit takes texts in parts and the same texts joined for one pair.
    some = SHAPES[shape][: 1 if shape == "content in parts" else None]
    rows = [{**row, "annotator": f"ann{i}"} for i, row in enumerate(some)]
    (tmp_path / "votes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    votes = read_votes(tmp_path / "votes.jsonl")
    for template in ("tools", "thinking"):
        theirs = theirs_of(Dataset.from_list(rows, on_mixed_types="use_json"), template)
        for one_row_per in ("pair", "vote"):
            assert tokens(ours(tmp_path, votes, template, one_row_per=one_row_per).train_dataset) == theirs


def recorded(trainer: Any, resume: str | None = None) -> list[Any]:
    """The tokens of the batches of a run, in order."""
    seen = []
    collate = trainer.data_collator

    def record(examples: list[dict[str, Any]]) -> Any:
        seen.extend(tokens(examples))
        return collate(examples)

    trainer.data_collator = record
    trainer.train(resume_from_checkpoint=resume)
    return seen


SAVED = {"per_device_train_batch_size": 2, "max_steps": 3, "save_strategy": "steps", "save_steps": 1}


@pytest.mark.parametrize("streamed", [False, True], ids=["in memory", "streamed"])
def test_a_resumed_run_has_trls_batches(streamed: bool, tmp_path: Path) -> None:
    """The tokens that reach the model are TRL's, in TRL's order, whether the run is resumed or not."""
    found = {}
    for name, make in (("ours", ours), ("trl", trls)):
        for resume in (None, str(tmp_path / name / "checkpoint-2")):
            rows = dataset_of("tool calls", mixed=True, times=3)
            how = {"one_row_per": "vote"} if name == "ours" else {}
            given = rows.to_iterable_dataset() if streamed else rows
            found[name, resume is None] = recorded(make(tmp_path / name, given, "tools", **SAVED, **how), resume)
    assert found["ours", True] == found["trl", True]
    assert found["ours", False] == found["trl", False]
    assert len(found["ours", True]) >= 6
