"""Canonical votes -> ``Votes``: names become codes, pairs get one orientation, repeated votes are dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools, Floats, Ints, Signs
from votewise.data.identity import TEXTS, Codes, joined_codes, pair_codes, pair_names, text_keys
from votewise.sources.canonical import MODELS, Canonical
from votewise.sources.cells import TEXT
from votewise.sources.rows import Rows

TOLERANCE = 1e-6
"""By how much two rows' margins for one pair may differ."""


@dataclass(frozen=True)
class Encoded:
    """The fields of ``Votes``, as far as the canonical votes tell them, and what was dropped on the way."""

    fields: dict[str, Any]
    identical: int
    repeated: int


def encode(rows: Rows, canonical: Canonical) -> Encoded:
    """Code the votes. Rows that contradict an earlier row about the same pair are noted in ``rows`` and left out."""
    table = canonical.table
    signs = _signs(table.column("label"))
    texts = _text_codes(table)
    # Two equal responses are a pair only where the source names it as one: else nobody can say which was meant.
    keep = ~_same(table, texts) | (signs == 0)
    identical = int((~keep).sum())

    pair, flipped, wrong = _pairs(rows, table, texts, keep)
    keep &= ~wrong
    for name in ("margin", "gold"):
        if name in table.column_names:
            value = _floats(table, name) if name == "margin" else _signs(table.column(name))
            keep &= ~_contradictions(rows, table, name, pair, np.where(flipped, -value, value), keep)

    annotator, annotator_ids = _codes(table.column("annotator"))
    time = _floats(table, "time") if "time" in table.column_names else None
    last = _without_repeats(pair, annotator, time, keep)
    repeated = int(keep.sum()) - len(last)
    if len(last) == 0:
        return Encoded({}, identical, repeated)
    # The first row that shows a pair gives its orientation, even where a later vote of the same annotator replaced it.
    every = np.flatnonzero(keep)
    codes, firsts = _by_appearance(pair[every])
    first = every[firsts]
    code_of = np.full(int(pair.max()) + 1, -1, np.int32)
    code_of[pair[every]] = codes
    fields: dict[str, Any] = {
        "pair": code_of[pair[last]],
        "sign": np.where(flipped[last], -signs[last], signs[last]).astype(np.int8),
        "swapped": flipped[last] if canonical.shown else None,
        "pair_ids": pair_names(table.take(pa.array(first))),
        "row": table.column("row").to_numpy()[last],
    }
    fields["annotator"], fields["annotator_ids"] = _compact(annotator[last], annotator_ids)
    fields |= _per_vote(table, last, time) | _per_pair(table, pair, flipped, every, codes, first)
    return Encoded(fields | {"flipped": flipped[last], "position": last}, identical, repeated)


def _same(table: pa.Table, texts: tuple[Codes, Codes, Codes] | None) -> Bools:
    if texts is None:
        return np.zeros(len(table), bool)
    named = _has(table, "pair") if "pair" in table.column_names else np.zeros(len(table), bool)
    same: Bools = (texts[1] == texts[2]) & (texts[1] >= 0) & ~named
    return same


def _signs(labels: pa.ChunkedArray) -> Signs:
    """+1 for a, -1 for b, 0 for a tie or null."""
    coded = labels.combine_chunks().dictionary_encode()
    of = np.array([{"a": 1, "b": -1}.get(v, 0) for v in coded.dictionary.to_pylist()] + [0], np.int8)
    found: Signs = of[_indices(coded)]
    return found


def _indices(coded: pa.DictionaryArray) -> Codes:
    """The codes of a dictionary array, -1 for null."""
    return np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def _codes(column: pa.ChunkedArray) -> tuple[Codes, pa.Array]:
    coded = column.combine_chunks().dictionary_encode()
    return _indices(coded), coded.dictionary


