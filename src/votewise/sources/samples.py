"""The first values of columns that say something: a person may have voted on the last rows only."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Bools
from votewise.sources.cells import is_string
from votewise.sources.containers.stand_in_type import is_in_files
from votewise.sources.rows import Rows
from votewise.sources.values import is_marked

MOST = 200


def samples(rows: Rows, names: Sequence[str] | None = None, most: int = MOST) -> pa.Table:
    """The first values that are neither null nor empty of each column, of all rows, filled up with nulls.

    The rows of this table are none of the source's: what stands side by side belongs to different rows.

    Args:
        rows: the source's rows.
        names: the columns; all by default.
        most: the number of values.
    """
    wanted = list(names or rows.table.column_names)
    at = {name: _places(rows, name, most) for name in wanted}
    length = max(map(len, at.values()), default=0)
    columns = [_column(rows, name, at[name], length) for name in wanted]
    return pa.Table.from_arrays(columns, schema=pa.schema([rows.head.schema.field(name) for name in wanted]))


def _places(rows: Rows, name: str, most: int) -> npt.NDArray[np.int64]:
    """Rows of these values."""
    column = rows.table.column(name)
    left = rows.source.stand_ins
    if left is not None and left.in_database and is_in_files(rows.table.schema.field(name)):
        column = column.slice(0, len(rows.head))  # no texts leave a database for this
    found = np.flatnonzero(_says_something(column.slice(0, most)))
    if len(found) < most < len(column) and column.null_count < len(column):
        found = np.flatnonzero(_says_something(column))[:most]
    return found


def _column(rows: Rows, name: str, at: npt.NDArray[np.int64], length: int) -> pa.ChunkedArray:
    """The values in these rows, and nulls up to the length."""
    field = rows.head.schema.field(name)
    filled = [*at.tolist(), *[None] * (length - len(at))]
    if not is_in_files(rows.table.schema.field(name)):
        return rows.table.column(name).take(pa.array(filled, pa.int64()))
    if len(at) == 0 or at[-1] < len(rows.head):
        return rows.head.column(name).take(pa.array(filled, pa.int64()))
    values = rows.peek(name)
    found = [None if i is None else values[i] for i in filled]
    if is_marked(field):
        found = [None if value is None else json.dumps(value) for value in found]
    return pa.chunked_array([pa.array(found, field.type)])


def _says_something(column: pa.ChunkedArray) -> Bools:
    known = column.is_valid()
    if is_string(column.type):
        known = pc.and_(known, pc.fill_null(pc.not_equal(column, ""), False))
    return np.asarray(known.to_numpy(zero_copy_only=False), bool)
