"""The pairs' texts and names, each from the first row that shows the pair."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from votewise.data.identity import ALSO, TEXTS, Codes, pair_names
from votewise.data.lazy_table import LazyTable
from votewise.sources.canonical import MODELS
from votewise.sources.cells import TEXT
from votewise.sources.stored_votes import StoredVotes


def texts_of(table: pa.Table, stored: StoredVotes | None, first: Codes) -> Any:
    """Prompt, responses, what else a model sees, and models, one row per pair.

    Args:
        table: the canonical votes.
        stored: where their texts are; None where all are in the table.
        first: (M,) index of the first vote on each pair, ascending.
    """
    names = [name for name in (*TEXTS, ALSO, *MODELS) if name in table.column_names]
    if "prompt" not in names:
        names.insert(0, "prompt")
    return _of(table, stored, first, names)


def names_of(table: pa.Table, stored: StoredVotes | None, first: Codes) -> pa.Array:
    """The names of pairs: as the source gives them, else a hash of the texts; see ``texts_of``."""
    names = [name for name in ("pair", *TEXTS, ALSO) if name in table.column_names]
    if "pair" in names and table.column("pair").take(pa.array(first)).null_count == 0:
        names = ["pair"]
    table = table.select(names).take(pa.array(first))
    if ALSO not in names or stored is None or not pa.types.is_fixed_size_binary(table.schema.field(ALSO).type):
        return pair_names(table)
    left = stored.with_texts(table.drop_columns([ALSO]), names, {ALSO: stored.column(ALSO)}, stored.at[first])
    return pa.concat_arrays([pair_names(batch) for batch in left.batches()])


def some_texts(table: pa.Table, stored: StoredVotes | None, at: Codes) -> pa.Table:
    """Prompt and responses of a few canonical votes, which are given by their ascending indices; see ``texts_of``."""
    found = _of(table, stored, at, [name for name in TEXTS if name in table.column_names])
    first = None if stored is None or not isinstance(found, LazyTable) else stored.first_rows(stored.at[at])
    some: pa.Table = found.slice(0, len(at)) if first is None else found.together(found.here, found.stored.typed(first))
    return some


def _of(table: pa.Table, stored: StoredVotes | None, first: Codes, names: list[str]) -> Any:
    """These columns of the canonical votes, null where there are none; stand-ins become columns that are in files."""
    there = set(table.column_names)
    left = [name for name in names if name in there and pa.types.is_fixed_size_binary(table.schema.field(name).type)]
    here = {
        name: table.column(name).take(pa.array(first)) if name in there else pa.nulls(len(first), TEXT)
        for name in names
        if name not in left
    }
    if not left or stored is None:
        return pa.table(here)
    return stored.with_texts(pa.table(here), names, {name: stored.column(name) for name in left}, stored.at[first])
