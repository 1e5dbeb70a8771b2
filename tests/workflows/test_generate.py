"""votewise.generate in memory and with files; backends are tested in tests/generate."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import Reply, Scripted, refused, said, scripted_server

import votewise
from votewise.errors import BadInputError


@pytest.fixture
def server() -> Iterator[Scripted]:
    def answer(request: dict[str, Any], before: int) -> Reply:
        text = request["messages"][-1]["content"]
        return refused(400, "too rude") if text == "rude" else said(f"{request['model']}: {text}")

    with scripted_server(answer) as found:
        yield found


def at(server: Scripted) -> dict[str, Any]:
    return {"backend": "endpoint", "base_url": server.url, "retries": 0}


def test_texts_are_answered_in_memory(server: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = votewise.generate(["one", "rude", "two", "one"], model="m", **at(server))
    assert result.answers.to_pylist() == [
        {"prompt": "one", "answer": "m: one", "model": "m", "error": None, "tokens": 3},
        {"prompt": "rude", "answer": None, "model": "m", "error": "status 400: too rude", "tokens": None},
        {"prompt": "two", "answer": "m: two", "model": "m", "error": None, "tokens": 3},
    ]
    assert (result.answered, result.failed, result.errors) == ({"m": 2}, {"m": 1}, {"status 400: too rude": 1})
    assert (result.comparisons, result.files) == (None, ())
    assert list(tmp_path.iterdir()) == []


def test_comparisons_can_be_scored_without_a_file(server: Scripted) -> None:
    result = votewise.generate(["one", "rude"], model=["m", "n"], **at(server))
    assert result.comparisons.to_pylist() == [
        {"prompt": "one", "model_a": "m", "model_b": "n", "response_a": "m: one", "response_b": "n: one"}
    ]
    assert len(votewise.score(result.comparisons, reward_model="m", dry_run=True).job.pairs) == 1


def test_files_are_those_of_the_tables(server: Scripted, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    result = votewise.generate(["one", "two"], model=["m", "n"], out=tmp_path / "a.parquet", **at(server))
    assert result.files == (tmp_path / "a.parquet", tmp_path / "a-comparisons.parquet")
    assert [pq.read_table(file) for file in result.files] == [result.answers, result.comparisons]


def test_a_dry_run_gives_tables_without_rows(tmp_path: Path) -> None:
    result = votewise.generate(["one"], model=["m", "n"], out=tmp_path / "a.jsonl", dry_run=True)
    assert (len(result.answers), len(result.comparisons), result.files) == (0, 0, ())
    assert result.answers.column_names == ["prompt", "answer", "model", "error", "tokens"]
    assert result.job.files == (tmp_path / "a.jsonl", tmp_path / "a-comparisons.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1.0}, "^temperature: "),
        ({"max_tokens": 0}, "^max_tokens: must be 1 or more, got 0"),
        ({"limit": 0}, "^limit: must be 1 or more"),
        ({"backend": "magic"}, "^backend: there is no such backend"),
        ({"comparisons": "c.jsonl"}, "^comparisons: needs a file of answers"),
        ({"columns": {"prompt": "ask"}}, "^columns: "),
    ],
)
def test_mistakes_name_the_parameter(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        votewise.generate(["one"], **{"model": "m"} | options)


def test_where_nothing_was_answered_it_fails(server: Scripted) -> None:
    with pytest.raises(BadInputError, match=r"^no answer to 1 prompt: status 400: too rude"):
        votewise.generate(["rude"], model="m", **at(server))


CALLS = "assert votewise.generate(['p'], model='m', dry_run=True).job.models == ['m']\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import votewise",
        "import votewise.generate",
        "import votewise.generate.settings",
        "from votewise.generate import read_prompts; import votewise",
        "from votewise import generate; assert generate(['p'], model='m', dry_run=True); import votewise",
        "import votewise; from votewise.generate import read_prompts",
        "import votewise.cli; import votewise",
        "from votewise.workflows.generate import generate; import votewise.generate",
        "from votewise.workflows import generate, score; import votewise.score, votewise",
        "import votewise.evaluate.judges, votewise",
    ],
)
def test_the_package_can_be_called_whatever_was_imported_first(imports: str) -> None:
    code = f"{imports}\n{CALLS}from votewise.generate import GenerateJob, read_prompts\n"
    code += "assert votewise.generate.read_prompts is read_prompts\n"
    code += "assert votewise.score([{'x': 1, 'y': 2}], score_columns=('x', 'y')).margin.tolist() == [-1]\n"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_its_signature_is_that_of_the_workflow() -> None:
    from votewise.workflows.generate import generate

    assert inspect.signature(votewise.generate) == inspect.signature(generate)
