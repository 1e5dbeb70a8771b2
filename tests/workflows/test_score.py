"""votewise.score in memory and with files; models are tested in tests/score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit

import votewise
from votewise.errors import BadInputError

PAIRS = [{"prompt": "p", "response_a": "x", "response_b": "y"}, {"prompt": "q", "response_a": "x", "response_b": "z"}]


def votes(n: int = 400) -> pa.Table:
    """Votes that follow sigmoid of half the difference of two columns."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(scale=2, size=(2, n))
    label = np.where(rng.random(n) < expit((x - y) / 2), "a", "b")
    pair, annotator = [f"p{i}" for i in range(n)], [f"k{i % 7}" for i in range(n)]
    return pa.table({"pair": pair, "annotator": annotator, "label": label, "x": x, "y": y})


def test_columns_are_scored_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = votes()
    result = votewise.score(table, score_columns=("x", "y"), fit_temperature=True)
    assert result.temperature is not None
    assert result.temperature.temperature == pytest.approx(0.5, abs=4 * (result.temperature.standard_error or 0))
    assert result.scored.drop_columns(["score_a", "score_b", "margin"]) == table
    difference = table["x"].to_numpy() - table["y"].to_numpy()
    np.testing.assert_allclose(result.margin, result.temperature.temperature * difference)
    assert result.calibration_before is not None
    assert result.calibration_after is not None
    assert result.calibration_after.log_loss < result.calibration_before.log_loss
    assert result.summary["calibration_after"]["log_loss"] == result.calibration_after.log_loss
    assert result.files == ()
    assert list(tmp_path.iterdir()) == []
    # An audit reads the margins without a file.
    assert votewise.audit(result.scored).votes.margin is not None


def test_files_are_those_of_the_result(tmp_path: Path) -> None:
    result = votewise.score(votes(20), score_columns=("x", "y"), out=str(tmp_path / "s.jsonl"))
    assert result.files == (tmp_path / "s.jsonl", tmp_path / "s-summary.json")
    rows = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert rows == result.scored.to_pylist()
    assert json.loads((tmp_path / "s-summary.json").read_text()) == result.summary


def test_a_reward_model_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    from small import reward_model

    monkeypatch.chdir(tmp_path)
    model = str(reward_model(tmp_path / "reward", chat=True))
    result = votewise.score(PAIRS, reward_model=model, device="cpu")
    again = votewise.score(PAIRS, reward_model=model, device="cpu", batch_size=1, out="s.parquet")
    assert result.counts.answers == 4
    np.testing.assert_allclose(result.margin, again.margin, rtol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reward", "s-summary.json", "s.parquet"]


def test_a_dry_run_gives_a_table_without_rows(tmp_path: Path) -> None:
    result = votewise.score(PAIRS, policy="/nowhere", reference="/elsewhere", out=tmp_path / "s.jsonl", dry_run=True)
    assert (len(result.scored), result.files, result.summary) == (0, (), {})
    assert result.scored.column_names == ["prompt", "response_a", "response_b", "score_a", "score_b", "margin"]
    assert result.job.files == (tmp_path / "s.jsonl", tmp_path / "s-summary.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "^there is nothing to score with"),
        ({"reward_model": "m", "score_columns": ("x", "y")}, "^reward_model: cannot be combined with two columns"),
        ({"policy": "p"}, "^reference: is needed with a policy"),
        ({"reference": "p"}, "^policy: is needed with a reference"),
        ({"policy": "p", "reference": "r", "beta": 0.0}, "^beta: is not a factor"),
        ({"score_columns": "xy"}, "^score_columns: must be two names, got 'xy'"),
        ({"score_columns": ("x",)}, "^score_columns: must be two names"),
    ],
)
def test_mistakes_name_the_parameter(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        votewise.score(PAIRS, **options)
