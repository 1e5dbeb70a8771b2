"""evaluation.json: figures are merged by key, and written completely or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from votewise.errors import BadInputError
from votewise.evaluate.record import FILE, read_results, record_result


def test_results_of_several_evaluations_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / FILE
    assert read_results(path) == {}
    record_result(path, "win_rate", "a against b", {"rate": 0.5})
    record_result(path, "benchmark", "a", {"mmlu": {"acc": 0.7}})
    record_result(path, "benchmark", "a", {"gsm8k": {"exact_match": 0.8}})
    given = record_result(path, "benchmark", "a", {"mmlu": {"acc": 0.9}})
    assert given == read_results(path) == json.loads(path.read_text("utf-8"))
    assert given == {
        "win_rate": {"a against b": {"rate": 0.5}},
        "benchmark": {"a": {"mmlu": {"acc": 0.9}, "gsm8k": {"exact_match": 0.8}}},
    }
    assert [file.name for file in path.parent.iterdir()] == [FILE]


def test_numbers_that_are_not_finite_become_null_and_numpy_becomes_numbers(tmp_path: Path) -> None:
    figures = {
        "rate": np.float64(0.25),
        "n": np.int64(3),
        "low": float("nan"),
        "parts": [float("inf"), "x", np.bool_(1)],
    }
    record_result(tmp_path / FILE, "win_rate", "x", figures)
    assert read_results(tmp_path / FILE)["win_rate"]["x"] == {
        "rate": 0.25, "n": 3, "low": None, "parts": [None, "x", True],
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "[1]", '{"win_rate": 3}', "{"])
def test_a_file_of_another_kind_is_not_changed(tmp_path: Path, text: str) -> None:
    path = tmp_path / FILE
    path.write_text(text, "utf-8")
    with pytest.raises(BadInputError, match=r"evaluation\.json"):
        record_result(path, "win_rate", "x", {})
    assert path.read_text("utf-8") == text


def test_a_failure_keeps_the_earlier_figures(tmp_path: Path) -> None:
    path = tmp_path / FILE
    record_result(path, "win_rate", "x", {"rate": 1})
    before = path.read_text("utf-8")
    with pytest.raises((TypeError, ValueError)):
        record_result(path, "win_rate", "y", {"rate": Stubborn()})
    assert path.read_text("utf-8") == before


class Stubborn:
    def __str__(self) -> str:
        raise TypeError("no text")
