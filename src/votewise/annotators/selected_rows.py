"""The selected votes or pairs of an audit -> rows of the plain format, each with its confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.annotators.group_members import group_column
from votewise.annotators.select import Selection
from votewise.arrays import Floats, Signs
from votewise.data.derived_table import DerivedTable
from votewise.data.identity import ALSO
from votewise.data.lazy_table import LazyTable, StoredColumns, with_columns
from votewise.data.own_columns import free_name, read_back
from votewise.data.preference_shapes import FLIPPED, TOGETHER, pick
from votewise.data.votes import Votes, judgement_names
from votewise.sources.cells import is_string, whole_numbers

CONSENSUS = "consensus"
"""The annotator's name in a row that stands for all votes on a pair."""

SWAP = "votewise_swap"

TEXTS = ("prompt", "response_a", "response_b", ALSO, "model_a", "model_b")

_OTHER = {"response_a": "response_b", "response_b": "response_a", "model_a": "model_b", "model_b": "model_a"}


def pair_rows(pairs: Any, selection: Selection) -> Any:
    """The selected pairs in the plain format, one row each, with the likelier response as the label.

    Args:
        pairs: beliefs about pairs with their texts, as in ``pairs.parquet``.
        selection: from ``select_pairs``.
    """
    texts = [name for name in TEXTS if name in pairs.column_names]
    own = pairs.select(["pair", *texts])
    return with_columns(
        own.some(selection.rows) if isinstance(own, LazyTable) else own.take(pa.array(selection.rows)),
        {
            "annotator": pa.repeat(pa.scalar(CONSENSUS), len(selection.rows)),
            "label": _labels(selection.sign),
            "confidence": pa.array(selection.confidence),
        },
    )


def vote_rows(
    votes: Votes, selection: Selection, carried: Sequence[str] = (), members: Mapping[str, str] | None = None
) -> Any:
    """The selected votes in the plain format, each with its responses in the order in which they were shown.

    ``carried`` are the source's other columns; where one has the name of one of ours, it keeps the name. ``members`` says
    which group each annotator is in, for a column ``group``; none of it without groups.
    """
    texts = votes.texts
    in_files = set(texts.in_files) if isinstance(texts, LazyTable) and isinstance(votes.table, LazyTable) else set()
    if {"response_a", "response_b"} <= in_files and votes.flipped is not None:
        return _left_in_files(votes, selection, texts, carried, members)
    return _beside(_vote_rows(votes, selection, texts, members), _of_source(votes, selection, carried))


def _of_source(votes: Votes, selection: Selection, carried: Sequence[str]) -> Any:
    """These columns of the source, in the rows of the selected votes; None without any."""
    if votes.table is None or not carried:
        return None
    own = votes.table.select(list(carried))
    return own.some(selection.rows) if isinstance(own, LazyTable) else own.take(pa.array(selection.rows))


def _beside(plain: pa.Table, own: Any) -> Any:
    """Our columns before the source's."""
    if own is None:
        return plain
    names = [free_name(name, own.column_names) for name in plain.column_names]
    return with_columns(own, dict(zip(names, plain.columns, strict=True)), first=True)


def _left_in_files(
    votes: Votes, selection: Selection, texts: Any, carried: Sequence[str], members: Mapping[str, str] | None
) -> DerivedTable:
    """The same, with the texts of every vote's own row, which are those of its pair."""
    assert votes.table is not None  # noqa: S101 (for type checkers: the votes were read from a file)
    assert votes.flipped is not None  # noqa: S101
    left, own = texts.in_files, votes.table.stored.rows
    rows = selection.rows if own is None else own[selection.rows]
    plain = _vote_rows(votes, selection, texts.drop_columns(left), members)
    shown_first = np.zeros(len(rows), bool) if votes.swapped is None else votes.swapped[selection.rows]
    swap = pa.array(votes.flipped[selection.rows] != shown_first)
    names = [plain.column_names[0], *(name for name in TEXTS if name in texts.column_names)]
    names += [name for name in plain.column_names if name not in names]
    more = _of_source(votes, selection, carried)
    moved = {name: free_name(name, carried) for name in names}
    stored, here = StoredColumns(texts.stored.store, texts.stored.names, texts.stored.schema, rows), plain
    stored = stored.renamed({name: moved[name] for name in left})
    here = here.rename_columns([moved[name] for name in here.column_names]).append_column(SWAP, swap)
    if isinstance(more, LazyTable):
        stored = stored.beside(more.stored)
        more = more.here
    if more is not None:
        here = with_columns(more, {name: here[name] for name in here.column_names}, first=True)
    a_name, b_name = moved["response_a"], moved["response_b"]
    every = [*moved.values(), *carried]

    def oriented(batch: pa.Table) -> pa.Table:
        swapped = np.asarray(batch[SWAP].to_numpy(zero_copy_only=False), bool)
        a, b = batch[a_name], batch[b_name]
        own = {a_name: pick(a, b, swapped), b_name: pick(b, a, swapped)} if swapped.any() else {}
        columns = [own.get(name, batch[name]) for name in every]
        schema = pa.schema([batch.schema.field(name) for name in every], batch.schema.metadata)
        return pa.Table.from_arrays(columns, schema=schema)

    table = LazyTable([*every, SWAP], here, stored)
    return DerivedTable(table, oriented, [*stored.names])


