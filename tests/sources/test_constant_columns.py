"""Columns that hold one text in all rows, as Parquet files say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import votewise
from votewise.sources.containers.constant_columns import LONGEST, constant_columns


def write(path: Path, rows_a_group: int = 2, **columns: list[Any]) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=rows_a_group)
    return path


def test_only_a_text_that_every_row_has_is_constant(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {
        "same": ["é"] * 4,
        "empty": [""] * 4,
        "late": ["x", "x", "x", "y"],
        "each part another": ["x", "x", "y", "y"],
        "null": ["x", "x", "x", None],
        "nothing": [None] * 4,
        "number": [1] * 4,
        "long": ["x" * (LONGEST + 1)] * 4,
        "list": [["x"]] * 4,
    }
    path = write(tmp_path / "log [1].parquet", **columns)
    assert constant_columns([path], columns) == {"same": "é", "empty": ""}
    assert constant_columns([path], ["late", "absent"]) == {}
    other = write(tmp_path / "other.parquet", same=["é"], empty=["x"])
    assert constant_columns([path, other], columns) == {"same": "é"}
    lacking = write(tmp_path / "lacking.parquet", empty=[""])
    assert constant_columns([path, lacking], columns) == {"empty": ""}
    assert constant_columns([], columns) == {}


@pytest.mark.parametrize("status", [False, True])
def test_a_log_with_constant_columns_is_counted_as_its_rows_say(tmp_path: Path, status: bool) -> None:
    log: dict[str, list[Any]] = {
        "user": [f"u{i % 5}" for i in range(60)],
        "model_a": ["new"] * 60,
        "model_b": ["old"] * 60,
        "winner": ["new"] * 60,
    }
    if status:  # ties that another column marks
        log["status"] = ["tie" if i < 12 else "done" for i in range(60)]
    found = [
        votewise.filter_clicks(source, win_rate=0.7, dry_run=True).counts
        for source in (write(tmp_path / "log.parquet", 7, **log), pa.table(log))
    ]
    assert found[0].comparisons.tolist() == found[1].comparisons.tolist()
    assert found[0].wins.tolist() == found[1].wins.tolist() == found[1].comparisons.tolist()
    assert found[0].ties == found[1].ties == (12 if status else 0)


def test_a_column_that_the_name_of_a_folder_has_is_what_the_engine_reads(tmp_path: Path) -> None:
    folder = tmp_path / "model_a=other"
    folder.mkdir()
    log: dict[str, list[Any]] = {
        "user": ["u", "v"],
        "model_a": ["new"] * 2,
        "model_b": ["old"] * 2,
        "winner": ["model_a"] * 2,
    }
    path = write(folder / "log.parquet", **log)
    assert constant_columns([path], ["model_a", "model_b"]) == {"model_b": "old"}
    counts = votewise.filter_clicks(path, win_rate=0.7, dry_run=True).counts
    assert counts.models == ("old", "other")
