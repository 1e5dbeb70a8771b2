"""The command: what it prints, and which mistakes it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import Reply, Scripted, refused, said, scripted_server

End = Callable[..., int]
Shown = pytest.CaptureFixture[str]


@pytest.fixture
def server() -> Iterator[Scripted]:
    def answer(request: dict[str, Any], before: int) -> Reply:
        text = request["messages"][-1]["content"]
        return refused(400, "too \x1b[31mrude") if text == "rude" else said(f"{request['model']}: {text}")

    with scripted_server(answer) as found:
        yield found


@pytest.fixture
def prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("prompts.txt").write_text("one\n\ntwo\none\nrude\n")
    return "prompts.txt"


def test_answers_are_written_and_counted(end: End, prompts: str, server: Scripted, capsys: Shown) -> None:
    options = ("--backend", "endpoint", "--base-url", server.url, "--retries", "0", "--max-tokens", "9")
    assert end("generate", prompts, "--model", "m", "--model", "n", "--out", "a.jsonl", *options) == 0
    shown = capsys.readouterr()
    assert "3 prompts of 5 in prompts.txt (1 repeated, 1 empty)" in shown.out
    assert "m: 2 answers, 1 failed" in shown.out
    assert "2 x status 400: too ␛[31mrude" in shown.out
    assert "\n2 comparisons\n" in shown.out
    assert "12 tokens in " in shown.out
    assert "tokens/s" in shown.out
    assert "Written to a.jsonl and a-comparisons.jsonl" in shown.out
    assert shown.err == ""
    assert {request["max_tokens"] for request in server.requests} == {9}
    rows = [json.loads(line) for line in Path("a-comparisons.jsonl").read_text().splitlines()]
    assert [(row["response_a"], row["response_b"]) for row in rows] == [("m: one", "n: one"), ("m: two", "n: two")]
    assert end("generate", prompts, "--model", "m", "--out", "b.jsonl", *options, "--quiet") == 0
    assert capsys.readouterr().out == ""


def test_a_dry_run_asks_and_writes_nothing(end: End, prompts: str, tmp_path: Path, capsys: Shown) -> None:
    options = ("--temperature", "0.7", "--top-p", "0.9", "--limit", "2", "--dry-run")
    assert end("generate", prompts, "--model", "/nowhere", "--model", "x", "--out", "a.parquet", *options) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 prompts of 5 in prompts.txt (1 repeated, 1 empty)",
        "/nowhere and x by transformers: temperature 0.7, top-p 0.9, at most 512 tokens, seed 0",
        "Would be written: a.parquet, a-comparisons.parquet",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["prompts.txt"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model", "m", "--out", "a.txt"), "a.txt: unknown kind of file"),
        (("--model", "m", "--out", "a.jsonl", "--top-p", "2"), "--top-p: is not a share, got 2.0"),
        (("--model", "m", "--out", "a.jsonl", "--limit", "0"), "--limit: must be 1 or more"),
        (
            ("--model", "m", "--out", "a.jsonl", "--column", "prompt=ask"),
            "--columns: says how a table of prompts is read, and there is none",
        ),
        (("--model", "m", "--out", "a.jsonl", "--base-url", "http://x"), "--base-url: is only used with the backend"),
        (("--model", "/nowhere", "--out", "a.jsonl"), "/nowhere: cannot be loaded as a model"),
    ],
)
def test_mistakes_are_one_line(end: End, prompts: str, capsys: Shown, options: tuple[str, ...], message: str) -> None:
    assert end("generate", prompts, *options) == 2
    error = capsys.readouterr().err
    assert error.startswith("votewise: ")
    assert error.count("\n") == 1
    assert message in error


def test_another_run_resumes_or_is_refused(end: End, prompts: str, server: Scripted, capsys: Shown) -> None:
    options = ("--model", "m", "--backend", "endpoint", "--base-url", server.url, "--out", "a.jsonl", "--retries", "0")
    assert end("generate", prompts, *options) == 0
    # A run that was killed right after its first answer leaves this journal.
    begun = Path("a.jsonl.journal")
    from votewise.generate import GenerateJob, Sampling, read_prompts
    from votewise.storage.journal import Journal

    job = GenerateJob(read_prompts(prompts), ["m"], Path("a.jsonl"), Sampling(), "endpoint")
    with Journal(job.out, job.settings()) as journal:
        journal.append(job.keys("m")[0], {"text": "from before", "error": None, "tokens": 2})
    capsys.readouterr()
    assert end("generate", prompts, *options, "--seed", "1") == 2
    assert "seed was 0 and is 1" in capsys.readouterr().err
    assert end("generate", prompts, *options) == 0
    assert "1 answer from an interrupted run" in capsys.readouterr().out
    assert json.loads(Path("a.jsonl").read_text().splitlines()[0])["answer"] == "from before"
    assert not begun.exists()


def test_an_interruption_says_how_to_resume(
    end: End, prompts: str, server: Scripted, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--model", "m", "--backend", "endpoint", "--base-url", server.url, "--out", "a.jsonl", "--retries", "0")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("votewise.cli.printing.progress.ProgressBar.count", interrupt)
    assert end("generate", prompts, *options) == 130
    assert "Finished work is in a.jsonl.journal; the same command resumes from there." in capsys.readouterr().err
    assert Path("a.jsonl.journal").exists()


def test_odd_replies_and_a_damaged_journal_do_not_stop_the_work(
    end: End, prompts: str, capsys: Shown, caplog: pytest.LogCaptureFixture
) -> None:
    replies = {"one": Reply(body="<html>"), "two": Reply(body={"choices": None}), "rude": said("fine")}
    Path("a.jsonl.journal").write_bytes(bytes(range(256)))
    with scripted_server(lambda request, before: replies[request["messages"][-1]["content"]]) as server:
        options = ("--backend", "endpoint", "--base-url", server.url, "--out", "a.jsonl", "--retries", "0")
        assert end("generate", prompts, "--model", "m", *options) == 0
    rows = {row["prompt"]: row for row in map(json.loads, Path("a.jsonl").read_text().splitlines())}
    assert "it is not JSON" in rows["one"]["error"]
    assert "no choices" in rows["two"]["error"]
    assert {text: row["answer"] for text, row in rows.items()} == {"one": None, "two": None, "rude": "fine"}
    assert "Traceback" not in capsys.readouterr().err
    assert any("a.jsonl.journal.damaged" in message for message in caplog.messages)
