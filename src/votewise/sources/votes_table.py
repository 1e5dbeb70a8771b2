"""The table that comes with votes: the source's columns, or the canonical ones where a row holds several votes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.data.identity import Codes
from votewise.data.lazy_table import LazyTable, StoredColumns
from votewise.data.own_columns import free_name
from votewise.data.votes import judgement_names
from votewise.sources.canonical import JUDGEMENT, Canonical
from votewise.sources.cells import TEXT, is_string
from votewise.sources.containers.plain_types import with_categories
from votewise.sources.containers.stand_in_type import TextsNeededError
from votewise.sources.containers.stand_ins import StandIns
from votewise.sources.encode import Encoded
from votewise.sources.meanings.margins import LOG_ODDS
from votewise.sources.rows import Rows
from votewise.sources.values import is_marked


def votes_table(rows: Rows, canonical: Canonical, encoded: Encoded) -> Any:
    """The source's columns, one row per kept vote; where a row has several votes, the canonical columns come first."""
    row = pa.array(encoded.fields["row"])
    source = rows.source.own
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
    return with_carried(own, rows, row)


def with_carried(own: pa.Table, rows: Rows, row: pa.Array, *, without: Collection[str] = ()) -> pa.Table:
    """Votes given one by one with the source's other columns: ``row`` is that of each vote.

    Lists and objects that votes were read from are in ``own`` one by one. Where another column has the name of one of ours
    and does not say the same, it keeps the name. ``without`` are columns to leave out.
    """
    names = {own_name: name for name, own_name in rows.renames.items()}
    source = rows.source.own
    carried: dict[str, pa.ChunkedArray] = {}
    for field in source.schema:
        inside = (pa.types.is_nested(field.type) or is_marked(field)) and names.get(
            field.name, field.name
        ) in rows.roles
        if field.name not in without and not inside:
            carried[field.name] = source.column(field.name).take(row)
            if field.name in own.column_names and _same(own.column(field.name), carried[field.name]):
                del carried[field.name]
    own = own.rename_columns([free_name(name, carried) for name in own.column_names])
    for name, column in carried.items():
        own = own.append_column(source.schema.field(name), column)
    return own.replace_schema_metadata(source.schema.metadata)


def _same(ours: pa.ChunkedArray, own: pa.ChunkedArray) -> bool:
    """Whether a column of ours says what the source's column of its name says."""
    if is_string(ours.type) and is_string(own.type):
        ours, own = ours.cast(TEXT), own.cast(TEXT)
    return bool(ours.type == own.type and ours.equals(own))


def _left_in_files(source: StandIns, rows: Codes) -> LazyTable:
    """These rows of a source whose texts stay in its files."""
    texts = source.columns
    here = with_categories(source.table, source.files.categories()).drop_columns(list(texts))
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
