"""Rows of Spark in the driver, as Arrow: through pandas whole numbers with nulls would become floats, and texts objects."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def fetched_from_spark(table: Any) -> pa.Table:
    """The rows of an ibis table of Spark, with the types of its schema."""
    backend = table.get_backend()
    # What ibis does before it runs a table.
    backend._run_pre_execute_hooks(table)
    frame = backend.raw_sql(backend.compile(table))
    schema = table.schema().to_pyarrow()
    if hasattr(frame, "toArrow"):
        try:
            return typed(frame.toArrow(), schema)
        except (pa.ArrowException, TypeError, NotImplementedError):
            # Types that Arrow and Spark do not exchange.
            pass
    return table.to_pyarrow()


def typed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns, in their order, with the names and types of a schema."""
    columns = [column.cast(field.type) for column, field in zip(table.columns, schema, strict=True)]
    return pa.Table.from_arrays(columns, schema=schema)
