"""Python values -> Arrow columns, without silently converting one type to another.

A column whose values do not share one type (``["a", 1]``), or whose objects have so many different keys that a struct
would become huge (messages keyed by their ids), is stored as JSON text and marked in its field's metadata. Nothing is
lost: ``decoded`` gives the original values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from votewise.errors import BadInputError

MARK = {b"votewise": b"json"}
"""Field metadata of a column that holds JSON text."""

MAX_FIELDS = 200
"""Objects with more distinct keys than this, nested ones included, become JSON text: a struct has them in every row."""

_PLAIN = ({str}, {int}, {float}, {int, float}, {bool})


def table_of(records: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Make a table of objects: the columns in the order in which they first appear, absent keys null."""
    columns: dict[str, list[Any]] = {}
    n = 0
    for record in records:
        for name, value in record.items():
            column = columns.setdefault(name, [])
            if len(column) < n:
                column.extend([None] * (n - len(column)))
            column.append(value)
        n += 1
    arrays, fields = [], []
    for name, column in columns.items():
        column.extend([None] * (n - len(column)))
        try:
            array, marked = to_column(column)
        except BytesAmongOthersError as error:
            raise error.of(name) from error
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata=MARK if marked else None))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields)) if fields else pa.table({})


class BytesAmongOthersError(BadInputError):
    """A column has bytes where others of its values are texts or numbers: no type holds both unchanged."""

    def __init__(self, value: Any = None, **where: Any) -> None:
        super().__init__(
            "holds bytes in some rows and other values in others", expected="one kind", value=value, **where
        )

    def of(self, column: str, source: str | None = None, before: int = 0) -> BytesAmongOthersError:
        """The same error with its column and source, and the row counted after those ``before``."""
        row = None if self.row is None else self.row + before
        return BytesAmongOthersError(self.value, source=source, row=row, column=column)


def to_column(values: list[Any]) -> tuple[pa.Array, bool]:
    """Make a column of these values, and say whether it holds them as JSON text.

    Raises:
        BytesAmongOthersError: some are bytes, or hold bytes, where others are texts.
    """
    kinds = set(map(type, values)) - {type(None)}
    try:
        if kinds in _PLAIN:
            return pa.array(values, pa.large_string() if kinds == {str} else None), False
        # Among floats, Arrow would convert True to 1.0.
        mixed = bool in kinds or (kinds & {list, dict} and not _few_fields(values))
        if not mixed:
            array = pa.array(values)
            if holds_bytes(array.type):
                _check_bytes(values, array)
            # Parquet has no objects without keys.
            if not _holds_empty_objects(array.type):
                return array, False
    except BytesAmongOthersError:
        raise
    except (pa.ArrowException, UnicodeEncodeError, OverflowError, TypeError, ValueError):
        pass
    texts = [None if v is None else _json_of(v, i) for i, v in enumerate(values, 1)]
    return pa.array(texts, pa.large_string()), True


def _json_of(value: Any, row: int) -> str:
    def told(other: Any) -> str:
        if isinstance(other, bytes | bytearray | memoryview):
            raise BytesAmongOthersError(value, row=row)
        return str(other)

    return json.dumps(value, default=told)


def holds_bytes(kind: pa.DataType) -> bool:
    """Whether values of a type are bytes, or hold some."""
    if str(kind) in ("binary", "large_binary", "binary_view"):
        return True
    return any(holds_bytes(kind.field(i).type) for i in range(kind.num_fields))


def _check_bytes(values: list[Any], array: pa.Array) -> None:
    """Arrow makes bytes of texts that stand among bytes."""
    for i, value in enumerate(values):
        if not _fits(value, array.type):
            raise BytesAmongOthersError(value, row=i + 1)


def _fits(value: Any, kind: pa.DataType) -> bool:
    """Whether no part of a value is a text where the type has bytes."""
    if isinstance(value, str):
        return not holds_bytes(kind)
    if isinstance(value, Mapping):
        inner = {kind.field(i).name: kind.field(i).type for i in range(kind.num_fields)}
        return all(_fits(part, inner[key]) for key, part in value.items() if key in inner)
    if isinstance(value, list | tuple):
        return all(_fits(part, kind.field(0).type) for part in value) if kind.num_fields == 1 else True
    return True


def is_marked(field: pa.Field) -> bool:
    """Tell whether the column holds JSON text for values of other types."""
    return (field.metadata or {}).get(b"votewise") == b"json"


def decoded(table: pa.Table, name: str) -> list[Any]:
    """Take the column's values as Python objects, JSON text decoded where ``table_of`` had to encode it."""
    values: list[Any] = table.column(name).to_pylist()
    if is_marked(table.schema.field(name)):
        return [None if v is None else json.loads(v) for v in values]
    return values


def records_of(table: pa.Table, rows: Iterable[int]) -> list[dict[str, Any]]:
    """Take the given rows as objects."""
    part = table.take(pa.array(rows, pa.int64()))
    columns = {name: decoded(part, name) for name in part.column_names}
    return [{name: column[i] for name, column in columns.items()} for i in range(len(part))]


def _holds_empty_objects(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind) and kind.num_fields == 0:
        return True
    return any(_holds_empty_objects(kind.field(i).type) for i in range(kind.num_fields))


def _few_fields(values: Iterable[Any]) -> bool:
    seen: set[tuple[str, ...]] = set()
    stack: list[tuple[tuple[str, ...], Any]] = [((), v) for v in values]
    while stack and len(seen) <= MAX_FIELDS:
        path, value = stack.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                seen.add((*path, key))
                stack.append(((*path, key), inner))
        elif isinstance(value, list):
            stack.extend((path, inner) for inner in value if isinstance(inner, list | dict))
    return len(seen) <= MAX_FIELDS
