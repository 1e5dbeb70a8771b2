"""The contents of a file: a table, and the rows that could not be parsed."""

from __future__ import annotations

import codecs
import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.errors import BadInputError


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


PACKED = (".gz", ".zst", ".zstd")
"""The suffixes of compressed files."""

UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

ENCODINGS = "UTF-8 text; a file from Windows may be cp1252: iconv -f cp1252 -t utf-8 converts it"


def open_bytes(path: Path) -> io.BufferedIOBase:
    """Open a file of UTF-8 text, unpacked where its name ends in .gz or .zst, converted where it begins as UTF-16."""
    file = _unpacked(path)
    start = file.read(2)
    if start in UTF16:
        return io.BufferedReader(_Recoded(file, UTF16[start], str(path)), 1 << 16)
    file.close()
    return _unpacked(path)


class _Recoded(io.RawIOBase):
    """A file of UTF-16 as bytes of UTF-8, converted piece by piece."""

    def __init__(self, file: io.BufferedIOBase, encoding: str, source: str) -> None:
        super().__init__()
        self._file, self._source, self._ready = file, source, b""
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            piece = self._file.read(1 << 16)
            try:
                self._ready = self._decoder.decode(piece, final=not piece).encode("utf-8")
            except UnicodeError as error:
                raise BadInputError(
                    "begins as UTF-16 and goes on otherwise", source=self._source, expected="UTF-8"
                ) from error
            if not piece:
                break
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


def is_plain(path: Path) -> bool:
    """Whether a file is neither compressed nor UTF-16, so that a library can open it by its name."""
    if path.suffix.lower() in PACKED:
        return False
    with path.open("rb") as file:
        return file.read(2) not in UTF16


def _unpacked(path: Path) -> io.BufferedIOBase:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return gzip.open(path, "rb")
    if suffix in PACKED:
        return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))
    return path.open("rb")
