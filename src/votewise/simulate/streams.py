"""Tables that come in blocks -> a Parquet, CSV or JSON lines file, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from votewise.errors import BadInputError
from votewise.storage.files import written_whole
from votewise.storage.spreadsheet_cells import quoted_cells

SUFFIXES = (".parquet", ".jsonl", ".csv")

StreamProgress = Callable[[int], None]
"""Called with the rows written so far."""


def check_suffix(out: Path) -> None:
    """Raise BadInputError unless the name's ending is that of a kind of file that can be written."""
    if out.suffix not in SUFFIXES:
        raise BadInputError("unknown kind of file", source=str(out), expected=f"a name ending in {', '.join(SUFFIXES)}")


def write_stream(out: Path, tables: Iterable[pa.Table], progress: StreamProgress | None = None) -> int:
    """Write tables of one schema one after the other; return the number of rows.

    Args:
        out: a .parquet, .jsonl or .csv file.
        tables: at least one; only one of them is held at a time.
        progress: called after each table.

    Raises:
        BadInputError: an unknown kind of file, one that cannot be written, or columns that do not fit into a CSV.
    """
    check_suffix(out)
    writers: dict[str, Any] = {".parquet": pq.ParquetWriter, ".csv": _CsvFile, ".jsonl": _JsonLinesFile}
    rows = 0
    with written_whole(out) as partial:
        writer: Any = None
        try:
            for table in tables:
                if writer is None:
                    writer = writers[out.suffix](partial, table.schema)
                writer.write(table)
                rows += len(table)
                if progress is not None:
                    progress(rows)
        finally:
            if writer is not None:
                writer.close()
    return rows


class _CsvFile:
    """A CSV file that is written table by table; its first line holds the names of the columns.

    Cells that a spreadsheet would run get an apostrophe in front, which the readers take away again.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        nested = [field.name for field in schema if pa.types.is_nested(field.type)]
        if nested:
            raise BadInputError(f"conversations in '{nested[0]}' do not fit into a CSV", expected=".parquet or .jsonl")
        self._schema = pa.schema([(field.name, _undictionaried(field.type)) for field in schema])
        self._writer = pacsv.CSVWriter(path, quoted_cells(self._schema.empty_table()).schema)

    def write(self, table: pa.Table) -> None:
        self._writer.write(quoted_cells(table.cast(self._schema)))

    def close(self) -> None:
        self._writer.close()


class _JsonLinesFile:
    """A file of JSON lines that is written table by table."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("w", encoding="utf-8")

    def write(self, table: pa.Table) -> None:
        for batch in table.to_batches(max_chunksize=10_000):
            self._file.writelines(
                json.dumps(row, ensure_ascii=False, default=lambda value: value.isoformat()) + "\n"
                for row in batch.to_pylist()
            )

    def close(self) -> None:
        self._file.close()


def _undictionaried(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
