"""CSV -> tables. A CSV has no types, so every column is read as text, and numbers are parsed where a format needs them.

A file is read twice: first its bytes are checked (encoding, quotes), then Arrow parses it. Both happen piece by piece.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from votewise.errors import BadInputError
from votewise.sources.containers.loaded import ENCODINGS, Broken, Loaded, is_plain, open_bytes
from votewise.sources.containers.parts import join_parts
from votewise.sources.containers.quoting import QuoteScan
from votewise.storage.spreadsheet_cells import is_ours, unquoted_cells

Result = TypeVar("Result")

PIECE = 1 << 22
"""Bytes that are checked at a time."""

BLOCK = 1 << 24
"""Bytes that are parsed at a time; more where a row is longer."""

LONGEST_BLOCK = 1 << 30

SEPARATOR = re.compile(rb"(?:\xef\xbb\xbf)?\"?sep=([,;|\t])\"?[,;|\t]*\r?\n", re.IGNORECASE)
"""A first line that tells Excel what separates the fields."""


def load_csv(path: Path, name: str) -> Loaded:
    """Read a table with a header, its fields separated by commas, tabs, semicolons or bars; an empty field is null."""
    return use_csv(path, name, join_parts)


def use_csv(path: Path, name: str, use: Callable[[Iterator[Loaded]], Result]) -> Result:
    """Read such a table part by part, and return what ``use`` makes of the parts.

    Args:
        path: the file.
        name: what messages call it.
        use: takes all parts; called again from the beginning where a row turned out to be longer than what is parsed at a
            time.
    """
    table = _checked(path, name)
    size = BLOCK
    while True:
        try:
            return use(_parts(table, size))
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error) or size >= LONGEST_BLOCK:
                raise
            size *= 8


@dataclass(frozen=True)
class _Csv:
    """A file and how to parse it: ``options`` of Arrow's parser; ``utf8`` says whether all of it is UTF-8.

    ``skipped`` is the number of lines before the header.
    """

    path: Path
    delimiter: str
    options: dict[str, Any] = field(default_factory=dict)
    utf8: bool = True
    skipped: int = 0


def _checked(path: Path, name: str) -> _Csv:
    with open_bytes(path) as file:
        first = file.readline()
        told = SEPARATOR.fullmatch(first)
        head = file.readline() if told else first
    if b"\0" in head:
        raise BadInputError(
            "null bytes in its header: UTF-16 without its first two bytes?", source=name, expected=ENCODINGS
        )
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"invalid UTF-8 at byte {error.start + 1:,} of the header"
        raise BadInputError(problem, source=name, expected=ENCODINGS) from error
    delimiter = told[1] if told else max((b",", b"\t", b";", b"|"), key=head.count)
    doubled, escaped = QuoteScan(delimiter), QuoteScan(delimiter, escape=True)
    decoder, utf8, backslash, last = codecs.getincrementaldecoder("utf-8")(), True, False, b""
    with open_bytes(path) as file:
        while piece := file.read(PIECE):
            doubled.feed(piece)
            escaped.feed(piece)
            backslash = backslash or b'\\"' in last + piece[:1] or b'\\"' in piece
            last = piece[-1:]
            utf8 = utf8 and _decodes(decoder, piece)
    utf8 = utf8 and _decodes(decoder, b"", final=True)
    line = doubled.finish()
    if line is None:
        options: dict[str, Any] = {}
    elif backslash and escaped.finish() is None:
        options = {"escape_char": "\\"}
    elif delimiter == b"\t":
        options = {"quote_char": False}
    else:
        raise BadInputError(
            f"a quote opens in line {line:,} and does not end with its field, so that it would swallow the rows after it",
            source=name,
            expected='balanced quotes: "" for a quote inside a quoted field',
        )
    return _Csv(path, delimiter.decode(), options, utf8, skipped=int(told is not None))


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


def _parts(table: _Csv, size: int) -> Iterator[Loaded]:
    """The table block by block, with the numbers that its rows have in the file."""
    lost: dict[int, Broken] = {}

    def skip(row: Any) -> str:
        number = row.number - 1 - table.skipped  # Arrow counts the header
        expected = f"{row.expected_columns} as in the header"
        lost[number] = Broken(number, f"has {row.actual_columns} fields", row.text, expected=expected)
        return "skip"

    # Arrow decodes the row that it hands over, and cannot say that it could not.
    options = table.options | ({"invalid_row_handler": skip} if table.utf8 else {})
    parse = pacsv.ParseOptions(delimiter=table.delimiter, newlines_in_values=True, **options)
    # One thread, because only then Arrow gives the handler the numbers of rows.
    read = pacsv.ReadOptions(use_threads=False, block_size=size, skip_rows=table.skipped)
    with pacsv.open_csv(_input(table.path), read_options=read, parse_options=parse) as reader:
        names = reader.schema.names
    lost.clear()
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.large_binary()),
        strings_can_be_null=True,
        null_values=[""],
        quoted_strings_can_be_null=False,
    )
    after = 1
    with pacsv.open_csv(_input(table.path), read_options=read, parse_options=parse, convert_options=convert) as reader:
        yield _as_text(pa.Table.from_batches([], reader.schema), np.arange(0), [])
        for batch in reader:
            numbers = _numbers(after, len(batch), lost)
            after = int(numbers[-1]) + 1 if len(numbers) else after
            broken = [lost.pop(number) for number in sorted(lost) if number < after]
            yield _as_text(pa.Table.from_batches([batch]), numbers, broken)
        yield _as_text(
            pa.Table.from_batches([], reader.schema), np.arange(0), [lost[number] for number in sorted(lost)]
        )


def _numbers(first: int, n: int, lost: Collection[int]) -> npt.NDArray[np.int64]:
    """(n,) the numbers of the next rows, without those of rows that were left out."""
    if not lost:
        return np.arange(first, first + n)
    found = np.arange(first, first + n + len(lost))
    return np.setdiff1d(found, list(lost))[:n]


def _input(path: Path) -> Any:
    return path if is_plain(path) else open_bytes(path)


def _as_text(table: pa.Table, numbers: npt.NDArray[np.int64], broken: list[Broken]) -> Loaded:
    columns, bad = [], np.zeros(len(table), bool)
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            columns.append(column.cast(pa.large_string()))
        except pa.ArrowInvalid:
            texts = []
            for i, value in enumerate(column.to_pylist()):
                try:
                    texts.append(None if value is None else value.decode("utf-8"))
                except UnicodeDecodeError as error:
                    text = value.decode("utf-8", "backslashreplace")
                    texts.append(text)
                    bad[i] = True
                    problem = f"invalid UTF-8 at byte {error.start + 1:,} of the field"
                    broken.append(Broken(int(numbers[i]), problem, text, column=name, expected=ENCODINGS))
            columns.append(pa.chunked_array([pa.array(texts, pa.large_string())]))
    table = pa.Table.from_arrays(columns, names=table.column_names)
    if is_ours(table.column_names):
        table = unquoted_cells(table)
    if bad.any():
        table, numbers = table.filter(pa.array(~bad)), numbers[~bad]
    return Loaded(table, tuple(sorted(broken, key=lambda b: b.number)), numbers)
