"""Evaluations from Python: results with tables, files only when asked for, every judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from contest_files import answers, comparison, write
from scripted import said, scripted_server

import votewise
from votewise.errors import BadInputError
from votewise.evaluate import benchmarks
from votewise.evaluate.benchmark_figures import BenchmarkFigure, BenchmarkResult
from votewise.evaluate.record import read_results
from votewise.language_models.endpoint import Endpoint
from votewise.workflows.progress import NoProgress


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    return [comparison(i, winner="a" if i % 4 else "b") for i in range(40)]


def everything_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_win_rate_needs_no_files(rows: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = votewise.evaluate_win_rate(rows, length_controlled=True)
    assert found.result is not None
    assert found.result.rate.value == found.figures["win_rate"]["value"] == 0.75
    assert found.contests is not None
    assert found.contests.num_rows == 40
    assert found.files == ()
    assert everything_in(tmp_path) == []
    again = votewise.evaluate_win_rate(found.contests, model="old")
    assert again.figures["win_rate"]["value"] == 0.25


def test_a_table_is_named_in_the_results(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    files = votewise.evaluate_win_rate(pa.Table.from_pylist(rows), out=tmp_path / "out", report=False).files
    assert [file.name for file in files] == ["evaluation.json", "new-against-old.parquet"]
    [found] = read_results(files[0])["win_rate"].values()
    assert found["settings"]["source"] == "a table"


def test_a_matrix_has_a_row_for_every_ordered_pair(rows: list[dict[str, Any]]) -> None:
    found = votewise.evaluate_matrix(rows)
    assert found.win_rates is not None
    assert found.win_rates.select(["model", "opponent", "win_rate"]).to_pylist() == [
        {"model": "new", "opponent": "old", "win_rate": 0.75},
        {"model": "old", "opponent": "new", "win_rate": 0.25},
    ]
    assert found.contests is not None
    assert found.contests.num_rows == 40
    assert found.figures["models"] == ["new", "old"]


def test_a_language_model_judges_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with scripted_server(lambda request, _: said("Verdict: 1")) as server:
        named = votewise.evaluate_win_rate(answers("new", 3), answers("old", 3), llm_judge="m", base_url=server.url)
        given = votewise.evaluate_matrix([answers("new", 3), answers("old", 3)], llm_judge=Endpoint("m", server.url))
        assert len(server.requests) == 12
    assert named.figures["ties"] == 3
    assert given.figures["matchups"][0]["swaps"]["disagreement"] == 1
    assert everything_in(tmp_path) == []


def test_a_dry_run_counts_the_work_and_asks_nobody(tmp_path: Path) -> None:
    judge = {"llm_judge": "m", "base_url": "http://localhost:1/v1"}
    found = votewise.evaluate_win_rate(
        answers("new", 3),
        answers("old", 3),
        out=tmp_path / "out",
        dry_run=True,
        **judge,  # type: ignore[arg-type]
    )
    assert (found.work.replies, found.work.scores) == (6, None)
    assert (found.result, found.contests, found.figures, found.files) == (None, None, {}, ())
    several = [answers(name, 3) for name in ("x", "y", "z")]
    assert votewise.evaluate_matrix(several, reward_model="org/reward", dry_run=True).work.scores == 9
    assert everything_in(tmp_path) == []


def test_an_interruption_says_where_the_verdicts_are(tmp_path: Path) -> None:
    class Impatient(NoProgress):
        def count(self, what: str, done: int, total: int, tokens: int, seconds: float) -> None:
            if done == 2:
                raise KeyboardInterrupt

    each = write(tmp_path / "a.jsonl", answers("new", 3)), write(tmp_path / "b.jsonl", answers("old", 3))
    with scripted_server(lambda request, _: said("Verdict: tie")) as server:
        judge = Endpoint("m", server.url, concurrency=1)
        with pytest.raises(KeyboardInterrupt) as stopped:
            votewise.evaluate_win_rate(*each, llm_judge=judge, out=tmp_path / "out", progress=Impatient())
        [note] = stopped.value.__notes__
        assert str(tmp_path / "out" / "new-against-old.parquet.journal") in note
        votewise.evaluate_win_rate(*each, llm_judge=judge, out=tmp_path / "out", report=False)
    assert everything_in(tmp_path / "out") == ["evaluation.json", "new-against-old.parquet"]


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "two judges": ({"column": "winner", "reward_model": "r"}, "column: another judge is given, too: a reward model"),
    "soft for a column": ({"soft": True}, "soft: applies only if a reward model is the judge"),
    "a server for an endpoint": ({"llm_judge": Endpoint("m"), "base_url": "http://x"}, "base_url: applies only if"),
    "difficulty for nothing": ({"difficulty": "d.csv"}, "difficulty: is used only for the length-controlled win rate"),
    "an impossible level": ({"level": 95}, r"level: out of range, got 95 \(expected a number between 0 and 1\)"),
    "the same model twice": ({"model": "new", "baseline": "new"}, "baseline: is the evaluated model, 'new', too"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_name_the_parameter(case: str, rows: list[dict[str, Any]]) -> None:
    options, message = MISTAKES[case]
    with pytest.raises(BadInputError, match=f"^{message}"):
        votewise.evaluate_win_rate(rows, **options)


def test_arena_hard_goes_out_and_comes_back_without_files(tmp_path: Path) -> None:
    questions = [{"uid": f"u{i}", "prompt": f"prompt {i}"} for i in range(4)]
    out = votewise.export_arena_hard(answers("mine", 3), questions=questions)
    assert out.table["uid"].to_pylist() == ["u0", "u1", "u2"]
    assert (out.missing, out.unknown, out.files) == (1, 0, ())
    games = [{"score": "B>A"}, {"score": "A=B"}]
    judged = write(tmp_path / "j.jsonl", [{"uid": "u0", "model": "mine", "baseline": "base", "games": games}])
    back = votewise.import_arena_hard(judged, questions=questions)
    assert back.table["label"].to_pylist() == ["a"]
    assert back.scores == {"mine": 0.75}
    assert back.files == ()


def test_benchmarks_are_a_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    figure = BenchmarkFigure("gsm8k", "exact_match", "strict-match", 0.25, None, True)

    def run(model: str, tasks: list[str], settings: benchmarks.BenchmarkSettings) -> BenchmarkResult:
        assert (tasks, settings.batch_size) == (["gsm8k", "mmlu"], 8)
        return BenchmarkResult(model, (figure,), {})

    monkeypatch.setattr(benchmarks, "run_benchmarks", run)
    for tasks in ("gsm8k, mmlu", ["gsm8k", "mmlu"]):
        assert votewise.evaluate_benchmark(tasks, model="m", batch_size="8").table.to_pylist() == [vars(figure)]
    with pytest.raises(BadInputError, match=r"^batch_size: not a number, got 'many'"):
        votewise.evaluate_benchmark("gsm8k", model="m", batch_size="many")
