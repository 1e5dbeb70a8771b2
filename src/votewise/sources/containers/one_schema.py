"""One schema for several files whose rows are written back: every value keeps its type, or the files are refused."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from votewise.errors import BadInputError
from votewise.sources.containers.plain_types import common_metadata

SHOWN = 5
"""Columns that a message names."""


def one_schema(schemas: Sequence[pa.Schema], source: str) -> pa.Schema:
    """The columns of all files, in the order in which they first appear, and what their metadata say alike.

    Types that hold every value of both are one: a column without values has any type, numbers have the wider one, and texts
    are texts. A file may lack a column.

    Raises:
        BadInputError: columns have types that no one type holds unchanged.
    """
    first = schemas[0]
    if all(first.equals(schema, check_metadata=True) for schema in schemas):
        return first
    fields: dict[str, pa.Field] = {}
    differing: dict[str, tuple[pa.DataType, pa.DataType]] = {}
    for field in (field for schema in schemas for field in schema):
        known = fields.setdefault(field.name, field)
        kind = common_type(known.type, field.type)
        if kind is None:
            differing.setdefault(field.name, (known.type, field.type))
            continue
        same = {key: value for key, value in (known.metadata or {}).items() if (field.metadata or {}).get(key) == value}
        fields[field.name] = pa.field(field.name, kind, known.nullable or field.nullable, same or None)
    if differing:
        shown = [f"'{name}' ({one} and {other})" for name, (one, other) in list(differing.items())[:SHOWN]]
        more = f" and {len(differing) - SHOWN} more" if len(differing) > SHOWN else ""
        raise BadInputError(
            f"columns have different types in different files: {', '.join(shown)}{more}",
            source=source,
            expected="one type each, so that rows can be written back as they are",
        )
    metadata = common_metadata([schema.metadata for schema in schemas])
    missing = {name for name in fields for schema in schemas if name not in schema.names}
    found = [field.with_nullable(True) if field.name in missing else field for field in fields.values()]
    return pa.schema(found, metadata or None)


def common_type(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The type that holds every value of both unchanged; None where there is none."""
    types = pa.types
    if one.equals(other) or types.is_null(other):
        return one
    if types.is_null(one):
        return other
    if types.is_integer(one) and types.is_integer(other):
        return _common_integer(one, other)
    if types.is_floating(one) and types.is_floating(other):
        return one if one.bit_width > other.bit_width else other
    for kind, names in ((pa.large_string(), ("string", "large_string", "string_view")),
                        (pa.large_binary(), ("binary", "large_binary", "binary_view"))):  # fmt: skip
        if str(one) in names and str(other) in names:
            return kind
    if types.is_struct(one) and types.is_struct(other):
        return _common_struct(one, other)
    lists = [types.is_list(kind) or types.is_large_list(kind) for kind in (one, other)]
    if all(lists) and (inner := common_type(one.value_type, other.value_type)) is not None:
        make = pa.large_list if types.is_large_list(one) or types.is_large_list(other) else pa.list_
        return make(one.value_field.with_type(inner).with_nullable(True))
    return None


def _common_integer(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    signed, unsigned = (
        [kind.bit_width for kind in (one, other) if test(kind)]
        for test in (pa.types.is_signed_integer, pa.types.is_unsigned_integer)
    )
    if not signed:
        return one if one.bit_width > other.bit_width else other
    width = max([*signed, *(2 * bits for bits in unsigned)])
    return {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}.get(width)


def _common_struct(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    if [field.name for field in one] != [field.name for field in other]:
        return None
    kinds = [common_type(a.type, b.type) for a, b in zip(one, other, strict=True)]
    if None in kinds:
        return None
    return pa.struct([field.with_type(kind).with_nullable(True) for field, kind in zip(one, kinds, strict=True)])
