"""Files and folders -> tables: JSON, JSON lines, CSV, Parquet, Arrow, Parquet folders, saved ``datasets`` folders."""

from __future__ import annotations

import codecs
import gzip
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from votewise.errors import BadInputError
from votewise.readers.values import table_of


@dataclass(frozen=True)
class Broken:
    """A row that could not be parsed at all.

    ``number`` counts from 1, ``text`` is the row as it stands in the file.
    """

    number: int
    problem: str
    text: str
    column: str | None = None
    expected: str | None = None


@dataclass(frozen=True)
class Loaded:
    """A table, the rows that did not make it there, and the numbers (from 1) of those that did, None if all did."""

    table: pa.Table
    broken: tuple[Broken, ...] = ()
    numbers: npt.NDArray[np.int64] | None = None


def load_path(path: Path, name: str) -> Loaded:
    """Read a file or a folder; raises BadInputError with one clear line where that cannot be done."""
    if not path.exists():
        raise BadInputError("there is no such file or folder", source=name)
    try:
        if path.is_dir():
            return Loaded(_folder(path, name))
        if path.stat().st_size == 0:
            raise BadInputError("the file is empty", source=name)
        return _reader(path, name)(path, name)
    except pa.ArrowException as error:
        raise BadInputError(f"cannot be read: {_first_line(error)}", source=name) from error
    except (OSError, EOFError) as error:
        raise BadInputError(f"cannot be read: {_first_line(error)}", source=name) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _reader(path: Path, name: str) -> Callable[[Path, str], Loaded]:
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix in READERS:
        return READERS[suffix]
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"PAR1"):
        return _parquet
    if head.startswith(b"ARROW1"):
        return _arrow
    if head.startswith(b"SQLite") or b"DUCK" in head:
        raise BadInputError(
            "is a database", source=name, expected="a connection URL such as duckdb://file.db?table=votes"
        )
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _json
    known = ", ".join(READERS)
    raise BadInputError(f"unknown kind of file '{suffix}'", source=name, expected=f"{known} or .gz of these")


def _open(path: Path) -> gzip.GzipFile | io.BufferedReader:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")


# Parquet, Arrow and folders of them


def _parquet(path: Path, name: str) -> Loaded:
    try:
        return Loaded(pq.ParquetFile(path).read())
    except (pa.ArrowException, OSError) as error:
        raise BadInputError(f"is no complete Parquet file: {_first_line(error)}", source=name) from error


def _arrow(path: Path, name: str) -> Loaded:
    with pa.memory_map(str(path)) as file:
        try:
            return Loaded(pa.ipc.open_file(file).read_all())
        except pa.ArrowInvalid:
            file.seek(0)
        try:
            return Loaded(pa.ipc.open_stream(file).read_all())
        except (pa.ArrowException, OSError) as error:
            raise BadInputError(f"is no complete Arrow file: {_first_line(error)}", source=name) from error


def _folder(path: Path, name: str) -> pa.Table:
    if (path / "dataset_dict.json").is_file():
        splits = json.loads((path / "dataset_dict.json").read_text("utf-8")).get("splits", [])
        if len(splits) != 1:
            found = f"holds the splits {', '.join(splits)}"
            raise BadInputError(found, source=name, expected=f"one, e.g. {name}/train")
        return _folder(path / splits[0], f"{name}/{splits[0]}")
    if (path / "state.json").is_file():
        files = [path / f["filename"] for f in json.loads((path / "state.json").read_text("utf-8"))["_data_files"]]
        tables = [_arrow(file, str(file)).table for file in files]
    else:
        tables = [_parquet(file, str(file)).table for file in sorted(path.rglob("*.parquet"))]
    if not tables:
        raise BadInputError(
            "is a folder without data", source=name, expected="Parquet files, or what datasets' save_to_disk writes"
        )
    # Metadata may differ from file to file (pandas writes row ranges there), and null columns have other types.
    return pa.concat_tables([t.replace_schema_metadata() for t in tables], promote_options="permissive")


# JSON


def _json(path: Path, name: str) -> Loaded:
    with _open(path) as file:
        data = file.read()
    try:
        parsed = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _not_utf8(name, data[: error.start].count(b"\n") + 1, error) from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and data.lstrip(codecs.BOM_UTF8).lstrip()[:1] == b"{":
            return _json_lines(path, name)
        where = f"line {error.lineno}, column {error.colno}"
        raise BadInputError(f"is no JSON: {error.msg} at {where}", source=name) from error
    if isinstance(parsed, dict):
        lists = {k: v for k, v in parsed.items() if isinstance(v, list) and v and isinstance(v[0], dict)}
        if len(lists) > 1:
            raise BadInputError(f"holds several lists of objects: {', '.join(lists)}", source=name, expected="one list")
        parsed = next(iter(lists.values())) if lists else [parsed]
    if not isinstance(parsed, list):
        raise BadInputError("holds no list", source=name, value=parsed, expected="a list of objects")
    return _objects((number, json.dumps(v), v) for number, v in enumerate(parsed, 1))


