"""Columns that nobody read, and that may name who voted: people in a language, or by a word, that nobody knows."""

from __future__ import annotations

import re

import numpy as np

from votewise.arrays import Bools
from votewise.errors import BadInputError
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.unread_values import (
    RECORDS,
    REMARKS,
    Codes,
    column_codes,
    holds_words,
    is_nested,
    neighbours,
    rows_differ,
    unread,
)
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows

ABOUT = re.compile(
    r"model|generator|policy|system|type|categor|topic|domain|genre|subset|level|class|(^|_)tags?(_|$)|source|quality|difficulty|strength|margin"
    r"|label|score|rating|confidence|chosen|rejected|response|answer|winner|gender|(^|_)age(_|$)|country|theme|style|skill|(^|_)kind(_|$)|status"
)
"""Parts of names of columns that are about the texts or the vote rather than about who voted."""

IDS = re.compile(r"(.*_)?(id|uid|uuid|guid|hash|key|session|device)")
"""Names of columns that record something, and may name people."""


def check_people(rows: Rows, source_rows: Codes, pair: Codes, unknown: Bools, *, prompted: bool) -> None:
    """Refuse rows about one pair, by people whom nobody names, that differ in a column of names that nobody read.

    Such a column may name who voted in a language, or by a word, that nobody knows. It holds short words that recur, or it
    is called like an id and has values that recur over several pairs.

    Args:
        rows: the source's rows.
        source_rows: (n,) row of each vote.
        pair: (n,) code of each vote's pair.
        unknown: (n,) votes by people whom nobody names.
        prompted: whether a column is read as the prompt.
    """
    one, other = neighbours(source_rows, pair, unknown)
    if len(one) == 0:
        return
    for name in unread(rows):
        plain = plain_name(name)
        if ABOUT.search(plain) or plain in REMARKS:
            continue
        record = RECORDS.fullmatch(plain) is not None
        if record and (IDS.fullmatch(plain) is None or not _recurs_over_pairs(rows, name, source_rows, pair)):
            continue
        if not record and not holds_words(rows, name):
            continue
        found = np.flatnonzero(rows_differ(rows, name, one, other))
        if len(found) == len(one) > 0:
            i, j = sorted((int(one[0]), int(other[0])))
            own = rows.source_column(name)
            asked = "" if prompted else f", {column_option('prompt', own)} if it says what was asked"
            raise BadInputError(
                f"rows {rows.source.number(i):,} and {rows.source.number(j):,} are about one pair, name nobody who voted, "
                f"and differ in the column '{own}', which has no role",
                source=rows.source.name,
                expected=f"{column_option('annotator', own)} if it names who voted{asked}, "
                f"{column_option(own, '')} if it says nothing",
            )


def _recurs_over_pairs(rows: Rows, name: str, source_rows: Codes, pair: Codes) -> bool:
    """Whether some value of a column is in rows of several pairs, as a person's is."""
    if is_nested(rows, name):
        return False
    values = column_codes(rows, name)[source_rows]
    found = np.unique(np.stack([values, pair]), axis=1)[0]
    return len(np.unique(found)) < len(found)
