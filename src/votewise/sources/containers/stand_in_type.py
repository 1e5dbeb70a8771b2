"""The types of columns whose values stay in files, or in a database."""

from __future__ import annotations

import hashlib
from typing import Any

import pyarrow as pa

from votewise.arrays import Bools
from votewise.data.identity import MD5_BYTES

DIGEST = pa.binary(MD5_BYTES + 8)
"""What a stand-in is: MD5 of the text in UTF-8, by which pairs are named, and 8 bytes that depend on a secret."""

TEXT = pa.large_string()


class TextsNeededError(Exception):
    """Somebody looks into texts for which there are only stand-ins: the source has to be read whole."""


class StandIn(pa.ExtensionScalar):  # type: ignore[misc] # pyarrow has no types
    """A stand-in for one text."""

    def as_py(self, **_: Any) -> Any:
        """Raise TextsNeededError: whoever wants a value wants the text; null stays None."""
        if self.value is None:
            return None
        raise TextsNeededError


class StandInType(pa.ExtensionType):  # type: ignore[misc] # pyarrow has no types
    """Stand-ins for texts. Arrow's functions do not know the type, so that nobody takes a stand-in for a text."""

    def __init__(self) -> None:
        super().__init__(DIGEST, "votewise.stand_in")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: pa.DataType, serialized: bytes) -> StandInType:
        return cls()

    def __arrow_ext_scalar_class__(self) -> type[StandIn]:
        return StandIn


UNSEEN = pa.struct([("x", pa.null())])
"""How a column of which only the nulls are known is kept: no function takes it for texts, lists or objects with keys."""


class LeftType(pa.ExtensionType):  # type: ignore[misc] # pyarrow has no types
    """Values that are in files and of which nothing is here, except which of them are null.

    ``original`` is the type that they have in the files.
    """

    def __init__(self, original: pa.DataType) -> None:
        self.original = original
        super().__init__(UNSEEN, "votewise.left_in_files")

    def __arrow_ext_serialize__(self) -> bytes:
        return bytes(pa.schema([("x", self.original)]).serialize().to_pybytes())

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: pa.DataType, serialized: bytes) -> LeftType:
        return cls(pa.ipc.read_schema(pa.py_buffer(serialized)).field(0).type)

    def __arrow_ext_scalar_class__(self) -> type[StandIn]:
        return StandIn


def left_column(nulls: Bools, original: pa.DataType) -> pa.ChunkedArray:
    """A column of values that stay in files, of which only is known where there are ``nulls``."""
    seen = pa.StructArray.from_arrays([pa.nulls(len(nulls))], fields=list(UNSEEN), mask=pa.array(nulls, pa.bool_()))
    kind = LeftType(original)
    return pa.chunked_array([pa.ExtensionArray.from_storage(kind, seen)], kind)


def is_left(field: pa.Field) -> bool:
    """Tell whether a column holds nothing but which values are null."""
    return isinstance(field.type, LeftType)


def is_in_files(field: pa.Field) -> bool:
    """Tell whether the values of a column are in files: as stand-ins, or not here at all."""
    return is_stand_in(field) or is_left(field)


def original_type(field: pa.Field) -> pa.DataType:
    """The type of a column's values, wherever they are."""
    if is_left(field):
        return field.type.original
    return TEXT if is_stand_in(field) else field.type


def is_stand_in(field: pa.Field) -> bool:
    """Tell whether a column holds stand-ins for texts."""
    return isinstance(field.type, StandInType)


def digests(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The stand-ins of a column as plain bytes, equal where the texts are."""
    return pa.chunked_array([chunk.storage for chunk in column.chunks], DIGEST)


def keyed_digests(texts: pa.ChunkedArray, secret: str) -> pa.ChunkedArray:
    """The stand-ins that databases compute, of texts that are here: the 8 bytes are of the MD5 of secret and text."""
    found = [
        None if text is None else _keyed_digest(text, secret) for text in texts.cast(pa.large_binary()).to_pylist()
    ]
    return pa.chunked_array([pa.array(found, DIGEST)])


def _keyed_digest(text: bytes, secret: str) -> bytes:
    def md5(content: bytes) -> bytes:
        return hashlib.md5(content, usedforsecurity=False).digest()

    return md5(text) + md5(secret.encode() + text)[: DIGEST.byte_width - MD5_BYTES]
