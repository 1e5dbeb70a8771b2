"""Columns that nobody read: may rows be merged, or dropped as repeated, although they differ there?

Two rows are one pair, or one vote, only if they agree in everything that may matter. What nobody read is told apart by
its name and its values: texts, messages, lists, people and questions may matter, and stop the reading; numbers and the
like keep both rows, with a note.
"""

from __future__ import annotations

import re

import numpy as np

from votewise.arrays import Bools
from votewise.data.identity import ALSO
from votewise.errors import BadInputError
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.criteria import QUESTIONS
from votewise.sources.meanings.unread_people import ABOUT
from votewise.sources.meanings.unread_values import (
    RECORDS,
    REMARKS,
    Codes,
    holds_media,
    holds_texts,
    holds_words,
    is_nested,
    neighbours,
    rows_differ,
    unread,
)
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.texts.messages import conversation
from votewise.sources.values import decoded

MOST = 5
"""Columns that a note names."""

FEW = 20
"""Values that are looked at to tell messages from other objects."""

ASKED = re.compile(r"topic|theme|subject|source|src|source_text|concept|title|caption")
"""Names of words that may be what was asked where nothing else is."""

SEEN = re.compile(
    r"((input|source|prompt|query)_)?(image|img|picture|photo|figure|chart|screenshot|video|clip|frame|audio|sound|recording|passage"
    r"|bild|imagen|imagem|foto|фото|图片|图像|画像)s?(_?(id|uid|idx|index|no|nr|num|number|key|hash|sha\d*|md5|name|file|filename|path))?"
    r"|persona(_name)?|character(_name)?"
)
"""Names of columns that say what a model saw, by whatever they call it."""


def check_merged(rows: Rows, source_rows: Codes, pair: Codes, keep: Bools, *, prompted: bool, who: Codes) -> None:
    """Refuse rows of one pair that differ in a column of texts or messages that nobody read.

    Where no column is read as the prompt, a single word may be it as well: a column of words counts where votes of one
    annotator on the pair differ in it, since what is equal in all rows of an annotator may be about the annotator.

    Args:
        rows: the source's rows.
        source_rows: (n,) row of each vote.
        pair: (n,) code of each vote's pair.
        keep: (n,) which votes count.
        prompted: whether a column is read as the prompt.
        who: (n,) code of each vote's annotator.

    Raises:
        BadInputError: with the column and the mapping to give.
    """
    one, other = neighbours(source_rows, pair, keep)
    if len(one) == 0:
        return
    by_one = None
    for name in unread(rows):
        plain = plain_name(name)
        if plain in REMARKS:
            continue
        first, second = one, other
        if not holds_texts(rows, name) and not SEEN.fullmatch(plain):
            about = ABOUT.search(plain) or RECORDS.fullmatch(plain)
            if prompted or plain in QUESTIONS or (about and not ASKED.fullmatch(plain)) or not holds_words(rows, name):
                continue
            if by_one is None:
                by_one = neighbours(source_rows, pair * (int(who.max(initial=0)) + 1) + who, keep)
            first, second = by_one
        found = np.flatnonzero(rows_differ(rows, name, first, second))
        if len(found):
            i, j = sorted((int(first[found[0]]), int(second[found[0]])))
            raise BadInputError(
                f"rows {rows.source.number(i):,} and {rows.source.number(j):,} have the same prompt and responses "
                f"and differ in the column '{rows.source_column(name)}', which has no role",
                source=rows.source.name,
                expected=_roles(rows, name, prompted),
            )


def _roles(rows: Rows, name: str, prompted: bool) -> str:
    """The options that say what a column is in which rows of one pair differ."""
    own = rows.source_column(name)
    drop = column_option(own, "")
    if not rows.takes_parts:
        return f"{drop} if it tells no pairs apart; this format takes no further part of what a model sees"
    if SEEN.fullmatch(plain_name(name)) and not holds_texts(rows, name):
        role = ALSO
    elif holds_media(rows, name):
        role = "image"
    elif is_nested(rows, name) and not _talks(rows, name):
        role = ALSO
    elif is_nested(rows, name):
        role = "history" if prompted else "prompt"
    else:
        role = "background" if prompted else "prompt"
    return f"its role: {column_option(role, own)} if a model sees it, {drop} if it tells no pairs apart"


def _talks(rows: Rows, name: str) -> bool:
    values = [value for value in decoded(rows.head.slice(0, FEW), name) if value]
    return bool(values) and all(conversation(value) is not None for value in values)


def texts_without_role(rows: Rows) -> tuple[str, ...]:
    """What to say about columns of texts that nothing was taken from: a model may see them."""
    names = [
        n for n in unread(rows) if plain_name(n) not in REMARKS and holds_texts(rows, n) and not is_nested(rows, n)
    ]
    if not names:
        return ()
    own = [rows.source_column(name) for name in names]
    more = f" and {len(own) - MOST:,} more" if len(own) > MOST else ""
    text = f"Texts in {', '.join(repr(name) for name in own[:MOST])}{more} have no role"
    if not rows.takes_parts:
        return (f"{text}: this format takes no further part of what a model sees.",)
    prompted = any(role.startswith("prompt") for role in rows.roles.values())
    return (f"{text}; {column_option('background' if prompted else 'prompt', own[0])} if a model sees them.",)
