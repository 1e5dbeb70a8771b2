"""Columns that nobody read: may rows be merged, or dropped as repeated, although they differ there?

Two rows are one pair, or one vote, only if they agree in everything that may matter. What nobody read is told apart by
its name and its values: texts, messages, lists, people and questions may matter, and stop the reading; numbers and the
like keep both rows, with a note.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools
from votewise.errors import BadInputError
from votewise.sources.containers.stand_in_type import digests, is_stand_in
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.criteria import QUESTIONS
from votewise.sources.meanings.people import is_person
from votewise.sources.rows import Rows
from votewise.sources.values import decoded

Codes = npt.NDArray[np.int64]

REMARKS = (
    "reason", "reasons", "reasoning", "rationale", "explanation", "justification", "comment", "comments", "remark",
    "remarks",
    "notes", "note", "feedback", "critique",
)  # fmt: skip
"""Texts that an annotator writes about a vote: they belong to the vote and say nothing about the pair."""

RECORDS = re.compile(
    r"(.*_)?(id|ids|uid|uuid|guid|index|idx|row|number|nr|key|hash|sha\d*|url|uri|source|sources|dataset|subset|split|file|path"
    r"|version|time|timestamp|date|datetime|created|updated|submitted|seconds|duration|device|metadata"
    r"|meta|info|tags|session|batch|status|external_id)|(created|updated|submitted|inserted|completed|start|end)_?(at|date|time|on)"
)
"""Names of columns that record where, when and how a row came about, and tell no judgements apart."""

REVISIONS = ("revision", "revision_number", "version", "attempt", "attempt_number", "edit", "edit_number")
"""Names of columns that number the versions of one vote."""

MEDIA = re.compile(
    r"\.(png|jpe?g|gif|webp|bmp|svg|tiff?|mp[34]|wav|flac|ogg|webm|mov|avi|pdf|html?)([?#].*)?$", re.IGNORECASE
)
"""The end of an address of what a model or an annotator looks at."""

ABOUT = re.compile(
    r"model|generator|policy|system|type|categor|topic|domain|genre|subset|level|class|tag|source|quality|difficulty|strength|margin"
    r"|label|score|rating|confidence|chosen|rejected|response|answer|winner|gender|age|country|theme|style|skill|kind|status"
)
"""Parts of names of columns that are about the texts or the vote rather than about who voted."""

MOST = 5
"""Columns that a note names."""

SAMPLE = 2_000


def check_merged(rows: Rows, source_rows: Codes, pair: Codes, keep: Bools) -> None:
    """Refuse rows of one pair that differ in a column of texts or messages that nobody read.

    Args:
        rows: the source's rows.
        source_rows: (n,) row of each vote.
        pair: (n,) code of each vote's pair.
        keep: (n,) which votes count.

    Raises:
        BadInputError: with the column and the mapping to give.
    """
    one, other = _neighbours(source_rows, pair, keep)
    if len(one) == 0:
        return
    for name in unread(rows):
        if plain_name(name) in REMARKS or not _holds_texts(rows, name):
            continue
        differ = np.flatnonzero(_differ(rows, name, one, other))
        if len(differ):
            i, j = sorted((int(one[differ[0]]), int(other[differ[0]])))
            own = rows.source_column(name)
            raise BadInputError(
                f"rows {rows.source.number(i):,} and {rows.source.number(j):,} have the same prompt and responses "
                f"and differ in the column '{own}', which has no role",
                source=rows.source.name,
                expected=f"its role: --columns prompt={own} if a model sees it, --columns {own}= "
                "if it tells no pairs apart",
            )


def check_people(rows: Rows, source_rows: Codes, pair: Codes, unknown: Bools) -> None:
    """Refuse rows about one pair, by people whom nobody names, that differ in a column of names that nobody read.

    Such a column may name who voted in a language, or by a word, that nobody knows. It holds short words that recur.

    Args:
        rows: the source's rows.
        source_rows: (n,) row of each vote.
        pair: (n,) code of each vote's pair.
        unknown: (n,) votes by people whom nobody names.
    """
    one, other = _neighbours(source_rows, pair, unknown)
    if len(one) == 0:
        return
    for name in unread(rows):
        plain = plain_name(name)
        if ABOUT.search(plain) or RECORDS.fullmatch(plain) or plain in REMARKS or not _holds_words(rows, name):
            continue
        differ = np.flatnonzero(_differ(rows, name, one, other))
        if len(differ) == len(one) > 0:
            i, j = sorted((int(one[0]), int(other[0])))
            own = rows.source_column(name)
            raise BadInputError(
                f"rows {rows.source.number(i):,} and {rows.source.number(j):,} are about one pair, name nobody who voted, "
                f"and differ in the column '{own}', which has no role",
                source=rows.source.name,
                expected=f"--columns annotator={own} if it names who voted, --columns {own}= if it does not",
            )


def telling_columns(rows: Rows, dropped: Codes, kept: Codes) -> list[str]:
    """The columns of numbers and the like that tell rows apart which are about to be dropped as repeated.

    Args:
        rows: the source's rows.
        dropped: (d,) rows about to be dropped.
        kept: (d,) the row that each of them repeats.

    Raises:
        BadInputError: they differ in a column of texts, messages, lists, people or questions, which may matter.
    """
    found = []
    for name in unread(rows):
        plain = plain_name(name)
        question = plain in QUESTIONS and (RECORDS.fullmatch(plain) is None or _recurs(rows, name))
        if plain in REMARKS or (RECORDS.fullmatch(plain) and not question and plain not in REVISIONS):
            continue
        differ = _differ(rows, name, dropped, kept)
        if not differ.any():
            continue
        if question or plain in REVISIONS or is_person(name) or _holds_texts(rows, name) or _nested(rows, name):
            raise _ambiguous(rows, name, int(dropped[differ][0]), int(kept[differ][0]))
        found.append(name)
    return found


def _ambiguous(rows: Rows, name: str, one: int, other: int) -> BadInputError:
    own, plain = rows.source_column(name), plain_name(name)
    first, second = sorted((one, other))
    role = "annotator" if is_person(name) else "pair"
    options = f"--columns {role}={own} to tell votes apart by it, --columns {own}= if it says nothing"
    if plain in REVISIONS:
        options = f"--columns time={own} if the highest one counts, --columns {own}= if it says nothing"
    elif plain in QUESTIONS:
        example = str(decoded(rows.table.slice(first, 1), name)[0])
        options = f"one of its values, say --criterion '{example}'; or --columns {own}= if it says nothing"
    return BadInputError(
        f"rows {rows.source.number(first):,} and {rows.source.number(second):,} are votes by the same annotator on "
        f"the same pair and differ in the column '{own}', which has no role",
        source=rows.source.name,
        expected=options,
    )


def texts_without_role(rows: Rows) -> tuple[str, ...]:
    """What to say about columns of texts that nothing was taken from: a model may see them."""
    names = [n for n in unread(rows) if plain_name(n) not in REMARKS and _holds_texts(rows, n) and not _nested(rows, n)]
    if not names:
        return ()
    own = [rows.source_column(name) for name in names]
    more = f" and {len(own) - MOST:,} more" if len(own) > MOST else ""
    return (
        f"Texts in {', '.join(repr(name) for name in own[:MOST])}{more} have no role; "
        f"--columns prompt={own[0]} if a model sees them.",
    )


def unread(rows: Rows) -> list[str]:
    """Columns that no value was taken from, except those that the user has set aside."""
    return [name for name in rows.table.column_names if name not in rows.roles]


def _recurs(rows: Rows, name: str) -> bool:
    """Whether some value of a column is in several rows, unlike a row's own number."""
    return _nested(rows, name) or len(np.unique(column_codes(rows, name))) < len(rows)


