"""Columns of canonical votes -> arrays: codes of names, signs of labels, numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from votewise.arrays import Bools, Floats, Ints, Signs
from votewise.data.identity import Codes, compact_codes


def codes_of(column: pa.ChunkedArray) -> tuple[Codes, pa.Array]:
    """Codes of a column's values, -1 for null, and the values that they stand for."""
    coded = column.combine_chunks().dictionary_encode()
    return _indices(coded), coded.dictionary


def _indices(coded: pa.DictionaryArray) -> Codes:
    """The codes of a dictionary array, -1 for null."""
    return np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def signs_of(labels: pa.ChunkedArray) -> Signs:
    """+1 for a, -1 for b, 0 for a tie or null."""
    coded = labels.combine_chunks().dictionary_encode()
    of = np.array([{"a": 1, "b": -1}.get(v, 0) for v in coded.dictionary.to_pylist()] + [0], np.int8)
    found: Signs = of[_indices(coded)]
    return found


def floats_of(table: pa.Table, name: str) -> Floats:
    """A column as floats, NaN for null."""
    return np.asarray(table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def is_known(table: pa.Table, name: str) -> Bools:
    """Where a column is not null."""
    return np.asarray(table.column(name).is_valid().to_numpy(zero_copy_only=False), bool)


def by_appearance(codes: Codes) -> tuple[Ints, Codes]:
    """Number codes by first appearance; also gives where each appears first."""
    rank = compact_codes(codes)
    return rank.astype(np.int32), first_of_each(rank)


def first_of_each(codes: Codes) -> Codes:
    """(C,) where each of the codes 0 ... C - 1 appears first; 0 for codes that do not."""
    first = np.zeros(int(codes.max(initial=-1)) + 1, np.int64)
    # Of several places for one code the last one stays.
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return first


def compact(codes: Codes, names: pa.Array) -> tuple[Ints, pa.Array]:
    """Number codes by first appearance, and leave out the names that have no code any more."""
    renumbered, first = by_appearance(codes)
    return renumbered, names.take(pa.array(codes[first]))
