"""Values inside objects as columns: ``--columns annotator=metadata.annotator_id`` names a value by its path."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from votewise.sources.cells import is_string
from votewise.sources.texts.text_conversations import parsed_object
from votewise.sources.values import MARK, decoded, is_marked, to_column


def with_inner(table: pa.Table, path: str) -> pa.Table:
    """The table with a further column for a value inside of an object, called by its path; unchanged where there is none.

    Args:
        table: a source's table.
        path: a column and the keys that lead to the value, joined by dots.
    """
    if path in table.column_names:
        return table
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:end])
        if name in table.column_names:
            return _taken(table, name, parts[end:], path)
    return table


def inner_names(table: pa.Table, name: str) -> list[str]:
    """The keys of the objects in a column, in the order in which they appear; empty where it holds none."""
    field = table.schema.field(name)
    if pa.types.is_struct(field.type):
        return [field.type.field(i).name for i in range(field.type.num_fields)]
    if not is_marked(field) and not is_string(field.type):
        return []
    values = decoded(table.slice(0, 50), name)
    values = [parsed_object(v) if isinstance(v, str) and v.lstrip().startswith("{") else v for v in values]
    return list(dict.fromkeys(key for value in values if isinstance(value, dict) for key in value))


def _taken(table: pa.Table, name: str, keys: list[str], path: str) -> pa.Table:
    column = table.column(name)
    kind = column.type
    for key in keys:
        if not pa.types.is_struct(kind) or kind.get_field_index(key) < 0:
            return _decoded(table, name, keys, path)
        kind = kind.field(kind.get_field_index(key)).type
    return table.append_column(path, pc.struct_field(column, keys))


def _decoded(table: pa.Table, name: str, keys: list[str], path: str) -> pa.Table:
    """The same for objects that are kept as JSON."""
    found = decoded(table, name)
    found = [parsed_object(value) if isinstance(value, str) else value for value in found]
    for key in keys:
        found = [value.get(key) if isinstance(value, dict) else None for value in found]
    if all(value is None for value in found):
        return table
    array, marked = to_column(found)
    return table.append_column(pa.field(path, array.type, metadata=MARK if marked else None), array)
