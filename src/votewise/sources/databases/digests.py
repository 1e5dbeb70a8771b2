"""Digests of texts, computed by the engine in which the texts are: 24 bytes travel instead of a text.

They are what stands for texts in large files too (``votewise.sources.containers.stand_ins``): the MD5 of the text in UTF-8,
by which pairs are named and which anyone can compute again in SQL, and 8 bytes of the MD5 of a secret and the text, because
texts of equal MD5 can be made.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from votewise.data.identity import MD5_BYTES
from votewise.sources.containers.stand_in_type import DIGEST

ENGINES = ("duckdb", "postgres", "pyspark")
"""The engines that are known to compute digests right."""

HEX = 2 * DIGEST.byte_width
"""Characters of a digest while it travels: hexadecimal digits, lower case."""

KEYED = 2 * (DIGEST.byte_width - MD5_BYTES)

SPACES = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)
SPACES += "\u2028\u2029\u202f\u205f\u3000"
BEGINS, ENDS = rf"^[{SPACES}]*(\[|\{{|array\()", rf"(\]|\}}|\))[{SPACES}]*$"
"""How a text begins and ends that spells a list or an object. The characters as they are: engines differ in escapes."""


def digest(column: Any, secret: str) -> Any:
    """An expression of ibis for the digest of a column of texts, as hexadecimal digits; null stays null."""
    return md5_of(column) + md5_of(secret + column).left(KEYED)


def md5_of(text: Any) -> Any:
    """An expression of ibis for the MD5 of texts, with which their digests begin."""
    if text.get_backend().name == "postgres":
        convert_to, md5 = _postgres_functions()
        return md5(convert_to(text, "UTF8"))
    return text.hexdigest("md5")


def like_an_object(column: Any) -> Any:
    """An expression of ibis: whether a text begins and ends like a list or an object."""
    return column.re_search(BEGINS) & column.re_search(ENDS)


def from_hex(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Digests as bytes."""
    return pa.chunked_array([_from_hex(chunk.cast(pa.string())) for chunk in column.chunks], DIGEST)


def _from_hex(chunk: pa.Array) -> pa.Array:
    missing = np.asarray(chunk.is_null().to_numpy(zero_copy_only=False), bool)
    texts = "".join(chunk.fill_null("0" * HEX).to_pylist())
    if len(texts) != HEX * len(chunk):
        raise ValueError("the engine's digests have another length")
    values: npt.NDArray[np.uint8] = np.frombuffer(bytes.fromhex(texts), np.uint8)
    found = pa.FixedSizeBinaryArray.from_buffers(DIGEST, len(chunk), [None, pa.py_buffer(values)])
    return pc.if_else(pa.array(missing), pa.scalar(None, DIGEST), found) if missing.any() else found


@cache
def _postgres_functions() -> tuple[Any, Any]:
    """PostgreSQL's own functions, whose signatures are all that ibis has to know."""
    from ibis import udf

    def convert_to(text: str, encoding: str) -> bytes:  # type: ignore[empty-body]
        ...

    def md5(of: bytes) -> str:  # type: ignore[empty-body]
        ...

    return udf.scalar.builtin(convert_to), udf.scalar.builtin(md5)
