"""``votewise evaluate``: from files to pages, and one clear line for every mistake."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from contest_files import answers, comparison, write
from scripted import said, scripted_server

End = Callable[..., int]


@pytest.fixture
def clicks(tmp_path: Path) -> str:
    rows = [comparison(i, winner="a" if i % 4 else "b", domain=f"d{i % 2}") for i in range(40)]
    return write(tmp_path / "clicks.jsonl", rows)


def test_a_column_judges(clicks: str, tmp_path: Path, end: End, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert end("evaluate", "win-rate", clicks, "--length-controlled", "--out", out) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Win rate 75.0% (59.6% to 86.0%)" in shown
    assert "At equal lengths" in shown
    assert "30 won, 0 tied, 10 lost" in shown
    assert "every contest with its verdict" in shown
    assert {file.name for file in out.iterdir()} == {
        "new-against-old.html",
        "evaluation.json",
        "new-against-old.parquet",
    }
    figures = json.loads((out / "evaluation.json").read_text())["win_rate"]["new against old"]
    assert figures["win_rate"]["value"] == 0.75
    assert figures["settings"]["source"] == "clicks.jsonl"


def test_a_table_of_contests_is_evaluated_again(clicks: str, tmp_path: Path, end: End) -> None:
    assert end("evaluate", "win-rate", clicks, "--out", tmp_path / "one", "-q") == 0
    verdicts = tmp_path / "one" / "new-against-old.parquet"
    assert end("evaluate", "win-rate", verdicts, "--model", "old", "--out", tmp_path / "two", "-q", "--no-report") == 0
    found = json.loads((tmp_path / "two" / "evaluation.json").read_text())["win_rate"]["old against new"]
    assert found["win_rate"]["value"] == 0.25
    assert not list((tmp_path / "two").glob("*.html"))


def test_only_json_is_printed(clicks: str, tmp_path: Path, end: End, capsys: pytest.CaptureFixture[str]) -> None:
    assert end("evaluate", "win-rate", clicks, "--out", tmp_path / "out", "--json") == 0
    assert json.loads(capsys.readouterr().out)["wins"] == 30
    assert end("evaluate", "matrix", clicks, "--out", tmp_path / "out", "--json") == 0
    assert json.loads(capsys.readouterr().out)["models"] == ["new", "old"]


@pytest.mark.slow
def test_a_language_model_judges(tmp_path: Path, end: End, capsys: pytest.CaptureFixture[str]) -> None:
    a = write(tmp_path / "a.jsonl", answers("new", 5))
    b = write(tmp_path / "b.jsonl", answers("old", 5))
    judge = ["--llm-judge", "m", "--out", tmp_path / "out"]

    def reply(request: dict[str, Any], _: int) -> Any:
        text = request["messages"][-1]["content"]
        return said("Verdict: 1" if text.index("new says") < text.index("old says") else "Verdict: 2")

    with scripted_server(reply) as server:
        assert end("evaluate", "win-rate", a, b, *judge, "--base-url", server.url, "--dry-run") == 0
        assert "10 questions, two for each contest" in " ".join(capsys.readouterr().out.split())
        assert server.requests == []
        assert not (tmp_path / "out").exists()
        assert end("evaluate", "win-rate", a, b, *judge, "--base-url", server.url) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Win rate 100.0%" in shown
    assert "0.0% of verdicts changed with the order" in shown
    assert not list((tmp_path / "out").glob("*.journal"))
    assert (
        pq.read_table(tmp_path / "out" / "new-against-old.parquet")["comment_shown"].to_pylist() == ["Verdict: 1"] * 5
    )


def test_a_reward_model_judges_a_matrix(tmp_path: Path, end: End, capsys: pytest.CaptureFixture[str]) -> None:
    from small import reward_model

    model = reward_model(tmp_path / "reward")
    rows = {
        name: [{"prompt": f"w{i}", "answer": f"w{i + k} w{2 * k}", "model": name} for i in range(8)]
        for k, name in enumerate("xyz")
    }
    files = [write(tmp_path / f"{name}.jsonl", part) for name, part in rows.items()]
    options = ["--reward-model", model, "--device", "cpu", "--out", tmp_path / "out"]
    assert end("evaluate", "matrix", *files, *options, "--dry-run") == 0
    assert "24 answers to score" in " ".join(capsys.readouterr().out.split())
    assert end("evaluate", "matrix", *files, *options) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "3 models, 3 matchups, 24 contests" in shown
    assert "every model against every other" in shown
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"matrix.html", "evaluation.json", "matrix.csv", "matrix.parquet"}
    assert "Histograms of scores" in (tmp_path / "out" / "matrix.html").read_text()


@pytest.mark.parametrize("command", ["win-rate", "matrix"])
def test_an_interrupted_run_says_how_to_resume_and_resumes(
    command: str, tmp_path: Path, end: End, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [write(tmp_path / f"{name}.jsonl", answers(name, 5)) for name in ("new", "old")]

    def stop(self: Any, what: str, done: int, *_: Any) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with scripted_server(lambda request, _: said("Verdict: tie")) as server:
        options = ["--llm-judge", "m", "--base-url", server.url, "--concurrency", 1, "--out", tmp_path / "out"]
        with monkeypatch.context() as patch:
            patch.setattr("votewise.cli.printing.progress.ProgressBar.count", stop)
            assert end("evaluate", command, *files, *options) == 130
        assert "resumes" in capsys.readouterr().err
        assert len(list((tmp_path / "out").glob("*.journal"))) == 1
        assert end("evaluate", command, *files, *options) == 0
        # One may have been on its way at the interruption; without resuming there would be 4 + 10.
        assert len(server.requests) <= 10 + 1
    assert not list((tmp_path / "out").glob("*.journal"))


MISTAKES = {
    "two judges": (
        ["--column", "winner", "--llm-judge", "m"],
        "--column: another judge is given, too: a language model (expected one judge)",
    ),
    "soft without a reward model": (["--soft"], "--soft: applies only if a reward model is the judge"),
    "a server without a judge": (
        ["--base-url", "http://x"],
        "--base-url: applies only if the judge is a language model given by its name",
    ),
    "an unknown column": (["--column", "won"], "there is no column 'won'"),
    "difficulty for nothing": (
        ["--difficulty", "d.csv"],
        "--difficulty: is used only for the length-controlled win rate",
    ),
    "no such difficulty": (["--length-controlled", "--difficulty", "d.csv"], "d.csv: there is no such file"),
    "an impossible level": (["--level", "95"], "--level: out of range, got 95.0 (expected a number between 0 and 1)"),
    "an unknown model": (["--model", "z"], "there is no model 'z'"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_one_line(
    case: str, clicks: str, tmp_path: Path, end: End, capsys: pytest.CaptureFixture[str]
) -> None:
    options, message = MISTAKES[case]
    assert end("evaluate", "win-rate", clicks, "--out", tmp_path / "out", *options) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_file_with_the_name_of_the_folder_is_an_error(
    clicks: str, end: End, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end("evaluate", "matrix", clicks, "--out", clicks) == 2
    assert "is a file (expected a folder to write to)" in capsys.readouterr().err


def test_names_from_the_data_cannot_write_on_the_terminal(tmp_path: Path, end: End, capsys: Any) -> None:
    rows = [comparison(i, a="\x1b[31mred [bold]", winner="a", domain=f"\x1b[2J{i % 2}") for i in range(6)]
    path = write(tmp_path / "c.jsonl", rows)
    for command in ("win-rate", "matrix"):
        assert end("evaluate", command, path, "--out", tmp_path / "out") == 0
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        assert "[31mred [bold]" in shown
