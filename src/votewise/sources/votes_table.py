"""The table that comes with votes: the source's columns, or the canonical ones where a row holds several votes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.data.own_columns import free_name
from votewise.data.votes import judgement_names
from votewise.sources.canonical import JUDGEMENT, PLACE, Canonical
from votewise.sources.cells import TEXT, is_string
from votewise.sources.containers.plain_types import with_categories
from votewise.sources.containers.stand_in_type import (
    DIGEST,
    TextsNeededError,
    digests,
    is_in_files,
    is_left,
    is_stand_in,
    original_type,
)
from votewise.sources.containers.stand_ins import StandIns
from votewise.sources.encode import Encoded
from votewise.sources.meanings.margins import LOG_ODDS
from votewise.sources.rows import Rows
from votewise.sources.stored_votes import Stored
from votewise.sources.values import is_marked


def votes_table(rows: Rows, canonical: Canonical, encoded: Encoded) -> Any:
    """The source's columns, one row per kept vote; where a row has several votes, the canonical columns come first."""
    if canonical.one_per_row:
        return _rows_of_source(rows, encoded)
    table, position = canonical.table, encoded.fields["position"]
    own = table.drop_columns([name for name in ("row", PLACE) if name in table.column_names]).take(pa.array(position))
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
    row = pa.array(encoded.fields["row"])
    return with_carried(own, rows, row) if encoded.stored is None else with_carried_in_files(own, rows, encoded)


def _rows_of_source(rows: Rows, encoded: Encoded) -> Any:
    row, stored, left = encoded.fields["row"], encoded.stored, rows.source.stand_ins
    if stored is None or left is None:
        source = rows.source.own
        # A mask, because take would first copy every column into one piece.
        chosen = np.zeros(len(source), bool)
        chosen[row] = True
        return source if len(row) == len(source) else source.filter(pa.array(chosen))
    here = with_categories(left.table, left.files.categories()).drop_columns(list(left.columns))
    if len(row) < len(here):
        here = here.take(pa.array(row))
    where = {name: (name, left.files.schema.field(name)) for name in left.columns}
    return stored.with_texts(here, left.table.column_names, where, row)


def with_carried(own: pa.Table, rows: Rows, row: pa.Array, *, without: Collection[str] = ()) -> pa.Table:
    """Votes given one by one with the source's other columns: ``row`` is that of each vote.

    Lists and objects that votes were read from are in ``own`` one by one. Where another column has the name of one of ours
    and does not say the same, it keeps the name. ``without`` are columns to leave out.
    """
    source = rows.source.own
    carried: dict[str, pa.ChunkedArray] = {}
    for field in source.schema:
        if field.name not in without and not _is_read_inside(rows, field):
            carried[field.name] = source.column(field.name).take(row)
            if field.name in own.column_names and _same(own.column(field.name), carried[field.name]):
                del carried[field.name]
    own = own.rename_columns([free_name(name, carried) for name in own.column_names])
    for name, column in carried.items():
        own = own.append_column(source.schema.field(name), column)
    return own.replace_schema_metadata(source.schema.metadata)


def with_carried_in_files(own: pa.Table, rows: Rows, encoded: Encoded) -> Any:
    """The same for votes whose texts are in files; ``own`` has digests of them."""
    left, stored, row = rows.source.stand_ins, encoded.stored, pa.array(encoded.fields["row"])
    assert left is not None  # noqa: S101 (for type checkers: they are there where texts are in files)
    assert stored is not None  # noqa: S101
    source = with_categories(left.table, left.files.categories())
    where: dict[str, Stored] = {field.name: stored.column(field.name) for field in own.schema if field.type == DIGEST}
    kept = [field for field in source.schema if not _is_read_inside(rows, field)]
    kept = [field for field in kept if not (field.name in own.column_names and _same_in_files(own, left, field, row))]
    carried = {field.name for field in kept}
    ours = {name: free_name(name, carried) for name in own.column_names}
    names = [*ours.values(), *(field.name for field in kept)]
    here = own.drop_columns(list(where))
    here = here.rename_columns([ours[name] for name in here.column_names])
    where = {ours[name]: place for name, place in where.items()}
    for field in kept:
        if is_in_files(field):
            where[field.name] = (field.name, left.files.schema.field(field.name))
        else:
            here = here.append_column(field, source.column(field.name).take(row))
    here = here.replace_schema_metadata(source.schema.metadata)
    return stored.with_texts(here, names, where, stored.at[encoded.fields["position"]]) if where else here


def _is_read_inside(rows: Rows, field: pa.Field) -> bool:
    """Whether votes were read from the lists or objects of a column of the source."""
    names = {own_name: name for name, own_name in rows.renames.items()}
    nested = pa.types.is_nested(original_type(field)) or is_marked(field)
    return bool(nested and names.get(field.name, field.name) in rows.roles)


def _same_in_files(own: pa.Table, left: StandIns, field: pa.Field, row: pa.Array) -> bool:
    ours, source = own.column(field.name), left.table.column(field.name)
    if is_left(field) and is_string(original_type(field)) and (is_string(ours.type) or ours.type == DIGEST):
        raise TextsNeededError(field.name)
    source = (digests(source) if is_stand_in(field) else source).take(row)
    if DIGEST in (ours.type, source.type):
        ours, source = (left.of(c.cast(TEXT)) if is_string(c.type) else c for c in (ours, source))
    return _same(ours, source)


def _same(ours: pa.ChunkedArray, own: pa.ChunkedArray) -> bool:
    """Whether a column of ours says what the source's column of its name says."""
    if is_string(ours.type) and is_string(own.type):
        ours, own = ours.cast(TEXT), own.cast(TEXT)
    return bool(ours.type == own.type and ours.equals(own))


def _timestamps(seconds: pa.ChunkedArray) -> pa.Array:
    found = seconds.to_numpy(zero_copy_only=False)
    micros = np.where(np.isnan(found), 0, np.rint(np.nan_to_num(found) * 1e6)).astype(np.int64)
    return pa.array(micros, mask=np.isnan(found)).cast(pa.timestamp("us", "UTC"))
