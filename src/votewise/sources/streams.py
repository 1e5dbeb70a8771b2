"""Streams of rows -> one Arrow table, batch by batch: no row stays in memory as a Python object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa

from votewise.errors import BadInputError
from votewise.sources.values import MARK, MAX_FIELDS, decoded, is_marked, table_of, to_column

BATCH = 5_000
"""Rows that are converted at a time."""


def table_of_stream(rows: Iterable[Any], name: str) -> pa.Table:
    """Convert dicts batch by batch; the types are those that all rows at once would have.

    Raises:
        BadInputError: a row is not a dict.
    """
    return joined(list(_batches(iter(rows), name)))


def _batches(rows: Iterator[Any], name: str) -> Iterator[pa.Table]:
    done = 0
    while batch := list(islice(rows, BATCH)):
        for number, row in enumerate(batch, done + 1):
            if not isinstance(row, dict):
                raise BadInputError("is not a dict", source=name, row=number, value=row, expected="a dict")
        done += len(batch)
        yield table_of(batch)


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """The tables one after the other, the columns in the order in which they first appear."""
    if not tables:
        return pa.table({})
    if all(table.schema.equals(tables[0].schema, check_metadata=True) for table in tables):
        return pa.concat_tables(tables)
    names = list(dict.fromkeys(name for table in tables for name in table.column_names))
    arrays, fields = [], []
    for name in names:
        column, marked = _column(tables, name)
        arrays.append(column)
        fields.append(pa.field(name, column.type, metadata=MARK if marked else None))
    metadata = next((table.schema.metadata for table in tables if table.schema.metadata), None)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata))


def _column(tables: Sequence[pa.Table], name: str) -> tuple[Any, bool]:
    """One column of all tables, and whether it holds JSON text; of different types, it is converted again as a whole."""
    there = [table.schema.field(name) for table in tables if name in table.column_names]
    marked = {is_marked(field) for field in there}
    if len(marked) == 1:
        try:
            schemas = [pa.schema([field.remove_metadata()]) for field in there]
            kind = pa.unify_schemas(schemas, promote_options="permissive").field(0).type
            if _fields(kind) <= MAX_FIELDS:
                chunks = [
                    table.column(name).cast(kind) if name in table.column_names else pa.nulls(len(table), kind)
                    for table in tables
                ]
                flat = [part for chunk in chunks for part in (chunk.chunks if hasattr(chunk, "chunks") else [chunk])]
                return pa.chunked_array(flat, kind), marked == {True}
        except (pa.ArrowException, ValueError, TypeError):
            pass
    values = [
        value
        for table in tables
        for value in (decoded(table, name) if name in table.column_names else [None] * len(table))
    ]
    return to_column(values)


def _fields(kind: pa.DataType) -> int:
    """How many fields objects of a type have, those of objects in them included."""
    return sum(1 + _fields(kind.field(i).type) for i in range(kind.num_fields))
