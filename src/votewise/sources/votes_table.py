"""The table that comes with votes: the source's columns, or the canonical ones where a row holds several votes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from votewise.data.identity import Codes
from votewise.data.lazy_table import LazyTable, StoredColumns
from votewise.data.votes import judgement_names
from votewise.sources.canonical import JUDGEMENT, Canonical
from votewise.sources.containers.stand_in_type import TextsNeededError
from votewise.sources.containers.stand_ins import StandIns
from votewise.sources.encode import Encoded
from votewise.sources.meanings.margins import LOG_ODDS
from votewise.sources.rows import Rows

BEFORE = "judgement_before"
"""A column called ``judgement`` of a source whose votes have judgements of their own, such as rankings."""


def votes_table(rows: Rows, canonical: Canonical, encoded: Encoded) -> Any:
    """The source's columns, one row per kept vote; where a row has several votes, the canonical columns come first."""
    row = pa.array(encoded.fields["row"])
    source = rows.source.table
    if rows.source.stand_ins is not None:
        if not canonical.one_per_row:
            raise TextsNeededError("row")
        return _left_in_files(rows.source.stand_ins, encoded.fields["row"])
    if canonical.one_per_row:
        # A mask, because take would first copy every column into one piece.
        chosen = np.zeros(len(source), bool)
        chosen[encoded.fields["row"]] = True
        return source if len(row) == len(source) else source.filter(pa.array(chosen))
    own = canonical.table.drop_columns(["row"]).take(pa.array(encoded.fields["position"]))
    names = encoded.fields["pair_ids"].take(pa.array(encoded.fields["pair"]))
    if "pair" in own.column_names:
        own = own.drop_columns(["pair"])
    own = own.add_column(0, "pair", names)
    if JUDGEMENT in own.column_names:
        own = own.drop_columns([JUDGEMENT])
    codes = encoded.fields.get("judgement")
    if codes is not None:
        own = own.append_column(JUDGEMENT, judgement_names(codes))
    # Under this name the column is read again as what it is: see ``margins``.
    own = own.rename_columns([LOG_ODDS if name == "margin" else name for name in own.column_names])
    if "time" in own.column_names:
        seconds = own.column("time").cast(pa.float64())
        own = own.set_column(own.column_names.index("time"), "time", _timestamps(seconds))
    for field in source.schema:
        nested = pa.types.is_nested(field.type) or field.metadata
        if nested:
            continue
        if field.name not in own.column_names:
            own = own.append_column(field, source.column(field.name).take(row))
        elif field.name == JUDGEMENT:
            own = own.append_column(BEFORE, source.column(field.name).take(row))
    return own


def _left_in_files(source: StandIns, rows: Codes) -> LazyTable:
    """These rows of a source whose texts stay in its files."""
    texts = source.columns
    here = source.table.drop_columns(list(texts))
    if len(rows) < len(here):
        here = here.take(pa.array(rows))
    schema = pa.schema([source.files.schema.field(name) for name in texts])
    stored = StoredColumns(
        source.files, {name: name for name in texts}, schema, None if len(rows) == len(source.files) else rows
    )
    return LazyTable(source.table.column_names, here, stored)


def _timestamps(seconds: pa.ChunkedArray) -> pa.Array:
    found = seconds.to_numpy(zero_copy_only=False)
    micros = np.where(np.isnan(found), 0, np.rint(np.nan_to_num(found) * 1e6)).astype(np.int64)
    return pa.array(micros, mask=np.isnan(found)).cast(pa.timestamp("us", "UTC"))
