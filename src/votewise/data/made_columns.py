"""Columns that are made of Python values, whose types are those of all rows: one type, or JSON text where there is none.

Where rows are made some at a time, their types are found first: see ``types_of``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pyarrow as pa

JSON_TEXT = {b"votewise": b"json"}
"""Metadata of a column that holds JSON text, because its values have several types. Files of JSON lines have the values."""

FAILURES = (pa.ArrowException, TypeError, ValueError, OverflowError)
"""What Arrow raises where values have no common type."""

Types = Mapping[str, pa.Field]
"""The types of columns that are made of Python values, by their names, in their order."""


class OddValueError(Exception):
    """Some value of this column has another type than those that decided."""


def made_column(name: str, values: list[Any], types: Types | None = None) -> tuple[pa.Field, pa.ChunkedArray]:
    """A column of these values: of its type where ``types`` has one, else of the values' own."""
    field = None if types is None else types.get(name)
    if field is None:
        try:
            array = _array(values)
            return pa.field(name, array.type), pa.chunked_array([array])
        except FAILURES:
            field = pa.field(name, pa.string(), metadata=JSON_TEXT)
    if is_json_text(field):
        texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
        return field, pa.chunked_array([pa.array(texts, pa.string())])
    try:
        return field, pa.chunked_array([_array(values, field.type)])
    except FAILURES as error:
        raise OddValueError(name) from error


def _array(values: list[Any], kind: pa.DataType | None = None) -> pa.Array:
    array = pa.array(values, kind)
    if _has_truth_among_floats(values, array.type):
        # Arrow makes 1.0 of it, where a float came before.
        raise TypeError("truth values among numbers")
    return array


def _has_truth_among_floats(values: list[Any], kind: pa.DataType) -> bool:
    if pa.types.is_floating(kind):
        return any(isinstance(value, bool) for value in values)
    if pa.types.is_list(kind):
        return _has_truth_among_floats([item for value in values if value for item in value], kind.value_type)
    if pa.types.is_struct(kind):
        there = [value for value in values if value]
        return any(_has_truth_among_floats([value.get(f.name) for value in there], f.type) for f in kind)
    return False


def made_values(field: pa.Field, column: pa.ChunkedArray) -> list[Any]:
    """The values of such a column."""
    values: list[Any] = column.to_pylist()
    return [None if value is None else json.loads(value) for value in values] if is_json_text(field) else values


def is_json_text(field: pa.Field) -> bool:
    """Whether a column holds JSON text for values of several types."""
    return (field.metadata or {}).get(b"votewise") == b"json"


def types_of(
    batches: Callable[[], Iterable[pa.Table]], make: Callable[[pa.Table, Types | None], Iterable[tuple[str, pa.Field]]]
) -> dict[str, pa.Field]:
    """The types that columns made of all rows have, some of which are in memory at a time.

    Args:
        batches: gives the rows, each time that it is called.
        make: the columns that are made of some rows, with their types; raises OddValueError where a value does not fit.
    """
    found: dict[str, pa.Field] = {}
    unsure = False
    for batch in batches():
        for name, field in make(batch, None):
            known = found.get(name, field)
            found[name] = _common(known, field)
            unsure |= not (found[name].equals(known) and found[name].equals(field)) and not is_json_text(found[name])
    while unsure:
        try:
            for batch in batches():
                for _ in make(batch, found):
                    pass
            unsure = False
        except OddValueError as misfit:
            found[str(misfit)] = pa.field(str(misfit), pa.string(), metadata=JSON_TEXT)
    return found


def _common(one: pa.Field, other: pa.Field) -> pa.Field:
    """The type of values of both, as Arrow finds it when it sees all of them."""
    if pa.types.is_null(one.type) or is_json_text(other):
        return other
    if pa.types.is_null(other.type) or is_json_text(one):
        return one
    try:
        return pa.unify_schemas([pa.schema([one]), pa.schema([other])], promote_options="permissive").field(0)
    except FAILURES:
        return pa.field(one.name, pa.string(), metadata=JSON_TEXT)
