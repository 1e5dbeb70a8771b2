"""A table of a database that is asked several times, each time connected anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from votewise.sources.databases.connections import engine_errors, open_url
from votewise.sources.databases.spark import fetched_from_spark
from votewise.storage.engine import write_parquet

FETCHED = 5_000
"""Rows with texts that are on their way at a time."""


@dataclass(frozen=True, eq=False)
class DatabaseTable:
    """A table of a database.

    Attributes:
        source: its connection URL, secrets included, or an ibis table.
        name: what it is called in messages, without secrets.
    """

    source: Any = field(repr=False)
    name: str

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """The table as an ibis table; what the engine raises becomes one line that names the table."""
        if not isinstance(self.source, str):
            with engine_errors(self.name):
                yield self.source
            return
        with open_url(self.source) as table, engine_errors(self.name):
            yield table


@contextmanager
def one_snapshot(table: Any) -> Iterator[None]:
    """All queries see the table as it is at the first one, in PostgreSQL; elsewhere nothing changes."""
    backend = table.get_backend()
    if backend.name != "postgres" or not backend.con.autocommit or backend.con.info.transaction_status:
        yield
        return
    with backend.con.transaction():
        backend.con.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def batches(table: Any) -> Iterator[pa.RecordBatch]:
    """The rows of an ibis table, some at a time where the engine can."""
    if table.get_backend().name == "pyspark":
        yield from fetched_from_spark(table).to_batches()
        return
    with table.to_pyarrow_batches(chunk_size=FETCHED) as reader:
        yield from reader


def write_rows_to(table: Any, path: Path) -> None:
    """Write the rows of an ibis table to a Parquet file, some at a time."""
    if table.get_backend().name == "pyspark":
        write_parquet(table, path, schema=table.schema().to_pyarrow())
        return
    with pq.ParquetWriter(path, table.schema().to_pyarrow()) as writer:
        for batch in batches(table):
            writer.write_batch(batch)
