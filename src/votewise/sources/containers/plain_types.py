"""Columns as ordinary strings instead of string views and categories, for which Arrow lacks most functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from votewise.sources.values import BytesAmongOthersError


def without_views(table: pa.Table) -> pa.Table:
    """Convert string views and categories to ordinary strings, which every Arrow function accepts."""
    schema = plain_schema(table.schema)
    # One by one: Arrow breaks lists of objects with nothing but nulls in them when it casts a whole table.
    columns = [
        column if column.type.equals(field.type) else column.cast(field.type)
        for column, field in zip(table.columns, schema, strict=True)
    ]
    return table if schema.equals(table.schema) else pa.Table.from_arrays(columns, schema=schema)


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The names and types that ``without_views`` gives."""
    return pa.schema([field.with_type(_plain_type(field.type)) for field in schema], schema.metadata)


def common_metadata(found: Sequence[Mapping[bytes, bytes] | None]) -> dict[bytes, bytes]:
    """What the metadata of all parts of a table say alike: names of classes, say, but not the numbers of rows."""
    first, *others = [dict(one or {}) for one in found] or [{}]
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}


def has_categories(kind: pa.DataType) -> bool:
    """Whether values are categories, or hold some."""
    if pa.types.is_dictionary(kind):
        return True
    return any(has_categories(kind.field(i).type) for i in range(kind.num_fields))


def categories(table: pa.Table) -> pa.Table | None:
    """The columns of categories, as they are; None where there are none."""
    names = [field.name for field in table.schema if has_categories(field.type)]
    return table.select(names) if names else None


def with_categories(table: pa.Table, typed: pa.Table | None) -> pa.Table:
    """The table with the columns of categories in place of those with their values; both have the same rows."""
    if typed is None:
        return table
    for field in typed.schema:
        if field.name in table.column_names:
            table = table.set_column(table.column_names.index(field.name), field, typed.column(field.name))
    return table


def _plain_type(kind: pa.DataType) -> pa.DataType:
    types = pa.types
    if str(kind) == "string_view":
        return pa.large_string()
    if str(kind) == "binary_view":
        return pa.large_binary()
    if types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if types.is_large_list(kind) or types.is_list(kind):
        make = pa.large_list if types.is_large_list(kind) else pa.list_
        return make(kind.value_field.with_type(_plain_type(kind.value_type)))
    if types.is_struct(kind):
        return pa.struct([f.with_type(_plain_type(f.type)) for f in kind])
    return kind


def check_texts(schemas: Iterable[pa.Schema], common: pa.Schema) -> None:
    """Refuse a column of texts in one part and of bytes in another: Arrow's common type makes bytes of the texts.

    Raises:
        BytesAmongOthersError: with the column.
    """
    for schema in schemas:
        for field in schema:
            if turns_into_bytes(field.type, common.field(field.name).type):
                raise BytesAmongOthersError(column=field.name)


def turns_into_bytes(own: pa.DataType, common: pa.DataType) -> bool:
    """Whether texts of a part would be bytes in the type of all parts."""
    if "string" in str(own) and not own.num_fields:
        return "binary" in str(common)
    inner = {common.field(i).name: common.field(i).type for i in range(common.num_fields)}
    fields = [own.field(i) for i in range(own.num_fields)]
    if len(fields) == len(inner) == 1:
        return turns_into_bytes(fields[0].type, common.field(0).type)
    return any(turns_into_bytes(field.type, inner[field.name]) for field in fields if field.name in inner)
