"""Columns about one answer each that nobody read: answers that look equal may differ there, as ``chosen_thinking`` does."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.arrays import Bools
from votewise.errors import BadInputError
from votewise.sources.containers.stand_in_type import digests, is_in_files, is_stand_in
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.unread_values import RECORDS, Codes, holds_texts, is_nested, unread
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.values import decoded

SIDES = {"chosen": "rejected", "a": "b", "1": "2", "0": "1", "left": "right", "accepted": "rejected", "w": "l"}
"""What tells the names of two columns about the two answers apart."""
NO_PART = re.compile(
    r".*(model|generator|policy|system|score|rating|reward|logp|length|tokens|rank|grade|annotat|judg|label|comment|feedback|critique"
    r"|rationale|justification|explanation|remark|reasons?$|notes?$|source|url|metadata|meta$|info$).*"
)
"""Names of columns that are about an answer, and no part of it."""
FIRST = 1_000


def check_identical(rows: Rows, same: Codes) -> None:
    """Refuse equal answers beside which two columns about them differ: the vote may be about these.

    Args:
        rows: the source's rows.
        same: rows whose two answers are equal.

    Raises:
        BadInputError: with the columns, and the option that says they are no part of the answers.
    """
    _check_messages(rows, same)
    names = {plain_name(name): name for name in unread(rows)}
    for plain, name in names.items() if len(same) else ():
        other = next((names[sibling] for sibling in _siblings(plain) if sibling in names), None)
        if other is None or NO_PART.fullmatch(plain) or not (holds_texts(rows, name) or is_nested(rows, name)):
            continue
        differ = np.flatnonzero(_differ(rows, name, other, same[:FIRST]))
        if len(differ):
            own, second = rows.source_column(name), rows.source_column(other)
            raise BadInputError(
                f"the answers are equal, and the columns '{own}' and '{second}', which have no role, differ",
                source=rows.source.name,
                row=rows.source.number(int(same[differ[0]])),
                expected=f"answers that hold them, as reasoning_content of a message; {column_option(own, '')} "
                f"{column_option(second, '')} skips the vote",
            )


def _check_messages(rows: Rows, same: Codes) -> None:
    """Refuse equal answers whose messages differ in something that is not read, such as ``thoughts``."""
    both = [
        next((name for name, role in rows.roles.items() if role in roles and rows.has(name)), None)
        for roles in (("response_a", "chosen"), ("response_b", "rejected"))
    ]
    if len(same) == 0 or None in both or rows.source.texts_stay or not any(is_nested(rows, str(n)) for n in both):
        return
    some = same[:FIRST]
    table = rows.source.take(some)
    first, second = (decoded(table, rows.source_column(str(name))) for name in both)
    for row, one, other in zip(some.tolist(), first, second, strict=True):
        key = next((key for key in _keys(one) if _keys(one).get(key) != _keys(other).get(key)), None)
        if key is not None:
            raise BadInputError(
                f"the answers are equal but for '{key}' of their messages, which is not read",
                source=rows.source.name,
                row=rows.source.number(row),
                expected="it as reasoning_content, if a model wrote it; else messages without it",
            )


def _keys(value: Any) -> dict[str, Any]:
    """What the last message has beside records of where it came from."""
    last = value[-1] if isinstance(value, list) and value else value
    if not isinstance(last, dict):
        return {}
    return {
        k: v for k, v in last.items() if not RECORDS.fullmatch(plain_name(k)) and not NO_PART.fullmatch(plain_name(k))
    }


def _siblings(plain: str) -> list[str]:
    """The names that the column about the other answer may have."""
    words = plain.split("_")
    return ["_".join([*words[:i], SIDES[word], *words[i + 1 :]]) for i, word in enumerate(words) if word in SIDES]


def _differ(rows: Rows, one: str, other: str, some: Codes) -> Bools:
    """(s,) whether two columns have different values in these rows."""
    fields = [rows.table.schema.field(name) for name in (one, other)]
    if all(is_stand_in(field) for field in fields):
        first, second = (digests(rows.table.column(name)).take(pa.array(some)).to_pylist() for name in (one, other))
    elif any(is_in_files(field) for field in fields):
        if rows.source.texts_stay:
            return np.ones(len(some), bool)
        table = rows.source.take(some)
        first, second = (decoded(table, rows.source_column(name)) for name in (one, other))
    else:
        table = rows.table.select([one, other]).take(pa.array(some))
        first, second = (decoded(table, name) for name in (one, other))
    return np.array([a != b for a, b in zip(first, second, strict=True)], bool)
