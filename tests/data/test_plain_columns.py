"""Columns without pandas are the columns that pyarrow makes, and give the numbers back; the fast path loads no pandas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from votewise.data.plain_columns import column_of, column_of_texts, numbers_of


def test_columns_are_those_of_pyarrow() -> None:
    for values in (np.arange(20), np.linspace(0, 1, 9), np.zeros(0), np.arange(12)[::3]):
        found = column_of(values)
        found.validate(full=True)
        assert found.equals(pa.array(values))
    missing = np.arange(20) % 3 == 0
    assert column_of(np.arange(20), missing).to_pylist() == [None if m else i for i, m in enumerate(missing)]
    texts = ["", "ümläut", "x" * 1000, "\0"]
    assert column_of_texts(texts).equals(pa.array(texts))
    assert column_of_texts([]).equals(pa.array([], pa.string()))


def test_numbers_come_back() -> None:
    chunked = pa.chunked_array([pa.array([1, 2, 3]).slice(1), pa.array([], pa.int64()), pa.array([7])])
    assert numbers_of(chunked).tolist() == [2, 3, 7]
    assert numbers_of(pa.array([0.5, 2.5])).tolist() == [0.5, 2.5]
    assert numbers_of(pa.array([None, 1, None, *range(20), None]).slice(1), -1).tolist() == [1, -1, *range(20), -1]


def test_a_ranking_from_parquet_loads_neither_ibis_nor_pandas_nor_scipy(tmp_path: Path) -> None:
    """Importing them takes longer than counting a million votes."""
    winners = ["model_a", "model_b"] * 10
    rows = {"model_a": ["x"] * 20, "model_b": ["y"] * 20, "winner": winners}
    pq.write_table(pa.table(rows), tmp_path / "votes.parquet")
    code = f"import sys, votewise; votewise.rank_models({str(tmp_path / 'votes.parquet')!r}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "duckdb" in loaded
    assert not {"ibis", "pandas", "scipy"} & set(loaded)
