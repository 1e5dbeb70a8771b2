"""Tables -> files of rows, complete or not at all."""

from __future__ import annotations

from pathlib import Path

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
        write_json_lines(out, (row for batch in table.to_batches(max_chunksize=_BATCH) for row in batch.to_pylist()))
