"""The pairs' texts and names, each from the first row that shows the pair."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from votewise.data.identity import ALSO, TEXTS, Codes, pair_names
from votewise.data.lazy_table import LazyTable, StoredColumns
from votewise.sources.canonical import MODELS
from votewise.sources.cells import TEXT
from votewise.sources.containers.stand_in_type import TextsNeededError, digests, is_stand_in
from votewise.sources.rows import Rows


def texts_of(rows: Rows, table: pa.Table, first: Codes) -> Any:
    """Prompt, responses, what else a model sees, and models, one row per pair.

    Args:
        rows: the source's rows.
        table: the canonical votes.
        first: (M,) index of the first vote on each pair, ascending.
    """
    names = [name for name in (*TEXTS, ALSO, *MODELS) if name in table.column_names]
    if "prompt" not in names:
        names.insert(0, "prompt")
    return _of(rows, table, first, names)


def names_of(rows: Rows, table: pa.Table, first: Codes) -> pa.Array:
    """The names of pairs: as the source gives them, else a hash of the texts; see ``texts_of``."""
    names = [name for name in ("pair", *TEXTS, ALSO) if name in table.column_names]
    if "pair" in names and table.column("pair").take(pa.array(first)).null_count == 0:
        names = ["pair"]
    found = _of(rows, table, first, names)
    if isinstance(found, LazyTable):
        return pa.concat_arrays([pair_names(batch) for batch in found.batches()])
    return pair_names(found)


def _of(rows: Rows, table: pa.Table, first: Codes, names: list[str]) -> Any:
    """These columns of the canonical votes, null where there are none; stand-ins become columns that are in files."""
    there = set(table.column_names)
    left = [name for name in names if name in there and pa.types.is_fixed_size_binary(table.schema.field(name).type)]
    here = {
        name: table.column(name).take(pa.array(first)) if name in there else pa.nulls(len(first), TEXT)
        for name in names
        if name not in left
    }
    source = rows.source.stand_ins
    if not left or source is None:
        return pa.table(here)
    own = {name: rows.source_column(_origin(rows, table, name)) for name in left}
    schema = pa.schema([pa.field(name, TEXT) for name in left])
    at = table.column("row").to_numpy()[first]
    return LazyTable(names, pa.table(here), StoredColumns(source.files, own, schema, at))


def _origin(rows: Rows, table: pa.Table, name: str) -> str:
    """The column of the source that a column of stand-ins was taken from."""
    found, row = table.column(name).combine_chunks(), table.column("row")
    for field in rows.table.schema:
        if is_stand_in(field) and digests(rows.table.column(field.name)).take(row).combine_chunks().equals(found):
            return str(field.name)
    raise TextsNeededError
