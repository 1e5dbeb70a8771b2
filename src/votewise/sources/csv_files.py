"""CSV -> tables. A CSV has no types, so every column is read as text, and numbers are parsed where a format needs them."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from votewise.errors import BadInputError
from votewise.sources.loaded import ENCODINGS, Broken, Loaded, is_plain, open_bytes
from votewise.sources.quoting import has_backslash_quotes, unbalanced_line

CHUNK = 1 << 20
"""Bytes that are checked at a time."""


def load_csv(path: Path, name: str) -> Loaded:
    """Read a table with a header, its fields separated by commas, tabs or semicolons; an empty field is null."""
    with open_bytes(path) as file:
        head = file.readline()
    if b"\0" in head:
        raise BadInputError(
            "null bytes in its header: UTF-16 without its first two bytes?", source=name, expected=ENCODINGS
        )
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"invalid UTF-8 at byte {error.start + 1:,} of the header"
        raise BadInputError(problem, source=name, expected=ENCODINGS) from error
    delimiter = max((b",", b"\t", b";"), key=head.count).decode()
    broken: list[Broken] = []

    def skip(row: Any) -> str:
        problem = f"has {row.actual_columns} fields"
        broken.append(Broken(row.number - 1, problem, row.text, expected=f"{row.expected_columns} as in the header"))
        return "skip"

    with open_bytes(path) as file:
        content = file.read()
    options = _quotes(content, name, delimiter)
    if _is_utf8(content):
        # Arrow decodes the row that it hands over, and cannot say that it could not.
        options["invalid_row_handler"] = skip
    del content
    table = _parse_csv(path, delimiter, options)
    # Arrow counts the header as row 1; broken rows appear once per attempt with a different block size.
    lost = {b.number: b for b in broken}
    numbers = np.setdiff1d(np.arange(1, len(table) + len(lost) + 1), list(lost)) if lost else None
    return _as_text(table, list(lost.values()), numbers)


def _is_utf8(content: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), CHUNK):
            decoder.decode(content[start : start + CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _quotes(content: bytes, name: str, delimiter: str) -> dict[str, Any]:
    """How quotes are read: doubled, or after a backslash; in a table separated by tabs not at all if they do not balance.

    Raises:
        BadInputError: they do not balance, with the line of the first field that does not end where a field must.
    """
    if b'"' not in content:
        return {}
    line = unbalanced_line(content, delimiter.encode())
    if line is None:
        return {}
    if has_backslash_quotes(content) and unbalanced_line(content, delimiter.encode(), escape=True) is None:
        return {"escape_char": "\\"}
    if delimiter == "\t":
        return {"quote_char": False}
    raise BadInputError(
        f"a quote opens in line {line:,} and does not end with its field, so that it would swallow the rows after it",
        source=name,
        expected='balanced quotes: "" for a quote inside a quoted field',
    )


def _parse_csv(path: Path, delimiter: str, options: dict[str, Any]) -> pa.Table:
    parse = pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True, **options)
    size = 1 << 24
    while True:
        # One thread, because only then Arrow gives the handler the numbers of rows.
        read = pacsv.ReadOptions(use_threads=False, block_size=size)
        try:
            names = pacsv.open_csv(_input(path), read_options=read, parse_options=parse).schema.names
            convert = pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_binary()),
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=False,
            )
            return pacsv.read_csv(_input(path), read_options=read, parse_options=parse, convert_options=convert)
        except pa.ArrowInvalid as error:
            # A field may not be longer than a block.
            if "straddling" not in str(error) or size >= 1 << 30:
                raise
            size *= 8


def _input(path: Path) -> Any:
    return path if is_plain(path) else open_bytes(path)


def _as_text(table: pa.Table, broken: list[Broken], numbers: npt.NDArray[np.int64] | None) -> Loaded:
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
                    number = i + 1 if numbers is None else int(numbers[i])
                    problem = f"invalid UTF-8 at byte {error.start + 1:,} of the field"
                    broken.append(Broken(number, problem, text, column=name, expected=ENCODINGS))
            columns.append(pa.chunked_array([pa.array(texts, pa.large_string())]))
    table = pa.Table.from_arrays(columns, names=table.column_names)
    if bad.any():
        numbers = (np.arange(1, len(table) + 1) if numbers is None else numbers)[~bad]
        table = table.filter(pa.array(~bad))
    return Loaded(table, tuple(sorted(broken, key=lambda b: b.number)), numbers)
