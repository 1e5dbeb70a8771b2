"""The comparison of two versions' files sees every difference that matters, and no other."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    compare_files = importlib.import_module("compare_files")
    folders = tmp_path / "before", tmp_path / "after"

    def found(name: str, *contents: Any) -> Any:
        for folder, content in zip(folders, contents, strict=True):
            folder.mkdir(exist_ok=True)
            if name.endswith(".parquet"):
                pq.write_table(content, folder / name)
            else:
                (folder / name).write_text(content)
        return compare_files.compare_folders(*folders)

    return found


@pytest.mark.parametrize(
    ("after", "equal"),
    [
        ({"x": [1.0, 2.0 + 1e-14]}, True),
        ({"x": [1.0, 2.0 + 1e-10]}, False),
        ({"x": [1.0, None]}, False),
        ({"x": [1.0, float("nan")]}, False),
        ({"x": [1.0, 2.0, 3.0]}, False),
        ({"x": [1, 2]}, False),
        ({"y": [1.0, 2.0]}, False),
        ({"x": [1.0, 2.0], "y": [1, 1]}, False),
    ],
)
def test_tables(compare: Any, after: dict[str, list[Any]], equal: bool) -> None:
    assert compare("t.parquet", pa.table({"x": [1.0, 2.0]}), pa.table(after)).equal == equal


@pytest.mark.parametrize(
    ("after", "equal"),
    [
        ({"a": {"b": [1, 2]}, "created": "today", "message": "in other words"}, True),
        ({"a": {"b": [1, 3]}, "created": "now", "message": ""}, False),
        ({"a": {"b": [1, True]}, "created": "now", "message": ""}, False),
        ({"a": {"b": [1]}, "created": "now", "message": ""}, False),
        ({"a": {"c": [1, 2]}, "created": "now", "message": ""}, False),
    ],
)
def test_json(compare: Any, after: Any, equal: bool) -> None:
    before = {"a": {"b": [1, 2]}, "created": "now", "message": "in words"}
    assert compare("s.json", json.dumps(before), json.dumps(after)).equal == equal


def test_the_largest_difference_is_reported(compare: Any) -> None:
    found = compare("s.jsonl", "[1.5]\n[1000.0]\n", "[1.5]\n[1001.0]\n")
    assert found.largest == pytest.approx(1 / 1001)
    assert found.files == 1


def test_the_data_of_charts(compare: Any) -> None:
    page = '<p>{}</p><script type="application/json" id="chart-data">{}</script>'
    specs = [json.dumps({"specs": {"c": {"title": t, "datasets": {h: [{"x": x}]}}}}) for t, h, x in
             (("A", "data-1", 1), ("B", "data-2", 1), ("A", "data-1", 2))]  # fmt: skip
    assert compare("r.html", page.format("one", specs[0]), page.format("another", specs[1])).equal
    assert not compare("r.html", page.format("one", specs[0]), page.format("one", specs[2])).equal


def test_a_missing_file(compare: Any, tmp_path: Path) -> None:
    compare("s.txt", "same", "same")
    (tmp_path / "after" / "more.txt").write_text("")
    assert compare("s.txt", "same", "same").other == ["only after: more.txt"]
    assert not compare("s.txt", "same", "other").equal
