"""What an engine selects -> a Parquet file, streamed, never held in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

from votewise.errors import BadInputError

BATCH = 100_000
"""Rows in hand at a time."""


def write_parquet(table: Any, path: Path) -> int:
    """Run an ibis table and write its rows to a Parquet file; gives their number.

    DuckDB and Spark write for themselves; Spark's files are made one. Other engines hand over batches. Spark's workers
    must reach the folder of ``path``, as they do in local mode and on shared disks.
    """
    backend = table.get_backend()
    if backend.name == "duckdb":
        backend.to_parquet(table, path)
    elif backend.name == "pyspark":
        with tempfile.TemporaryDirectory(prefix="spark-", dir=path.parent) as folder:
            backend.to_parquet(table, Path(folder, "parts").resolve().as_uri())
            parts = sorted(Path(folder, "parts").glob("*.parquet"))
            if not parts:
                raise BadInputError(
                    "Spark's workers cannot write here", source=str(path.parent), expected="a disk they share"
                )
            found = pyarrow.dataset.dataset(parts)
            _write_batches(found.schema, found.to_batches(batch_size=BATCH), path)
    else:
        with table.to_pyarrow_batches(chunk_size=BATCH) as batches:
            _write_batches(batches.schema, batches, path)
    return int(pq.read_metadata(path).num_rows)


def _write_batches(schema: pa.Schema, batches: Iterator[pa.RecordBatch], path: Path) -> None:
    with pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
