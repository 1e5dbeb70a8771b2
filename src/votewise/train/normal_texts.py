"""The texts of pairs as an audit shows them. They are for people, and to find a pair in an audit; never trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from votewise.data.identity import ALSO, TEXTS, pair_names, text_key
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.train.seen_rows import SHOWN

PLACE = "votewise_place"


def normal_texts(rows: Any) -> tuple[pa.Table, list[str]]:
    """The texts of M pairs, ``chosen`` as ``response_a``, and the names that an audit gives the pairs.

    Args:
        rows: a dataset with one row per pair.
    """
    rows = rows.select_columns([name for name in SHOWN if name in rows.column_names])
    given = rows.add_column(PLACE, np.arange(len(rows)))
    try:
        votes = read_votes(given, format="trl", columns={"annotator": PLACE}, on_error="skip")
    except BadInputError:
        return _as_json(rows.with_format(None).to_list())
    return _of(votes, rows)


def _of(votes: Votes, rows: Any) -> tuple[pa.Table, list[str]]:
    assert votes.texts is not None  # noqa: S101 - rows of texts have texts
    assert votes.row is not None  # noqa: S101
    texts, n = votes.texts, len(rows)
    place = np.full(n, -1)
    place[votes.row] = np.arange(len(votes))
    known = np.flatnonzero(place >= 0)
    pair, flipped = votes.pair[place[known]], votes.sign[place[known]] < 0
    table = texts.take(pa.array(pair))
    names = votes.pair_ids.take(pa.array(pair)).to_pylist()
    if flipped.any():
        a, b = table["response_a"], table["response_b"]
        for name, one, other in (("response_a", a, b), ("response_b", b, a)):
            table = table.set_column(table.column_names.index(name), name, either(~flipped, one, other))
    table = table.select([name for name in (*TEXTS, ALSO) if name in table.column_names])
    if len(known) == n:
        return table, names
    # What the reader of texts does not understand is shown as JSON.
    missing = np.flatnonzero(place < 0)
    rest, more = _as_json(rows.select(missing).with_format(None).to_list())
    order = np.argsort(np.concatenate([known, missing]), kind="stable")
    whole = pa.concat_tables([_as_texts(table), _as_texts(rest)], promote_options="default").take(pa.array(order))
    both = [*names, *more]
    return whole, [both[i] for i in order]


def _as_json(rows: list[dict[str, Any]]) -> tuple[pa.Table, list[str]]:
    columns = {own: [text_key(row.get(name)) for row in rows] for own, name in zip(TEXTS, SHOWN, strict=False)}
    beside = [{name: row[name] for name in SHOWN[3:] if row.get(name)} for row in rows]
    also = [text_key(values) if values else None for values in beside]
    table = pa.table({name: pa.array(values, pa.large_string()) for name, values in {**columns, ALSO: also}.items()})
    return table, pair_names(table).to_pylist()


def _as_texts(table: pa.Table) -> pa.Table:
    columns = {name: [text_key(value) for value in table[name].to_pylist()] for name in table.column_names}
    return pa.table({name: pa.array(values, pa.large_string()) for name, values in columns.items()})


def either(first: Any, one: Any, other: Any) -> Any:
    """``one`` where the (n,) array ``first`` is true, else ``other``; also for lists of messages."""
    both = pa.chunked_array([*one.chunks, *other.chunks])
    n = len(one)
    return both.take(pa.array(np.arange(n) + np.where(first, 0, n)))
