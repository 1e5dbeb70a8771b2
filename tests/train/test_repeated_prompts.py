"""A prompt in plain text beside conversations that begin with it is the same prompt, not another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from datasets import Dataset, DatasetDict
from tiny import as_chat, make_rows, make_tokenizer, make_trainer

from votewise.errors import BadInputError
from votewise.train.repeated_prompts import without_repeated_prompt


def conversations(system: bool = False) -> tuple[Dataset, list[str]]:
    """Rows whose answers are whole conversations, and their prompts as texts."""
    rows = as_chat(make_rows(8)).to_list()
    before = [{"role": "system", "content": "w3"}] if system else []
    whole = [
        {**row, **{side: [*before, *row["prompt"], *row[side]] for side in ("chosen", "rejected")}} for row in rows
    ]
    return Dataset.from_list(whole).remove_columns("prompt"), [row["prompt"][0]["content"] for row in rows]


@pytest.mark.parametrize("system", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_tokens_are_those_without_the_column(streamed: bool, system: bool, tmp_path: Path) -> None:
    rows, prompts = conversations(system)
    found = []
    for given in (rows, rows.add_column("prompt", prompts)):
        data = given.to_iterable_dataset() if streamed else given
        settings: dict[str, Any] = {"processing_class": make_tokenizer(chat=True), "max_steps": 1}
        trainer = make_trainer(tmp_path, data, eval_dataset={"held out": given}, **settings)
        found.append([[row[f"{n}_ids"] for n in ("prompt", "chosen", "rejected")] for row in trainer.train_dataset])
        found.append([row["chosen_ids"] for row in trainer.eval_dataset["held out"]])
    assert len(found[0]) == 8
    assert found[:2] == found[2:]


@pytest.mark.parametrize("streamed", [False, True])
def test_another_text_is_refused(streamed: bool, tmp_path: Path) -> None:
    rows, prompts = conversations()
    prompts[3] = "w0"
    given = rows.add_column("prompt", prompts)
    with pytest.raises(
        BadInputError, match="train_dataset, row 4, column 'prompt': is a text, and chosen and rejected"
    ):
        list(without_repeated_prompt(given.to_iterable_dataset() if streamed else given, "train_dataset"))


@pytest.mark.parametrize("rows", [None, make_rows(4), as_chat(make_rows(4)), DatasetDict(one=make_rows(4)), "a name"])
def test_other_rows_stay_as_they_are(rows: Any) -> None:
    changed = without_repeated_prompt(rows, "eval_dataset")
    assert changed == rows if isinstance(rows, dict) else changed is rows
    assert type(changed) is type(rows)