def _neighbours(source_rows: Codes, pair: Codes, some: Bools) -> tuple[Codes, Codes]:
    """The rows of every two of ``some`` votes that follow one another on the same pair."""
    kept = np.flatnonzero(some)
    order = kept[np.argsort(pair[kept], kind="stable")]
    same = np.flatnonzero(pair[order][1:] == pair[order][:-1])
    return source_rows[order[same]], source_rows[order[same + 1]]


def _nested(rows: Rows, name: str) -> bool:
    field = rows.table.schema.field(name)
    return bool(pa.types.is_nested(field.type)) or bool(field.metadata)


def _holds_words(rows: Rows, name: str) -> bool:
    """Whether a column holds single words or short names, as columns of people do."""
    kind = rows.table.schema.field(name).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)) or _holds_texts(rows, name):
        return False
    texts = [text for text in rows.table.column(name).slice(0, SAMPLE).to_pylist() if text]
    return bool(texts) and all(len(text.split()) <= 3 for text in texts) and not any(_is_number(text) for text in texts)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _holds_texts(rows: Rows, name: str) -> bool:
    """Whether a column holds texts of several words, or nested values, rather than names, numbers or codes."""
    if RECORDS.fullmatch(plain_name(name)):
        return False
    kind = rows.head.schema.field(name).type
    if _nested(rows, name):
        return True
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return False
    texts = [text for text in rows.head.column(name).slice(0, SAMPLE).to_pylist() if text]
    words = sum(len(text.split()) > 1 or MEDIA.search(text) is not None for text in texts)
    return words > 0.2 * len(texts)


def _differ(rows: Rows, name: str, one: Codes, other: Codes) -> Bools:
    """(d,) whether two rows have different values in a column; nulls equal nulls."""
    if _nested(rows, name):
        part = rows.table.select([name])
        first, second = (decoded(part.take(pa.array(index)), name) for index in (one, other))
        return np.array([a != b for a, b in zip(first, second, strict=True)], bool)
    codes = column_codes(rows, name)
    return np.asarray(codes[one] != codes[other], bool)


def column_codes(rows: Rows, name: str) -> Codes:
    """A code for every value of a column that is not nested; equal values have equal codes, and so have nulls."""
    column = rows.table.column(name)
    column = digests(column) if is_stand_in(rows.table.schema.field(name)) else column
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return np.asarray(coded.indices.to_numpy(zero_copy_only=False), np.int64)
