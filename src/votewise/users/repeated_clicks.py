"""Clicks that repeat a click of the same user on the same pair: the rows that ``read_votes`` would drop as repeated.

The engine finds users who clicked more than once on what may be one pair; those rows alone are read as votes are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from votewise.errors import BadInputError
from votewise.sources.canonical_votes import canonical_votes
from votewise.sources.containers.open_table import OpenTable
from votewise.sources.containers.opening import Source
from votewise.sources.encode import encode
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.users.counting import is_missing
from votewise.users.log_options import LogOptions

TEXTS = ("response_a", "response_b")
ROLES = {"user": "annotator", "winner": "label", "a": "model_a", "b": "model_b"}
"""What clicks and votes call the same columns."""


def without_repeated(rows: Any, columns: dict[str, str], options: LogOptions, opened: OpenTable) -> tuple[Any, int]:
    """The rows without those that repeat another one, and how many these are.

    Args:
        rows: the log, an expression of the engine.
        columns: the names that its columns have in it.
        options: what the user says.
        opened: where the rows are from.

    Raises:
        BadInputError: rows that may be repeated differ in a column that nobody read and that may matter, or they are in a
            database, where rows have no numbers.
    """
    keys = _keys(rows, options)
    user = columns["user"]
    if not keys or user in keys:
        return rows, 0
    named = rows.filter(~is_missing(rows[user]))
    several = named.group_by([user, *keys]).agg(_clicks=named.count())
    several = several.filter(several["_clicks"] > 1)
    if int(several.count().to_pyarrow().as_py()) == 0:
        return rows, 0
    if opened.number is None:
        raise BadInputError(
            f"users have clicked more than once on the same {', '.join(keys)}, and which click counts is not known",
            source=opened.name,
            expected=f"each click once, or {column_option(keys[-1], '')} to count them all",
        )
    alike = rows.semi_join(several, [user, *keys]).to_pyarrow()
    places = [name for name in (opened.number, opened.file) if name is not None]
    again = alike.select(places).take(pa.array(_repeated(alike, columns, options, opened)))
    if len(again) == 0:
        return rows, 0
    import ibis

    return rows.anti_join(ibis.memtable(again), places), len(again)


def _keys(rows: Any, options: LogOptions) -> list[str]:
    """The columns that say which pair a click is about; none where there are none."""
    schema = rows.schema()
    flat = {name for name, kind in schema.items() if not kind.is_nested() and name not in options.set_aside}
    if "pair" in flat:
        return ["pair"]
    texts = [name for name in ("prompt", *TEXTS) if name in flat and schema[name].is_string()]
    return texts if set(TEXTS) <= set(texts) else []


def _repeated(alike: pa.Table, columns: dict[str, str], options: LogOptions, opened: OpenTable) -> np.ndarray[Any, Any]:
    """Which of these rows repeat another one of them."""
    shown = options.shown or columns
    numbers = alike.column(str(opened.number)).to_numpy().astype(np.int64)
    derived = {shown[what] for what in columns if shown[what] != columns[what]}
    named = {*opened.own, *columns.values()} - derived
    table = alike.select([name for name in alike.column_names if name in named])
    renames = {role: columns[what] for what, role in ROLES.items()}
    renames |= dict.fromkeys((name for name in options.set_aside if name in named), "")
    read = Rows(Source(opened.name, table, numbers=numbers), renames, stop=False)
    _, canonical = canonical_votes(read, "plain", None)
    of_votes = canonical.table.column("row").to_numpy()
    kept = encode(read, canonical).fields.get("row", np.zeros(0, np.int64))
    bad = np.array([bad.row for bad in read.bad if bad.row is not None], np.int64)
    return np.setdiff1d(of_votes, np.concatenate([kept, bad]))