def _floats(table: pa.Table, name: str) -> Floats:
    return np.asarray(table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _text_codes(table: pa.Table) -> tuple[Codes, Codes, Codes] | None:
    """Codes of prompt, response_a and response_b, -1 where null; equal responses have equal codes."""
    if "response_a" not in table.column_names:
        return None
    a, b = text_keys(table.column("response_a")), text_keys(table.column("response_b"))
    both, _ = _codes(pa.chunked_array([*a.chunks, *b.chunks], a.type))
    n = len(table)
    prompt = _codes(text_keys(table.column("prompt")))[0] if "prompt" in table.column_names else np.full(n, -1)
    return prompt, both[:n], both[n:]


def _by_appearance(codes: Codes) -> tuple[Ints, Codes]:
    """Renumber codes by first appearance; also where each appears first."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank[inverse], first[order]


def _pairs(
    rows: Rows, table: pa.Table, texts: tuple[Codes, Codes, Codes] | None, keep: Bools
) -> tuple[Codes, Bools, Bools]:
    """Find each vote's pair, whether its row turns the answers round, and whether it shows other texts.

    The pair's first row is what it is compared with.
    """
    n = len(table)
    named = _codes(table.column("pair"))[0] if "pair" in table.column_names else np.full(n, -1, np.int64)
    if texts is None:
        return named, np.zeros(n, bool), np.zeros(n, bool)
    prompt, a, b = texts
    pair = pair_codes(named, texts)
    kept = np.flatnonzero(keep)
    first = np.zeros(int(pair.max(initial=0)) + 1, np.int64)
    ids, where = np.unique(pair[kept], return_index=True)
    first[ids] = kept[where]
    start = first[pair]
    flipped = (a == b[start]) & (b == a[start]) & (a != b)
    straight = (a == a[start]) & (b == b[start])
    wrong = keep & ~((straight | flipped) & (prompt == prompt[start]))
    source = table.column("row").to_numpy()
    for i in np.flatnonzero(wrong).tolist():
        other = rows.source.number(int(source[start[i]]))
        value = table.column("pair")[i].as_py()
        problem = f"this pair has other texts than in row {other:,}"
        rows.reject(
            int(source[i]), problem, column="pair", value=value, expected="the same prompt and responses", whole=False
        )
    return pair, flipped & ~wrong, wrong


def _contradictions(rows: Rows, table: pa.Table, name: str, pair: Codes, value: npt.NDArray[Any], keep: Bools) -> Bools:
    """Find the votes whose value, in the pair's orientation, is not that of the pair's first row that has one."""
    known = np.flatnonzero(keep & _has(table, name))
    wrong = np.zeros(len(pair), bool)
    _, first, inverse = np.unique(pair[known], return_index=True, return_inverse=True)
    start = known[first][inverse]
    wrong[known] = np.abs(value[known].astype(float) - value[start]) > TOLERANCE
    source = table.column("row").to_numpy()
    for i, j in zip(known[wrong[known]].tolist(), start[wrong[known]].tolist(), strict=True):
        problem = f"this pair has another {name} than in row {rows.source.number(int(source[j])):,}"
        expected = "one per pair, turned where the answers are swapped"
        value_there = table.column(name)[i].as_py()
        rows.reject(int(source[i]), problem, column=name, value=value_there, expected=expected, whole=False)
    return wrong


def _has(table: pa.Table, name: str) -> Bools:
    return np.asarray(table.column(name).is_valid().to_numpy(zero_copy_only=False), bool)


def _without_repeats(pair: Codes, annotator: Codes, time: Floats | None, keep: Bools) -> Codes:
    """Keep, of an annotator's votes on one pair, the last by time, else the first; in the order of the source."""
    kept = np.flatnonzero(keep)
    key = joined_codes(pair[kept], annotator[kept])
    when = np.zeros(len(kept)) if time is None else np.where(np.isnan(time[kept]), -np.inf, time[kept])
    order = np.lexsort((-kept, when, key))
    is_last = np.append(key[order][1:] != key[order][:-1], True)[: len(order)]
    return np.sort(kept[order[is_last]])


def _compact(codes: Codes, names: pa.Array) -> tuple[Ints, pa.Array]:
    """Leave out the names that no vote has any more."""
    compact, first = _by_appearance(codes)
    return compact, names.take(pa.array(codes[first]))


def _per_vote(table: pa.Table, last: Codes, time: Floats | None) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if time is not None and not np.isnan(time[last]).all():
        fields["time"] = time[last]
    if "weight" in table.column_names:
        weight = np.nan_to_num(_floats(table, "weight")[last], nan=1.0)
        fields["weight"] = None if (weight == 1).all() else weight
    return fields


def _per_pair(table: pa.Table, pair: Codes, flipped: Bools, every: Codes, codes: Ints, first: Codes) -> dict[str, Any]:
    """The pairs' margins, gold labels, domains and texts; of several rows the first that knows counts."""
    fields: dict[str, Any] = {}

    def known(name: str) -> tuple[Ints, Codes]:
        there = np.flatnonzero(_has(table, name)[every])
        which, where = np.unique(codes[there], return_index=True)
        return which, every[there[where]]

    def oriented(name: str, value: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        which, where = known(name)
        of = np.zeros(len(first), value.dtype)
        of[which] = np.where(flipped[where], -value[where], value[where])
        return of if len(which) else None

    names = set(table.column_names)
    if "margin" in names:
        fields["margin"] = oriented("margin", _floats(table, "margin"))
    if "gold" in names:
        fields["gold"] = oriented("gold", _signs(table.column("gold")))
    if "domain" in names:
        which, where = known("domain")
        if len(which):
            of, ids = _codes(table.column("domain").take(pa.array(where)))
            fields["domain"] = np.full(len(first), -1, np.int32)
            fields["domain"][which] = of
            fields["domain_ids"] = tuple(ids.to_pylist())
    if "response_a" in names:
        part = table.take(pa.array(first))
        columns = {n: part.column(n) for n in (*TEXTS, *MODELS) if n in part.column_names}
        columns.setdefault("prompt", pa.nulls(len(first), TEXT))
        fields["texts"] = pa.table({n: columns[n] for n in (*TEXTS, *MODELS) if n in columns})
    return fields


def votes_table(rows: Rows, canonical: Canonical, encoded: Encoded) -> pa.Table:
    """The source's columns, one row per kept vote; where a row holds several votes, the canonical columns come first."""
    row = pa.array(encoded.fields["row"])
    source = rows.source.table
    if canonical.one_per_row:
        # A mask rather than take, which would have to copy every column into one piece first.
        chosen = np.zeros(len(source), bool)
        chosen[encoded.fields["row"]] = True
        return source if len(row) == len(source) else source.filter(pa.array(chosen))
    own = canonical.table.drop_columns(["row"]).take(pa.array(encoded.fields["position"]))
    names = encoded.fields["pair_ids"].take(pa.array(encoded.fields["pair"]))
    if "pair" in own.column_names:
        own = own.drop_columns(["pair"])
    own = own.add_column(0, "pair", names)
    if "time" in own.column_names:
        seconds = own.column("time").cast(pa.float64())
        own = own.set_column(own.column_names.index("time"), "time", _timestamps(seconds))
    for field in source.schema:
        nested = pa.types.is_nested(field.type) or field.metadata
        if field.name not in own.column_names and not nested:
            own = own.append_column(field, source.column(field.name).take(row))
    return own


def _timestamps(seconds: pa.ChunkedArray) -> pa.Array:
    found = seconds.to_numpy(zero_copy_only=False)
    micros = np.where(np.isnan(found), 0, np.rint(np.nan_to_num(found) * 1e6)).astype(np.int64)
    return pa.array(micros, mask=np.isnan(found)).cast(pa.timestamp("us", "UTC"))
