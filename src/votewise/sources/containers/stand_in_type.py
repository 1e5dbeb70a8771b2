"""The type of columns whose texts stay in their files."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

DIGEST = pa.binary(16)
"""What a stand-in is."""


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


def is_stand_in(field: pa.Field) -> bool:
    """Tell whether a column holds stand-ins for texts."""
    return isinstance(field.type, StandInType)


def digests(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The stand-ins of a column as plain bytes, equal where the texts are."""
    return pa.chunked_array([chunk.storage for chunk in column.chunks], DIGEST)
