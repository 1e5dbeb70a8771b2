"""Columns that nobody read and in which repeated votes differ: then these are no repetitions, or reading stops."""

from __future__ import annotations

import re

import numpy as np

from votewise.arrays import Bools
from votewise.data.identity import ALSO
from votewise.errors import BadInputError
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.criteria import QUESTIONS
from votewise.sources.meanings.people import is_person
from votewise.sources.meanings.unread_values import (
    RECORDS,
    REMARKS,
    Codes,
    holds_media,
    holds_texts,
    holds_times,
    is_nested,
    recurs,
    rows_differ,
    unread,
)
from votewise.sources.option_words import column_option, criterion_option
from votewise.sources.rows import Rows
from votewise.sources.values import decoded

REVISIONS = ("revision", "revision_number", "version", "attempt", "attempt_number", "edit", "edit_number")
"""Names of columns that number the versions of one vote."""

TIME = re.compile(
    r"(?!.*(lead|spent|response|reaction|reading|elapsed|run)_?time)((.*_)?(\w*time|date|\w*datum|fecha|\w*zeit\w*|created|updated|submitted"
    r"|modified|edited|finished|completed|\w*stamp|when)(_.*)?|.*_(at|on))"
)
"""Names of columns that may say when somebody voted."""

ACT = re.compile(
    r"((vote|annotation|annotated|label|labell?ing|judg[e]?ment|verdict|preference|rating|record|row|entry|event|log|submission|assignment"
    r"|session|device|batch|form|click|result|edit|external)_?)?(id|uid|uuid|guid|index|idx|row|number|nr|key|hash)"
    r"|(.*_)?(session|device|batch|status|seconds|duration|metadata|meta|info|time|latency|elapsed)(_(ms|s|sec|seconds|id))?"
)
"""Names of columns that record how somebody came to vote: a revised vote has other values there."""


def telling_columns(rows: Rows, dropped: Codes, kept: Codes, against: Bools, revised: Bools) -> dict[str, bool]:
    """The columns of numbers and the like that tell rows apart which are about to be dropped as repeated.

    Args:
        rows: the source's rows.
        dropped: (d,) rows about to be dropped.
        kept: (d,) the row that each of them repeats.
        against: (d,) whether the two say different things.
        revised: (d,) whether their times show that one revises the other.

    Returns:
        Column -> whether it tells revisions apart, too: what records an act, such as its id, is another one in each of them.

    Raises:
        BadInputError: they differ in a column of texts, messages, lists, people or questions, which may matter.
    """
    found = {}
    for name in unread(rows):
        plain = plain_name(name)
        if plain in REMARKS:
            continue
        differ = rows_differ(rows, name, dropped, kept)
        if (differ & against & ~revised).any() and (TIME.fullmatch(plain) or holds_times(rows, name)):
            at = np.flatnonzero(differ & against & ~revised)[0]
            raise _ambiguous(rows, name, int(dropped[at]), int(kept[at]), time=True)
        act = (ACT.fullmatch(plain) or TIME.fullmatch(plain)) is not None
        differ &= ~(act & revised)
        if not differ.any() or holds_times(rows, name):
            continue
        known = plain in REVISIONS or (plain in QUESTIONS and (RECORDS.fullmatch(plain) is None or recurs(rows, name)))
        if known or is_person(name) or holds_texts(rows, name) or is_nested(rows, name):
            raise _ambiguous(rows, name, int(dropped[differ][0]), int(kept[differ][0]))
        found[name] = not act
    return found


def _ambiguous(rows: Rows, name: str, one: int, other: int, *, time: bool = False) -> BadInputError:
    own, plain = rows.source_column(name), plain_name(name)
    first, second = sorted((one, other))
    nested = is_nested(rows, name)
    role = "annotator" if is_person(name) else "image" if holds_media(rows, name) else ALSO if nested else "pair"
    drop = column_option(own, "")
    options = f"{column_option(role, own)} to tell votes apart by it, {drop} if it says nothing"
    if nested and not rows.takes_parts:
        options = f"{drop} if it says nothing"
    if time:
        options = (
            f"times such as 2026-01-31 10:00 and {column_option('time', own)}, so that the latest vote "
            f"counts; or {drop} if the first one does"
        )
    elif plain in REVISIONS:
        options = f"{column_option('time', own)} if the highest one counts, {drop} if it says nothing"
    elif plain in QUESTIONS:
        example = str(decoded(rows.table.slice(first, 1), name)[0])
        options = f"one of its values, say {criterion_option(example)}; or {drop} if it says nothing"
    return BadInputError(
        f"rows {rows.source.number(first):,} and {rows.source.number(second):,} are votes by the same annotator on "
        f"the same pair and differ in the column '{own}', which has no role",
        source=rows.source.name,
        expected=options,
    )
