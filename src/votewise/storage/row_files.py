"""Tables -> files of rows, complete or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from votewise.storage.files import write_json_lines, written_whole

SUFFIXES = (".jsonl", ".parquet")
_BATCH = 10_000
_FEW = 1_000


def write_table(path: Path, table: Any) -> None:
    """Write a Parquet file; a table whose columns are in files is written some rows at a time.

    The long texts among those are written without a dictionary, which would cost more time than it saves space.
    """
    if isinstance(table, pa.Table):
        pq.write_table(table, path)
    else:
        write_batches({path: table}, ((0, batch) for batch in table.batches()))


def write_batches(files: Mapping[Path, Any], batches: Iterable[tuple[int, pa.Table]]) -> None:
    """Write Parquet files whose rows come in turn.

    Args:
        files: path -> the table, which gives the columns and tells which of them hold long texts (``in_files``).
        batches: which of the files, and its next rows.
    """
    with ExitStack() as stack:
        writers, waiting = [], []
        pool = stack.enter_context(ThreadPoolExecutor(len(files)))
        for path, table in files.items():
            short = [name for name in table.column_names if name not in table.in_files]
            writer = pq.ParquetWriter(path, table.schema, use_dictionary=short, write_statistics=short)
            writers.append(stack.enter_context(writer))
            waiting.append(pool.submit(int))
        try:
            # The next rows are read while these are written.
            for i, batch in batches:
                waiting[i].result()
                waiting[i] = pool.submit(writers[i].write_table, _with_small_dictionaries(batch))
        finally:
            # No file is closed while a row is being written to it.
            wait(waiting)
        for one in waiting:
            one.result()


def _with_small_dictionaries(batch: pa.Table) -> pa.Table:
    """The rows with dictionaries of what occurs in them alone: each batch's dictionary is written with it.

    Few categories, and those with an order, stay as they are.
    """
    for i, field in enumerate(batch.schema):
        if pa.types.is_dictionary(field.type) and not field.type.ordered:
            column = batch.column(i).combine_chunks()
            if len(column.dictionary) <= _FEW:
                continue
            used = pc.unique(column.indices).drop_null()
            indices = pc.index_in(column.indices, used).cast(field.type.index_type)
            batch = batch.set_column(i, field, pa.DictionaryArray.from_arrays(indices, column.dictionary.take(used)))
    return batch


def write_rows(out: Path, table: Any) -> None:
    """Write a table as .parquet or as .jsonl, by the file's suffix; one that is left in files some rows at a time."""
    if out.suffix == ".parquet":
        with written_whole(out) as partial:
            write_table(partial, table)
    else:
        tables = [table] if isinstance(table, pa.Table) else table.batches()
        batches = (batch for part in tables for batch in part.to_batches(max_chunksize=_BATCH))
        write_json_lines(out, (_without_absent_keys(row) for batch in batches for row in _rows(batch)))


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows as objects; what is JSON text in a table, because it has several types, is what it was."""
    rows: list[dict[str, Any]] = batch.to_pylist()
    for name in (field.name for field in batch.schema if (field.metadata or {}).get(b"votewise") == b"json"):
        for row in rows:
            row[name] = None if row[name] is None else json.loads(row[name])
    return rows


def _without_absent_keys(value: Any, message: bool = False) -> Any:
    """A row whose messages have the keys that they have: a table gives every message the keys of all."""
    if isinstance(value, dict):
        message = message or {"role", "content"} <= set(value)
        return {k: _without_absent_keys(v, message) for k, v in value.items() if v is not None or not message}
    return [_without_absent_keys(item, message) for item in value] if isinstance(value, list) else value
