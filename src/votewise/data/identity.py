"""What makes a pair one pair: its name where the source has one, else everything that a model sees.

That is the prompt with system text and history, tools, chat-template arguments and pictures, and the two responses in
either order, each with its tool calls and reasoning.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int64]

MD5_BYTES = 16

MANY = 10_000
"""Pairs that are named by all cores."""

TEXTS = ("prompt", "response_a", "response_b")
"""The columns of texts that decide where a pair has no name."""

ALSO = "also"
"""The column with what a model sees beside the texts (tools, chat-template arguments, pictures), as JSON or null."""


def text_key(value: Any) -> str | None:
    """A text as it is, a conversation (a list of messages) as JSON; equal keys mean equal contents. None stays None."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def text_keys(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The ``text_key`` of each value of a column; stand-ins for texts as they are, which are equal where the texts are."""
    if pa.types.is_large_string(column.type) or pa.types.is_fixed_size_binary(column.type):
        return column
    return pa.chunked_array([pa.array([text_key(value) for value in column.to_pylist()], pa.large_string())])


def seen_digest(*values: Any) -> str:
    """32 hexadecimal digits of everything that a model sees, as it is given: texts, messages with all their fields, tools.

    Equal digests mean equal values, down to the order of keys, which a chat template may print.
    """
    return _md5(json.dumps(values, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")).hex()


def joined_codes(left: Codes, right: Codes) -> Codes:
    """One code for each combination of two codes (-1 allowed)."""
    width = int(right.max(initial=-1)) + 2
    return compact_codes((left + 1) * width + right + 1)


def compact_codes(values: Codes) -> Codes:
    """Equal codes for equal integers: 0, 1, ... in the order in which they appear first."""
    return np.asarray(pa.array(values).dictionary_encode().indices.to_numpy(), np.int64)


def pair_codes(name: Codes, texts: tuple[Codes, Codes, Codes] | None) -> Codes:
    """(n,) equal codes for rows that show the same pair.

    Args:
        name: (n,) code of the pair's name; -1 where the source gives none.
        texts: (n,) codes of prompt, response_a and response_b, equal for equal responses; None without texts.
    """
    if texts is None:
        return name
    prompt, a, b = texts
    by_text = joined_codes(prompt, joined_codes(np.minimum(a, b), np.maximum(a, b)))
    return joined_codes(name, np.where(name < 0, by_text, -1))


def pair_names(pairs: pa.Table) -> pa.Array:
    """The names of pairs: as given in the column ``pair``, else a hash of everything that a model sees.

    The hash has 16 hexadecimal digits. It depends on prompt, responses and ``also`` alone, not even on the order of the
    responses, and is made of the MD5 of each of them, which every engine can compute where the texts are.

    Args:
        pairs: one row per pair, with columns ``pair``, ``prompt``, ``response_a``, ``response_b`` and ``also`` as far as
            known; in place of a text there may be bytes that begin with its MD5.
    """
    n = len(pairs)
    names = pairs.column("pair").combine_chunks() if "pair" in pairs.column_names else pa.nulls(n)
    names = names.cast(pa.large_string())
    if "response_a" not in pairs.column_names or (n and names.null_count == 0):
        return names
    prompt, a, b = (_md5_of(pairs, name) for name in TEXTS)
    if ALSO in pairs.column_names:
        for i, also in enumerate(pairs.column(ALSO).to_pylist()):
            if also is not None:
                prompt[i] = np.frombuffer(_md5(prompt[i].tobytes() + also.encode()), np.uint8)
    swap = _is_less(b, a)[:, None]
    return pc.coalesce(names, _names(np.hstack([prompt, np.where(swap, b, a), np.where(swap, a, b)])))


def _names(rows: npt.NDArray[np.uint8]) -> pa.Array:
    """The first 16 hexadecimal digits of the MD5 of each row of bytes."""
    n, width = rows.shape
    if n < MANY:
        return pa.array([_md5(row.tobytes())[:8].hex() for row in rows], pa.large_string())
    import duckdb

    column = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), n, [None, pa.py_buffer(np.ascontiguousarray(rows))])
    with duckdb.connect() as engine:
        found = engine.from_arrow(pa.table({"x": column})).project("left(md5(x), 16) AS name").to_arrow_table()
    return found.column("name").combine_chunks().cast(pa.large_string())


def _md5_of(pairs: pa.Table, name: str) -> npt.NDArray[np.uint8]:
    """(n, 16) the MD5 of each text of a column in UTF-8; an empty text's where there is none."""
    empty = _md5(b"")
    if name not in pairs.column_names:
        found = [empty] * len(pairs)
    elif pa.types.is_fixed_size_binary(pairs.schema.field(name).type):
        return _first_bytes(pairs.column(name).combine_chunks(), empty)
    else:
        texts = text_keys(pairs.column(name)).cast(pa.large_binary()).to_pylist()
        found = [_md5(text or b"") for text in texts]
    return np.frombuffer(b"".join(found), np.uint8).reshape(-1, MD5_BYTES).copy()


def _first_bytes(column: pa.FixedSizeBinaryArray, missing: bytes) -> npt.NDArray[np.uint8]:
    """(n, 16) the first bytes of values that have at least as many; ``missing`` where there is none."""
    width, start, n = column.type.byte_width, column.offset, len(column)
    found = np.frombuffer(column.buffers()[1], np.uint8)[start * width : (start + n) * width].reshape(n, width)
    known = column.is_valid().to_numpy(zero_copy_only=False)
    return np.where(known[:, None], found[:, :MD5_BYTES], np.frombuffer(missing, np.uint8))


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


def _is_less(left: npt.NDArray[np.uint8], right: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """(n,) where the bytes on the left come before those on the right."""
    (high, low), (other_high, other_low) = (np.ascontiguousarray(part).view(">u8").T for part in (left, right))
    return np.asarray((high < other_high) | ((high == other_high) & (low < other_low)), bool)
