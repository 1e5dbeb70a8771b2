"""Rows that an engine selects -> a Parquet file, streamed, never held in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

from votewise.errors import BadInputError

BATCH = 100_000
"""Rows in memory at a time."""


def write_parquet(table: Any, path: Path, few: Mapping[str, Sequence[str]] | None = None) -> int:
    """Run an ibis table, write its rows to a Parquet file, and return their number.

    DuckDB and Spark write files themselves; Spark's files are joined. Other engines deliver batches. Spark's workers must
    reach the folder of ``path``, as they do in local mode and on shared disks.

    Args:
        table: the rows.
        path: the file to write.
        few: columns of text with few values -> all of these values; such columns are written faster.
    """
    backend = table.get_backend()
    if backend.name == "duckdb":
        with _enumerated(backend, table, few or {}) as rows:
            backend.to_parquet(rows, path)
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


@contextmanager
def _enumerated(backend: Any, table: Any, few: Mapping[str, Sequence[str]]) -> Iterator[Any]:
    """The table with columns of ``few`` values as enumerations: DuckDB writes them as text without hashing each."""
    import ibis

    macros: list[str] = []
    columns: dict[str, Any] = {}
    for name, values in few.items():
        macro = f"votewise_few_{len(macros)}"
        texts = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
        backend.raw_sql(f"CREATE OR REPLACE TEMP MACRO {macro}(x) AS CAST(x AS ENUM({texts}))")
        macros.append(macro)
        # ibis does not know enumerations; it sees a function from text to text.
        columns[name] = ibis.udf.scalar.builtin(_text_of_text, name=macro)(table[name])
    try:
        yield table.mutate(**columns)
    finally:
        for macro in macros:
            backend.raw_sql(f"DROP MACRO {macro}")


def _text_of_text(text: str) -> str:  # type: ignore[empty-body] # a signature
    ...


def _write_batches(schema: pa.Schema, batches: Iterator[pa.RecordBatch], path: Path) -> None:
    with pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
