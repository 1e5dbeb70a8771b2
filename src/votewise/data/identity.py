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

Codes = npt.NDArray[np.int64]

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


def joined_codes(left: Codes, right: Codes) -> Codes:
    """One code for each combination of two codes (-1 allowed)."""
    width = int(right.max(initial=-1)) + 2
    _, codes = np.unique((left + 1) * width + right + 1, return_inverse=True)
    return np.asarray(codes, np.int64)


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
    """The names of pairs: as given in the column ``pair``, else a hash of the texts.

    Args:
        pairs: one row per pair, with columns ``pair``, ``prompt``, ``response_a`` and ``response_b`` as far as known.
    """
    columns = pairs.column_names
    if set(columns) <= set(TEXTS) and all(_is_text(pairs.schema.field(name).type) for name in columns):
        texts = [_bytes(pairs.column(name)) if name in columns else [None] * len(pairs) for name in TEXTS]
        return pa.array([_hash(p or b"", a, b) for p, a, b in zip(*texts, strict=True)], pa.large_string())
    names = pairs.column("pair").to_pylist() if "pair" in columns else [None] * len(pairs)
    if "response_a" in columns and None in names:
        prompts = text_keys(pairs.column("prompt")).to_pylist() if "prompt" in columns else [None] * len(pairs)
        if ALSO in columns:
            seen = pairs.column(ALSO).to_pylist()
            prompts = [p if also is None else f"{p or ''}\0{also}" for p, also in zip(prompts, seen, strict=True)]
        a, b = (text_keys(pairs.column(name)).to_pylist() for name in TEXTS[1:])
        names = [hash_of_texts(*t) if name is None else name for name, *t in zip(names, prompts, a, b, strict=True)]
    return pa.array(names, pa.large_string())


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind))


def _bytes(column: pa.ChunkedArray) -> list[Any]:
    """The texts of a column in UTF-8, without the detour over Python's texts."""
    found: list[Any] = column.cast(pa.large_binary()).to_pylist()
    return found


def hash_of_texts(prompt: str | None, a: str, b: str) -> str:
    """16 hexadecimal digits that depend on the texts and on nothing else, not even on the order of the responses."""
    return _hash((prompt or "").encode(), a.encode(), b.encode())


def _hash(prompt: bytes, a: bytes, b: bytes) -> str:
    # The order of bytes in UTF-8 is the order of characters.
    first, last = (a, b) if a < b else (b, a)
    parts = (len(prompt).to_bytes(8), prompt, len(first).to_bytes(8), first, len(last).to_bytes(8), last)
    return hashlib.blake2b(b"".join(parts), digest_size=8).hexdigest()
