"""Rows that an engine selects -> a Parquet file, streamed, never held in memory."""

from __future__ import annotations

import base64
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
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


def write_parquet(
    table: Any, path: Path, few: Mapping[str, Sequence[str]] | None = None, schema: pa.Schema | None = None
) -> int:
    """Run an ibis table, write its rows to a Parquet file, and return their number.

    DuckDB and Spark write files themselves; Spark's files are joined. Other engines deliver batches. Spark's workers must
    reach the folder of ``path``, as they do in local mode and on shared disks.

    Args:
        table: the rows.
        path: the file to write.
        few: columns of text with few values, and none missing -> all of these values; such columns are written faster, and
            where there is one value the column is not even read.
        schema: the types and metadata that the file's columns have to have; None for those that the engine gives.
    """
    backend = table.get_backend()
    if backend.name == "duckdb" and (schema is None or engine_keeps(schema)):
        told = ENCODING if schema is None else ENCODING | {"kv_metadata": _described(schema)}
        with _enumerated(backend, table, few or {}) as rows, _plainly_named(path) as plain:
            backend.to_parquet(rows, plain, **told)
        if schema is not None and not pq.read_schema(path).equals(schema, check_metadata=True):
            # DuckDB wrote something else than it read.
            _write_batches(schema, _fetched(table), path)
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
            _write_batches(schema or found.schema, found.to_batches(batch_size=BATCH), path)
    else:
        _write_batches(schema or table.schema().to_pyarrow(), _fetched(table), path)
    return int(pq.read_metadata(path).num_rows)


def engine_keeps(schema: pa.Schema) -> bool:
    """Whether DuckDB writes the values of such columns as it reads them, so that a file can be described by the schema."""
    try:
        _described(schema)
    except UnicodeDecodeError:
        return False
    return all(_is_kept(field.type) for field in schema)


def _is_kept(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_list(kind) or types.is_large_list(kind) or types.is_struct(kind):
        return kind.num_fields > 0 and all(_is_kept(kind.field(i).type) for i in range(kind.num_fields))
    if types.is_timestamp(kind):
        # Milliseconds become microseconds, and of nanoseconds with a zone three digits are lost.
        return bool(kind.unit == "us" or (kind.unit == "ns" and kind.tz is None))
    plain = (
        types.is_boolean, types.is_integer, types.is_float32, types.is_float64, types.is_string, types.is_large_string,
        types.is_binary, types.is_large_binary, types.is_date32,
    )  # fmt: skip
    return any(is_of(kind) for is_of in plain)


class _Literal(str):
    """A value as DuckDB's command takes it."""

    def __repr__(self) -> str:
        return str(self)


def _described(schema: pa.Schema) -> _Literal:
    """What Arrow writes beside the rows of a Parquet file: the schema, and its metadata."""
    entries = {"ARROW:schema": base64.b64encode(schema.serialize().to_pybytes()).decode()}
    entries |= {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    quoted = [(key.replace("'", "''"), value.replace("'", "''")) for key, value in entries.items()]
    return _Literal("{" + ", ".join(f"'{key}': '{value}'" for key, value in quoted) + "}")


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


def _fetched(table: Any) -> Iterator[pa.RecordBatch]:
    with table.to_pyarrow_batches(chunk_size=BATCH) as batches:
        yield from batches


def _write_batches(schema: pa.Schema, batches: Iterable[pa.RecordBatch], path: Path) -> None:
    with pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
