"""Columns that nobody read, and what their values look like: texts, words, pictures, times, records."""

from __future__ import annotations

import hashlib
import json
import re
import secrets

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools
from votewise.sources.containers.stand_in_type import TextsNeededError, digests, is_left, is_stand_in
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.rows import Rows
from votewise.sources.samples import samples
from votewise.sources.texts.words import words
from votewise.sources.values import decoded, is_marked

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

MEDIA = re.compile(
    r"\.(png|jpe?g|gif|webp|bmp|svg|tiff?|mp[34]|wav|flac|ogg|webm|mov|avi|pdf)([?#].*)?$", re.IGNORECASE
)
"""The end of an address of a picture, a sound or a film."""
DATA = re.compile(r"data:\w+/|iVBORw0KGgo|/9j/|R0lGOD|UklGR|JVBERi|SUQz|T2dnUw|AAAA[\w+/]{4}Z?nR5c")
"""The beginning of a picture, a document, a sound or a film in base64, or in the address itself."""
ADDRESS = re.compile(r"(https?|s3|gs|gcs|abfss?|file|hdfs|az|oss)://\S+$", re.IGNORECASE)
SOURCE = re.compile(
    r"((source|src|page|web|website|site|ref|reference|repo|home|post|thread|article|doc|document|license|origin|original|perma|git"
    r"|github|paper|wiki|hf|dataset|task|form|survey|study|project|annotation|label|file)_?)?(url|uri)s?|source|file|path|repo"
    r"|(.*[_:])?(perma)?(link|href)s?|assignment:.*"
)
"""Names of addresses that say where a row comes from; others may be those of pictures."""
PAGE = re.compile(r"\.html?([?#].*)?$", re.IGNORECASE)

DATE = re.compile(r"\b(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{1,2}:\d{2}:\d{2})(?!\d)")
LONGEST_TIME = 40
"""A text with a date and of at most so many characters is a time."""

SAMPLE = 2_000


def unread(rows: Rows) -> list[str]:
    """Columns that no value was taken from, except those that the user has set aside."""
    return [name for name in rows.table.column_names if name not in rows.roles]


def recurs(rows: Rows, name: str) -> bool:
    """Whether some value of a column is in several rows, unlike a row's own number."""
    return is_nested(rows, name) or len(np.unique(column_codes(rows, name))) < len(rows)


def neighbours(source_rows: Codes, pair: Codes, some: Bools) -> tuple[Codes, Codes]:
    """The rows of every two of ``some`` votes that follow one another on the same pair."""
    kept = np.flatnonzero(some)
    order = kept[np.argsort(pair[kept], kind="stable")]
    same = np.flatnonzero(pair[order][1:] == pair[order][:-1])
    return source_rows[order[same]], source_rows[order[same + 1]]


def is_nested(rows: Rows, name: str) -> bool:
    """Whether a column holds lists or objects, or values of several types."""
    return bool(pa.types.is_nested(rows.type_of(name))) or is_marked(rows.table.schema.field(name))


def holds_words(rows: Rows, name: str) -> bool:
    """Whether a column holds single words or short names, as columns of people do."""
    kind = rows.head.schema.field(name).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)) or holds_texts(rows, name):
        return False
    texts = [text for text in samples(rows, [name], SAMPLE).column(name).to_pylist() if text]
    return bool(texts) and all(words(text) <= 3 for text in texts) and not any(_is_number(text) for text in texts)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def holds_texts(rows: Rows, name: str) -> bool:
    """Whether a column holds texts of several words, or nested values, rather than names, numbers or codes."""
    if holds_media(rows, name):
        return True
    if RECORDS.fullmatch(plain_name(name)) or holds_times(rows, name):
        return False
    if is_nested(rows, name):
        return True
    texts = _texts(rows, name)
    return sum(words(text) > 1 or PAGE.search(text) is not None for text in texts) > 0.2 * len(texts)


def holds_media(rows: Rows, name: str) -> bool:
    """Whether a column holds addresses of pictures, sounds or films, whatever it is called."""
    if _is_binary(rows, name):
        return True
    texts = _texts(rows, name)
    known = SOURCE.fullmatch(plain_name(name)) is not None
    found = (MEDIA.search(t) or DATA.match(t) or (ADDRESS.match(t) and not known) for t in texts)
    return sum(match is not None and match is not False for match in found) > 0.2 * len(texts)


def _is_binary(rows: Rows, name: str) -> bool:
    kind = rows.type_of(name)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def holds_times(rows: Rows, name: str) -> bool:
    """Whether a column holds nothing but dates or times, in whatever form."""
    kind = rows.table.schema.field(name).type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return True
    texts = _texts(rows, name)
    return bool(texts) and all(DATE.search(text) is not None and len(text) <= LONGEST_TIME for text in texts)


def _texts(rows: Rows, name: str) -> list[str]:
    """The first texts of a column that are not empty; none where it holds none."""
    kind = rows.head.schema.field(name).type
    if is_nested(rows, name) or not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return []
    return [text for text in samples(rows, [name], SAMPLE).column(name).to_pylist() if text]


def rows_differ(rows: Rows, name: str, one: Codes, other: Codes) -> Bools:
    """(d,) whether two rows have different values in a column; nulls equal nulls."""
    if is_nested(rows, name) and not is_left(rows.table.schema.field(name)):
        part = rows.table.select([name])
        first, second = (decoded(part.take(pa.array(index)), name) for index in (one, other))
        return np.array([a != b for a, b in zip(first, second, strict=True)], bool)
    codes = column_codes(rows, name)
    return np.asarray(codes[one] != codes[other], bool)


def column_codes(rows: Rows, name: str) -> Codes:
    """A code for every value of a column, which is not nested unless it is left in files; nulls have equal codes."""
    if is_left(rows.table.schema.field(name)):
        return _codes_of_left(rows, name)
    column = rows.table.column(name)
    column = digests(column) if is_stand_in(rows.table.schema.field(name)) else column
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return np.asarray(coded.indices.to_numpy(zero_copy_only=False), np.int64)


def _codes_of_left(rows: Rows, name: str) -> Codes:
    """The same for values that are in files: by hashes of their JSON, which nobody can foresee."""
    key, found = secrets.token_bytes(16), list[bytes | None]()
    for value in rows.peek(name):
        try:
            told = json.dumps(value, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TextsNeededError(name) from error
        found.append(None if value is None else hashlib.blake2b(told.encode(), key=key, digest_size=16).digest())
    coded = pa.array(found, pa.binary(16)).dictionary_encode(null_encoding="encode")
    return np.asarray(coded.indices.to_numpy(zero_copy_only=False), np.int64)
