"""The contents of a file: a table, and the rows that could not be parsed."""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True)
class Broken:
    """A row that could not be parsed at all.

    ``number`` counts from 1, ``text`` is the row as it is in the file.
    """

    number: int
    problem: str
    text: str
    column: str | None = None
    expected: str | None = None


@dataclass(frozen=True)
class Loaded:
    """A table, the rows that could not be parsed, and the numbers (from 1) of those that could, None if all could."""

    table: pa.Table
    broken: tuple[Broken, ...] = ()
    numbers: npt.NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()


def first_line(error: BaseException) -> str:
    """The first line of what a library says about an error; the error's name where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def open_bytes(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """Open a file, unpacked where its name ends in .gz."""
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")
