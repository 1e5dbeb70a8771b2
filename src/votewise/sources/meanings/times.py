"""When somebody voted, where no column is called ``time``: of a person's votes on one pair the latest counts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from votewise.sources.cells import is_number, is_string, scaled
from votewise.sources.containers.stand_in_type import TextsNeededError, is_in_files
from votewise.sources.dates import moments
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.rows import Rows

TIMES = (
    "updated_at", "modified_at", "submitted_at", "completed_at", "finished_at", "annotated_at", "voted_at", "judged_at",
    "created_at", "timestamp", "tstamp", "datetime", "updated", "submitted", "created", "inserted_at", "end_time", "date",
    "last_updated", "last_modified", "modified", "edited_at", "last_edited", "changed_at", "revised_at", "answered_at",
    "rated_at", "clicked_at", "submit_time", "submission_time", "time_submitted", "event_time", "end_date", "recorded_date",
    "ts", "unix_time",
)  # fmt: skip
"""Columns of times, those about the last change of a vote first."""

OLDEST = 3e8
"""Seconds since 1970: smaller numbers are durations or counts."""


def time_column(rows: Rows) -> str | None:
    """The column that says when each vote was cast, if all its values are times; None where there is none."""
    plain = {plain_name(name): name for name in rows.table.column_names if name not in rows.roles}
    return next((plain[name] for name in TIMES if name in plain and _all_times(rows, plain[name])), None)


def _all_times(rows: Rows, name: str) -> bool:
    column = rows.table.column(name)
    if is_string(rows.type_of(name)) and is_in_files(rows.table.schema.field(name)):
        raise TextsNeededError(name)
    if column.null_count == len(column):
        return False
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return True
    if is_number(column.type):
        found = scaled(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
    elif is_string(column.type):
        read = moments(column)
        if read.wrong.any():
            return False
        found = read.seconds
    else:
        return False
    known = found[~np.isnan(found)]
    return len(known) == len(column) - column.null_count and bool((known > OLDEST).all())
