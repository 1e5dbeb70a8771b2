"""Commands that work with AlpacaEval, Arena-Hard and lm-evaluation-harness."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from votewise.evaluate import benchmarks
from votewise.evaluate.benchmark_figures import BenchmarkFigure, BenchmarkResult
from votewise.evaluate.record import FILE, read_results

End = Callable[..., int]
Shown = pytest.CaptureFixture[str]


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    rows = [{"prompt": f"ask {i}", "answer": f"it is {i}", "model": m} for m in ("mine", "base") for i in range(3)]
    return lines(tmp_path / "answers.jsonl", rows)


def test_to_alpaca_eval(end: End, answers: Path, tmp_path: Path, capsys: Shown) -> None:
    out = tmp_path / "outputs.json"
    assert end("evaluate", "export", "alpaca-eval", answers, "--model", "base", "--out", out) == 0
    assert capsys.readouterr().out.splitlines()[0] == "3 answers"
    assert {row["generator"] for row in json.loads(out.read_text("utf-8"))} == {"base"}
    assert end("evaluate", "export", "alpaca-eval", answers, "--out", out) == 2
    assert "holds answers of 2 models" in capsys.readouterr().err


def test_to_arena_hard_and_back_to_a_win_rate(end: End, answers: Path, tmp_path: Path, capsys: Shown) -> None:
    questions = lines(tmp_path / "question.jsonl", [{"uid": f"u{i}", "prompt": f"ask {i}"} for i in range(4)])
    folder, judged, figures = tmp_path / "model_answer", tmp_path / "judged.parquet", tmp_path / "evaluation"
    for model in ("mine", "base"):
        end("evaluate", "export", "arena-hard", answers, "--model", model, "--questions", questions, "--out", folder)
    assert "3 answers, 1 questions have no answer" in capsys.readouterr().out
    said = [
        {"uid": f"u{i}", "judge": "gpt", "model": "mine", "baseline": "base", "games": [{"score": one}, {"score": two}]}
        for i, (one, two) in enumerate([("B>A", "A>>B"), ("A>B", "B>A"), ("A=B", "A=B")])
    ]
    judgments = lines(tmp_path / "mine.jsonl", said)
    end(
        "evaluate", "import", "arena-hard", judgments, "--questions", questions, "--answers", folder / "mine.jsonl",
        "--answers", folder / "base.jsonl", "--out", judged, "--results", figures / FILE,
    )  # fmt: skip
    assert "mine: 62.5% by Arena-Hard's own score" in capsys.readouterr().out
    assert read_results(figures / FILE)["arena_hard"]["mine"]["score"] == 5 / 8
    assert end("evaluate", "win-rate", judged, "--out", figures, "--no-report", "--quiet") == 0
    [found] = read_results(figures / FILE)["win_rate"].values()
    assert found["win_rate"]["value"] == 0.5


def test_benchmarks_reach_evaluation_json(
    end: End, tmp_path: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def harness(model: str, tasks: list[str], settings: benchmarks.BenchmarkSettings) -> BenchmarkResult:
        assert settings.batch_size == 8
        assert settings.few_shot == 3
        figure = BenchmarkFigure("gsm8k", "exact_match", "strict-match", 0.25, 0.01, True)
        return BenchmarkResult(model, (figure,), {task: {"figures": {"x": 1}} for task in tasks})

    monkeypatch.setattr(benchmarks, "run_benchmarks", harness)
    words = ("evaluate", "benchmark", "mmlu, gsm8k", "--model", "m", "--out", tmp_path, "--batch-size", 8)
    assert end(*words, "--few-shot", 3) == 0
    assert (
        "gsm8k  exact_match (strict-match): 0.2500 ± 0.0100  <- the figure that papers report"
        in capsys.readouterr().out
    )
    assert list(read_results(tmp_path / FILE)["benchmark"]["m"]) == ["mmlu", "gsm8k"]
