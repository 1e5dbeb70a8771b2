"""Rows that an engine selects -> a Parquet file, streamed, never held in memory."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from votewise.errors import BadInputError

BATCH = 100_000
"""Rows in memory at a time."""

ENCODING = {"parquet_version": "v2"}
"""How DuckDB encodes: numbers as differences, which takes less time and half the space."""


def write_parquet(table: Any, path: Path, few: Mapping[str, Sequence[str]] | None = None) -> int:
    """Run an ibis table, write its rows to a Parquet file, and return their number.

    DuckDB and Spark write files themselves; Spark's files are joined. Other engines deliver batches. Spark's workers must
    reach the folder of ``path``, as they do in local mode and on shared disks.

    Args:
        table: the rows.
        path: the file to write.
        few: columns of text with few values, and none missing -> all of these values; such columns are written faster, and
            where there is one value the column is not even read.
    """
    backend = table.get_backend()
    if backend.name == "duckdb":
        with _enumerated(backend, table, few or {}) as rows, _plainly_named(path) as plain:
            backend.to_parquet(rows, plain, **ENCODING)
    elif backend.name == "pyspark":
        with tempfile.TemporaryDirectory(prefix="spark-", dir=path.parent) as folder:
            backend.to_parquet(table, Path(folder, "parts").resolve().as_uri())
            parts = sorted(Path(folder, "parts").glob("*.parquet"))
            if not parts:
                raise BadInputError(
                    "Spark's workers cannot write here", source=str(path.parent), expected="a disk they share"
                )
            import pyarrow.dataset  # here, because it imports pandas

            found = pyarrow.dataset.dataset(parts)
            _write_batches(found.schema, found.to_batches(batch_size=BATCH), path)
    else:
        with table.to_pyarrow_batches(chunk_size=BATCH) as batches:
            _write_batches(batches.schema, batches, path)
    return int(pq.read_metadata(path).num_rows)


@contextmanager
def _plainly_named(path: Path) -> Iterator[Path]:
    """A path that can be part of a command: ``path``, or a temporary one that is moved there at the end."""
    path = path.absolute()
    if str(path).isprintable() and "\\" not in str(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="votewise-") as folder:
        yield Path(folder, "rows.parquet")
        shutil.move(Path(folder, "rows.parquet"), path)


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
        value = ibis.literal(values[0]) if len(values) == 1 else table[name]
        columns[name] = ibis.udf.scalar.builtin(_text_of_text, name=macro)(value)
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
