"""Benchmarks are run by lm-evaluation-harness; its figures are written to evaluation.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from votewise.errors import BadInputError
from votewise.evaluate.benchmark_figures import BenchmarkResult, figures_of
from votewise.evaluate.benchmarks import (
    BenchmarkSettings,
    model_arguments,
    record_benchmarks,
    run_benchmarks,
)
from votewise.evaluate.record import FILE, read_results

TASK = """
task: tiny_choice
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: answer
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""

RESULTS: dict[str, Any] = {
    "results": {
        "mmlu": {"acc,none": 0.61, "acc_stderr,none": 0.004, "alias": "mmlu"},
        "mmlu_anatomy": {"acc,none": 0.5, "acc_stderr,none": 0.04},
        "gsm8k": {
            "exact_match,strict-match": 0.33,
            "exact_match_stderr,strict-match": 0.01,
            "exact_match,flexible-extract": 0.35,
            "exact_match_stderr,flexible-extract": "N/A",
        },
    },
    "n-samples": {"gsm8k": {"original": 1319, "effective": 1319}},
    "n-shot": {"gsm8k": 5},
    "versions": {"gsm8k": 3.0},
}


def test_figures_of_the_tasks_with_their_standard_errors() -> None:
    found = figures_of(RESULTS, ["mmlu", "gsm8k"])
    assert [(f.task, f.metric, f.filter, f.value, f.standard_error, f.headline) for f in found] == [
        ("mmlu", "acc", "none", 0.61, 0.004, True),
        ("gsm8k", "exact_match", "strict-match", 0.33, 0.01, True),
        ("gsm8k", "exact_match", "flexible-extract", 0.35, None, False),
    ]


def test_an_adapter_is_loaded_on_its_base_model(tmp_path: Path) -> None:
    assert model_arguments("org/model") == {"pretrained": "org/model"}
    config = tmp_path / "adapter_config.json"
    config.write_text(json.dumps({"base_model_name_or_path": "org/base"}), "utf-8")
    assert model_arguments(str(tmp_path)) == {"pretrained": "org/base", "peft": str(tmp_path)}
    config.write_text("{}", "utf-8")
    with pytest.raises(BadInputError, match="does not name the base model"):
        model_arguments(str(tmp_path))


def test_tasks_of_several_runs_are_kept(tmp_path: Path) -> None:
    for task in ("mmlu", "gsm8k"):
        record_benchmarks(tmp_path / FILE, BenchmarkResult("m", (), {task: {"figures": {}}}))
    assert list(read_results(tmp_path / FILE)["benchmark"]["m"]) == ["mmlu", "gsm8k"]


def test_without_the_harness_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(BadInputError, match=r"pip install 'votewise\[eval\]'"):
        run_benchmarks("m", ["mmlu"])


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("lm_eval", reason="lm_eval is not installed: votewise[eval]")
    folder = tmp_path_factory.mktemp("tasks")
    rows = [{"question": f"w{i} w{i + 1}", "choices": ["w1", "w2 w3"], "answer": i % 2} for i in range(8)]
    data = folder / "rows.json"
    data.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    (folder / "tiny.yaml").write_text(TASK.format(data=data), "utf-8")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from small import language_model

    return language_model(tmp_path_factory.mktemp("model"), chat=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the harness' own
def test_a_task_is_run_and_its_figures_are_those_of_the_harness(
    tasks: Path, model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The accuracy is computed again, from likelihoods by transformers."""
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    settings = BenchmarkSettings(include=tasks, device="cpu", batch_size=4, limit=6)
    result = run_benchmarks(str(model), ["tiny_choice"], settings)
    [figure] = result.figures
    assert (figure.metric, figure.filter) == ("acc", "none")
    expected = accuracy_by_hand(model, tasks / "rows.json", 6)
    assert figure.value == pytest.approx(expected)
    assert figure.standard_error == pytest.approx((expected * (1 - expected) / 5) ** 0.5)
    told = result.tasks["tiny_choice"]
    assert (told["examples"], told["few_shot"]) == (6, 0)
    assert told["figures"]["acc,none"] == {"value": figure.value, "standard_error": figure.standard_error}


def accuracy_by_hand(model: Path, data: Path, limit: int) -> float:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    policy, tokenizer = AutoModelForCausalLM.from_pretrained(model), AutoTokenizer.from_pretrained(model)
    right = 0
    for line in data.read_text("utf-8").splitlines()[:limit]:
        row = json.loads(line)
        scores = []
        for choice in row["choices"]:
            prompt = tokenizer(row["question"])["input_ids"]
            whole = torch.tensor([prompt + tokenizer(choice, add_special_tokens=False)["input_ids"]])
            with torch.no_grad():
                logs = policy(whole).logits.log_softmax(-1)
            scores.append(sum(logs[0, i - 1, whole[0, i]].item() for i in range(len(prompt), whole.shape[1])))
        right += int(scores[row["answer"]] == max(scores))
    return right / limit


@pytest.mark.filterwarnings("default")
def test_a_missing_model_is_an_error_of_one_line(tasks: Path) -> None:
    with pytest.raises(BadInputError, match="cannot run the benchmarks") as error:
        run_benchmarks(str(tasks / "nothing"), ["tiny_choice"], BenchmarkSettings(include=tasks, device="cpu"))
    assert "\n" not in str(error.value)
    with pytest.raises(BadInputError, match="is not a folder"):
        run_benchmarks("m", ["x"], BenchmarkSettings(include=tasks / "nothing"))
