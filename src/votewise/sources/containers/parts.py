"""Sources that are read part by part: one type for each column of all parts, and one table of them.

A column has the type that it would have if all values were read at once: missing values take any type, whole numbers among
floats become floats, and objects get the keys of all. What fits no type becomes JSON text (see ``values``).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence

import numpy as np
import pyarrow as pa

from votewise.sources.containers.loaded import Loaded
from votewise.sources.containers.plain_types import check_texts
from votewise.sources.values import MARK, MAX_FIELDS, decoded, is_marked


class MisfitError(Exception):
    """A value of this column does not fit into the type of all parts: a whole number that no float is equal to."""


def join_parts(parts: Iterable[Loaded]) -> Loaded:
    """All parts as one; row numbers are left out where they are consecutive."""
    found = list(parts)
    tables = fitted_tables([part.table for part in found])
    broken = tuple(broken for part in found for broken in part.broken)
    counted = [part.numbers for part in found if part.numbers is not None]
    numbers = np.concatenate(counted) if counted else np.arange(0)
    consecutive = len(numbers) == 0 or int(numbers[-1]) == len(numbers)
    notes = tuple(dict.fromkeys(note for part in found for note in part.notes))
    return Loaded(pa.concat_tables(tables) if tables else pa.table({}), broken, None if consecutive else numbers, notes)


def fitted_tables(tables: Sequence[pa.Table]) -> list[pa.Table]:
    """The tables with one schema."""
    if all(table.schema.equals(tables[0].schema, check_metadata=True) for table in tables):
        return list(tables)
    as_json: set[str] = set()
    while True:
        schema = common_schema([table.schema for table in tables], as_json)
        try:
            return [fitted(table, schema) for table in tables]
        except MisfitError as misfit:
            as_json.add(str(misfit))


def common_schema(schemas: Iterable[pa.Schema], as_json: Collection[str] = ()) -> pa.Schema:
    """The columns of all schemas, in the order in which they first appear, with types that hold the values of all.

    Args:
        schemas: of the parts.
        as_json: columns that are JSON text whatever their types are.
    """
    fields: dict[str, pa.Field] = {}
    for schema in schemas:
        for field in schema:
            field = field if is_marked(field) else field.remove_metadata()
            known = fields.get(field.name)
            fields[field.name] = field if known is None else _common(known, field)
    return pa.schema([_json_text(name) if name in as_json else field for name, field in fields.items()])


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A part with the columns and types of all; MisfitError with the column that has a value that does not fit."""
    if table.schema.equals(schema, check_metadata=True):
        return table
    columns = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(pa.nulls(len(table), field.type))
        elif is_marked(field) and not is_marked(table.schema.field(field.name)):
            texts = [None if value is None else json.dumps(value, default=str) for value in decoded(table, field.name)]
            columns.append(pa.array(texts, field.type))
        else:
            try:
                columns.append(table.column(field.name).cast(field.type))
            except pa.ArrowException as error:
                raise MisfitError(field.name) from error
    return pa.Table.from_arrays(columns, schema=schema)


def _common(one: pa.Field, other: pa.Field) -> pa.Field:
    if one.equals(other, check_metadata=True) or pa.types.is_null(other.type):
        return one
    if pa.types.is_null(one.type):
        return other
    if is_marked(one) or is_marked(other):
        return _json_text(one.name)
    try:
        found = pa.unify_schemas([pa.schema([one]), pa.schema([other])], promote_options="permissive").field(0)
    except pa.ArrowException:
        return _json_text(one.name)
    check_texts([pa.schema([one]), pa.schema([other])], pa.schema([found]))
    return found if _fields_in(found.type) <= MAX_FIELDS else _json_text(one.name)


def _json_text(name: str) -> pa.Field:
    return pa.field(name, pa.large_string(), metadata=MARK)


def _fields_in(kind: pa.DataType) -> int:
    inner = [kind.field(i) for i in range(kind.num_fields)]
    own = len(inner) if pa.types.is_struct(kind) else 0
    return own + sum(_fields_in(field.type) for field in inner)
