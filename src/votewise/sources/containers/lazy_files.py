"""Our own Parquet files, read back: small ones whole, the long values of large ones left where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from votewise.data.lazy_table import LazyTable, StoredColumns
from votewise.sources.containers import stand_ins
from votewise.sources.containers.table_files import TableFiles


def open_parquet(path: Path) -> Any:
    """The table of a Parquet file: a ``pyarrow.Table``, or a ``LazyTable`` where it is large."""
    files = TableFiles.of([path], "parquet")
    long = [*stand_ins.long_texts(files), *stand_ins.long_values(files)] if files.bytes >= stand_ins.LARGE else []
    if not long:
        return pq.read_table(path)
    here = files.table([name for name in files.schema.names if name not in long])
    schema = files.schema
    stored = StoredColumns(files, {name: name for name in long}, stand_ins.part(schema, long))
    return LazyTable(schema.names, here, stored)
