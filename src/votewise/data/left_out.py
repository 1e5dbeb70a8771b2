"""What is written of texts that stay in a database: their digests, in columns of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from votewise.data.lazy_table import LazyTable, RowStore

DIGESTS = "_digest"
"""What is appended to the name of a column whose digests are written."""


@runtime_checkable
class TextsElsewhere(RowStore, Protocol):
    """Rows whose texts stay where they are; ``digests`` are (n,) bytes for each of their columns, null for null.

    ``secret`` is what digests are made with, besides the texts.
    """

    digests: Mapping[str, pa.ChunkedArray]
    secret: str


@dataclass(frozen=True)
class LeftColumn:
    """A column of texts that is not written.

    Attributes:
        source: its name in the database.
        digests: the column that is written instead: hexadecimal digits, the first 32 of which are the text's MD5.
        secret: what the other digits are made with, besides the text.
    """

    source: str
    digests: str
    secret: str


def left_columns(table: Any) -> dict[str, LeftColumn]:
    """The columns of a table whose texts stay in a database, by their names in the table."""
    if not isinstance(table, LazyTable) or not isinstance(table.stored.store, TextsElsewhere):
        return {}
    taken = set(table.column_names)
    found: dict[str, LeftColumn] = {}
    for name in table.in_files:
        digests = name + DIGESTS
        while digests in taken:
            digests += "_"
        taken.add(digests)
        found[name] = LeftColumn(table.stored.names[name], digests, table.stored.store.secret)
    return found


def with_digests(table: Any) -> Any:
    """A table as it is written: digests instead of the texts that stay in a database."""
    left = left_columns(table)
    if not left:
        return table
    columns: dict[str, Any] = {}
    for name in table.column_names:
        if name not in left:
            columns[name] = table.here.column(name)
            continue
        found = table.stored.store.digests[left[name].source]
        if table.stored.rows is not None:
            found = found.take(pa.array(table.stored.rows))
        digits = [None if value is None else value.hex() for value in found.to_pylist()]
        columns[left[name].digests] = pa.array(digits, pa.string())
    return pa.table(columns)
