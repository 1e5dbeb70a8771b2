"""The command: what it prints, and which mistakes it refuses. Models are tested in tests/score."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

End = Callable[..., int]
Shown = pytest.CaptureFixture[str]


@pytest.fixture
def votes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """600 votes that follow sigmoid of half the difference of two columns."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x, y = rng.normal(scale=2, size=(2, 600))
    label = np.where(rng.random(600) < expit((x - y) / 2), "a", "b")
    rows = [
        {"pair": f"p{i}", "annotator": f"k{i % 7}", "label": label[i], "x": x[i], "y": y[i]} for i in range(len(label))
    ]
    Path("votes.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return "votes.jsonl"


def test_scores_are_written_and_described(end: End, votes: str, capsys: Shown) -> None:
    assert end("score", votes, "--score-columns", "x", "y", "--fit-temperature", "--out", "s.jsonl") == 0
    shown = capsys.readouterr()
    summary: dict[str, Any] = json.loads(Path("s-summary.json").read_text())
    fit = summary["temperature"]
    assert "600 rows in votes.jsonl" in shown.out
    assert (
        f"temperature {fit['temperature']:.4g}, standard error {fit['standard_error']:.2g}, from 600 votes" in shown.out
    )
    for when in ("before", "after"):
        assert f"log-loss {summary[f'calibration_{when}']['log_loss']:.4f}" in shown.out
        assert f"{when} the temperature" in shown.out
    for row in summary["calibration_after"]["table"]:
        assert f"{row['observed_low']:.3f} to {row['observed_high']:.3f}" in shown.out
    assert "Written to s.jsonl and s-summary.json" in shown.out
    assert shown.err == ""
    assert end("score", votes, "--score-columns", "x", "y", "--out", "s.jsonl", "--quiet") == 0
    assert capsys.readouterr().out == ""
    assert end("score", votes, "--score-columns", "x", "y", "--out", "s.jsonl", "--json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(Path("s-summary.json").read_text())


def test_a_dry_run_loads_and_writes_nothing(
    end: End, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.chdir(tmp_path)
    row = {"prompt": "p", "response_a": "x", "response_b": "y"}
    Path("pairs.json").write_text(json.dumps([row, row]))
    options = ("--policy", "/nowhere", "--reference", "/elsewhere", "--out", "s.parquet", "--dry-run")
    assert end("score", "pairs.json", *options) == 0
    out = capsys.readouterr().out
    assert "2 rows in pairs.json (pairs), no votes" in out
    assert "policy /nowhere, reference /elsewhere" in out
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.json"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "there is nothing to score with (expected either a reward model, a policy with its reference, or two"),
        (
            ("--reward-model", "m", "--policy", "p"),
            "--reward-model: cannot be combined with a policy with its reference",
        ),
        (("--score-columns", "x", "y", "--reference", "r"), "--policy: cannot be combined with two columns of scores"),
        (("--policy", "p"), "--reference: is needed with a policy"),
        (("--policy", "p", "--reference", "r", "--beta", "-1"), "--beta: is not a factor, got -1.0"),
        (("--score-columns", "x", "z"), "there is no column 'z'"),
        (("--score-columns", "x", "label"), "column 'label': is not a number"),
        (("--reward-model", "/nowhere"), "there are no answers to score"),
    ],
)
def test_mistakes_are_one_line(end: End, votes: str, capsys: Shown, options: tuple[str, ...], message: str) -> None:
    assert end("score", votes, "--out", "s.jsonl", *options) == 2
    error = capsys.readouterr().err
    assert error.startswith("votewise: ")
    assert message in error
    assert error.count("\n") == 1
    assert not Path("s.jsonl").exists()
