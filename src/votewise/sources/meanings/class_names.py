"""Columns of class numbers whose names the file knows: ClassLabel columns of 🤗 data sets."""

from __future__ import annotations

import json

import pyarrow as pa

from votewise.sources.cells import TEXT


def with_class_names(table: pa.Table) -> pa.Table:
    """The table with the names of classes in place of their numbers, as its own metadata has them; -1 becomes null."""
    for name, names in class_names(table.schema).items():
        column = table.column(name)
        numbers = column.to_pylist()
        if all(number is None or -1 <= number < len(names) for number in numbers):
            texts = [None if number is None or number < 0 else names[number] for number in numbers]
            table = table.set_column(table.column_names.index(name), name, pa.array(texts, TEXT))
    return table


def class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """The names of the classes of each column of class numbers, by the metadata that 🤗 data sets write."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        found = {name: feature["names"] for name, feature in features.items() if feature.get("_type") == "ClassLabel"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {
        name: names
        for name, names in found.items()
        if name in schema.names
        and pa.types.is_integer(schema.field(name).type)
        and isinstance(names, list)
        and all(isinstance(text, str) for text in names)
    }
