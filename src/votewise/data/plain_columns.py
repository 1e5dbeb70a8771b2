"""Arrow columns from NumPy and back, without pandas: pyarrow imports it at its first conversion, for a fifth of a second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools


def column_of(values: npt.NDArray[Any], missing: Bools | None = None) -> pa.Array:
    """A column of whole or real numbers (n,), null where ``missing``."""
    held = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
    buffers = [held, pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), buffers)


def column_of_texts(values: Sequence[str]) -> pa.Array:
    """A column of texts."""
    coded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, coded)], dtype=np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(coded), [None, pa.py_buffer(ends.tobytes()), pa.py_buffer(b"".join(coded))]
    )


def numbers_of(column: pa.ChunkedArray | pa.Array, missing: float = 0) -> npt.NDArray[Any]:
    """The numbers (n,) of a column, and ``missing`` where it has none."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    kind = column.type.to_pandas_dtype()
    return np.concatenate([np.zeros(0, kind), *(_numbers(chunk, kind, missing) for chunk in chunks if len(chunk))])


def _numbers(chunk: pa.Array, kind: Any, missing: float) -> npt.NDArray[Any]:
    held, values = chunk.buffers()
    found = np.frombuffer(values, kind)[chunk.offset : chunk.offset + len(chunk)]
    if not chunk.null_count:
        return found
    bits = np.unpackbits(np.frombuffer(held, np.uint8), bitorder="little")
    return np.where(bits[chunk.offset : chunk.offset + len(chunk)] == 1, found, kind(missing))
