"""Answers go out to AlpacaEval, and the verdicts of its judge come back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from contest_files import write

from votewise import export_alpaca_eval, read_votes
from votewise.errors import BadInputError
from votewise.evaluate.answers import one_model, read_answers
from votewise.evaluate.read_comparisons import read_comparisons


@pytest.fixture
def answers(tmp_path: Path) -> str:
    rows = [{"prompt": f"ask {i}", "answer": f"# so **it** is {i}", "model": "org/mine"} for i in range(3)]
    rows += [{"prompt": "ask 3", "answer": None, "model": "org/mine", "error": "timeout"}]
    rows += [{"prompt": "something else", "answer": "well", "model": "org/mine"}]
    return write(tmp_path / "answers.jsonl", rows)


def test_alpaca_eval_gets_its_four_columns_and_reads_back(answers: str, tmp_path: Path) -> None:
    done = export_alpaca_eval(answers, out=tmp_path / "model_outputs.json")
    assert (len(done.table), done.failed) == (4, 1)
    rows = json.loads(done.files[0].read_text("utf-8"))
    assert rows == done.table.to_pylist() == export_alpaca_eval(answers).table.to_pylist()
    assert rows[0] == {
        "dataset": "votewise", "instruction": "ask 0", "output": "# so **it** is 0", "generator": "org/mine",
    }  # fmt: skip
    assert one_model(read_answers(done.files[0])).answers == one_model(read_answers(answers)).answers
    with pytest.raises(BadInputError, match=r"ending in \.json\)"):
        export_alpaca_eval(answers, out=tmp_path / "outputs.jsonl")


def test_verdicts_of_alpaca_eval_on_an_export_are_read(answers: str, tmp_path: Path) -> None:
    """Annotations as AlpacaEval writes them: output_2 is the model's answer, preference 2 means that it wins."""
    outputs = export_alpaca_eval(answers).table.to_pylist()
    said = [
        {"instruction": row["instruction"], "output_1": "base", "generator_1": "base", "output_2": row["output"],
         "generator_2": row["generator"], "annotator": "judge", "preference": preference}
        for row, preference in zip(outputs, (2.0, 1.0, 1.5, 1.9), strict=True)
    ]  # fmt: skip
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(said), "utf-8")
    found = read_comparisons(path)
    assert found.model_a == ["org/mine"] * 4
    np.testing.assert_allclose(found.preference, [1.0, 0.0, 0.5, 0.9])
    assert read_votes(path).annotator_ids.to_pylist() == ["judge"]


def test_a_conversation_is_refused(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    path = write(tmp_path / "talk.jsonl", [{"prompt": talk, "answer": "so", "model": "m"}])
    with pytest.raises(BadInputError, match="conversation of 3 messages"):
        export_alpaca_eval(path, out=tmp_path / "x.json")
