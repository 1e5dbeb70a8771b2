"""Tables -> files of rows, complete or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from votewise.storage.files import write_json_lines, written_whole

SUFFIXES = (".jsonl", ".parquet")
_BATCH = 10_000


def write_rows(out: Path, table: pa.Table) -> None:
    """Write a table as .parquet or as .jsonl, by the file's suffix."""
    if out.suffix == ".parquet":
        with written_whole(out) as partial:
            pq.write_table(table, partial)
    else:
        batches = table.to_batches(max_chunksize=_BATCH)
        write_json_lines(out, (_without_absent_keys(row) for batch in batches for row in batch.to_pylist()))


def _without_absent_keys(value: Any, message: bool = False) -> Any:
    """A row whose messages have the keys that they have: a table gives every message the keys of all."""
    if isinstance(value, dict):
        message = message or {"role", "content"} <= set(value)
        return {k: _without_absent_keys(v, message) for k, v in value.items() if v is not None or not message}
    return [_without_absent_keys(item, message) for item in value] if isinstance(value, list) else value