def _json_lines(path: Path, name: str) -> Loaded:
    def lines() -> Iterable[tuple[int, str, Any]]:
        with _open(path) as file:
            for number, raw in enumerate(file, 1):
                line = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
                if not line.strip():
                    continue
                try:
                    yield number, "", json.loads(line.decode("utf-8"))
                except UnicodeDecodeError as error:
                    text = line.decode("utf-8", "backslashreplace")
                    yield number, text, ValueError(f"invalid UTF-8 at byte {error.start + 1} of the line")
                except json.JSONDecodeError as error:
                    text = line.decode("utf-8")
                    yield number, text, ValueError(f"is no JSON: {error.msg} at character {error.colno}")

    return _objects(lines())


def _objects(items: Iterable[tuple[int, str, Any]]) -> Loaded:
    """Turn (number, text, parsed value or its error) of every row into a table of the objects and the rest."""
    broken: list[Broken] = []
    numbers: list[int] = []

    def objects() -> Iterable[dict[str, Any]]:
        for number, text, value in items:
            if isinstance(value, ValueError):
                broken.append(Broken(number, str(value), text.rstrip("\r\n"), expected="one JSON object per line"))
            elif not isinstance(value, dict):
                problem = f"is a {type(value).__name__}"
                broken.append(Broken(number, problem, text or json.dumps(value), expected="an object"))
            else:
                numbers.append(number)
                yield value

    table = table_of(objects())
    consecutive = not numbers or numbers[-1] == len(numbers)
    return Loaded(table, tuple(broken), None if consecutive else np.array(numbers, np.int64))


def _not_utf8(name: str, row: int, error: UnicodeDecodeError) -> BadInputError:
    return BadInputError(f"invalid UTF-8 at byte {error.start + 1:,}, line {row:,}", source=name, expected="UTF-8 text")


# CSV: it has no types, so every column is read as text and numbers are parsed where a format needs them


def _csv(path: Path, name: str) -> Loaded:
    with _open(path) as file:
        head = file.readline()
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadInputError("is UTF-16", source=name, row=1, expected="UTF-8 text")
    delimiter = max((b",", b"\t", b";"), key=head.count).decode()
    broken: list[Broken] = []

    def skip(row: Any) -> str:
        problem = f"has {row.actual_columns} fields"
        broken.append(Broken(row.number - 1, problem, row.text, expected=f"{row.expected_columns} as in the header"))
        return "skip"

    table = _parse_csv(path, delimiter, skip)
    # The header is row 1 to Arrow; broken rows appear once per attempt with another block size.
    lost = {b.number: b for b in broken}
    numbers = np.setdiff1d(np.arange(1, len(table) + len(lost) + 1), list(lost)) if lost else None
    return _as_text(table, list(lost.values()), numbers)


def _parse_csv(path: Path, delimiter: str, skip: Callable[[Any], str]) -> pa.Table:
    parse = pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip)
    size = 1 << 24
    while True:
        # One thread, since Arrow numbers the rows it hands to the handler only then.
        options = pacsv.ReadOptions(use_threads=False, block_size=size)
        try:
            names = pacsv.open_csv(path, read_options=options, parse_options=parse).schema.names
            convert = pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_binary()),
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=False,
            )
            return pacsv.read_csv(path, read_options=options, parse_options=parse, convert_options=convert)
        except pa.ArrowInvalid as error:
            # A field may not be longer than a block.
            if "straddling" not in str(error) or size >= 1 << 30:
                raise
            size *= 8


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
                    broken.append(Broken(number, problem, text, column=name, expected="UTF-8 text"))
            columns.append(pa.chunked_array([pa.array(texts, pa.large_string())]))
    table = pa.Table.from_arrays(columns, names=table.column_names)
    if bad.any():
        numbers = (np.arange(1, len(table) + 1) if numbers is None else numbers)[~bad]
        table = table.filter(pa.array(~bad))
    return Loaded(table, tuple(sorted(broken, key=lambda b: b.number)), numbers)


READERS: dict[str, Callable[[Path, str], Loaded]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
    ".pq": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".ipc": _arrow,
}