def _vote_rows(votes: Votes, selection: Selection, texts: Any, members: Mapping[str, str] | None) -> pa.Table:
    rows, pair = selection.rows, votes.pair[selection.rows]
    swapped = np.zeros(len(rows), bool) if votes.swapped is None else votes.swapped[rows]
    shown = np.where(swapped, -1, 1).astype(np.int8)
    columns = {"pair": votes.pair_ids.take(pa.array(pair))}
    if texts is not None and len(texts.column_names):
        texts = texts.take(pa.array(pair))
        for name in TEXTS:
            if name in texts.column_names:
                other = _OTHER.get(name)
                columns[name] = texts[name] if other is None else pick(texts[name], texts[other], swapped)
    columns["annotator"] = votes.annotator_ids.take(pa.array(votes.annotator[rows]))
    if members:
        columns[TOGETHER] = group_column(votes.annotator_ids, members).take(pa.array(votes.annotator[rows]))
    columns["label"] = _labels(selection.sign * shown)
    columns["confidence"] = pa.array(selection.confidence)
    if selection.flips:
        columns[FLIPPED] = pa.array(selection.flipped)
    if votes.domain is not None:
        columns["domain"] = _domains(votes, rows)
    if votes.time is not None:
        columns["time"] = _timestamps(votes.time[rows])
    if votes.judgement is not None:
        columns["judgement"] = judgement_names(votes.judgement[rows])
    if votes.margin is not None:
        columns["log_odds"] = pa.array(votes.margin[pair] * shown)
    if votes.gold is not None:
        columns["gold"] = _labels(votes.gold[pair] * shown)
    return pa.table(columns)


def _domains(votes: Votes, rows: npt.NDArray[np.intp]) -> Any:
    """What the votes' own rows say, which may differ within a pair; the pairs' domains where the rows are not at hand."""
    own = _own_domains(votes, rows)
    if own is not None:
        return own
    assert votes.domain is not None  # noqa: S101 (for type checkers: the caller has looked)
    codes = votes.domain[votes.pair[rows]]
    return pa.array(votes.domain_ids, pa.string()).take(pa.array(codes, mask=codes < 0))


def _own_domains(votes: Votes, rows: npt.NDArray[np.intp]) -> Any:
    if votes.table is None or votes.reading is None:
        return None
    there = votes.table.column_names
    named = [column.name for column in votes.reading.columns if column.role == "domain"]
    if not votes.reading.one_per_row:
        # Its columns are ours, of which the source may have one of this name.
        named = [read_back(there, ["domain"]).get("domain", "domain")]
    if len(named) != 1 or named[0] not in there:
        return None
    column = votes.table[named[0]].take(pa.array(rows))
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        return whole_numbers(column)[0]
    return column.cast(pa.string()) if is_string(column.type) or pa.types.is_integer(column.type) else None


def _timestamps(seconds: Floats) -> pa.Array:
    known = np.isfinite(seconds)
    micros = (np.where(known, seconds, 0) * 1e6).round().astype(np.int64)
    return pa.array(micros, mask=~known).cast(pa.timestamp("us", "UTC"))


def _labels(sign: Signs) -> pa.Array:
    """+1 -> a, -1 -> b, 0 -> null."""
    return pa.array(np.where(sign > 0, "a", "b"), pa.string(), mask=sign == 0)
