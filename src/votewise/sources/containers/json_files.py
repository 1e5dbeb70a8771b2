"""JSON and JSON lines -> tables."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from votewise.errors import BadInputError
from votewise.sources.containers.json_lists import items_of_entry, list_items, outline
from votewise.sources.containers.json_objects import ListInObject, list_in
from votewise.sources.containers.json_values import RepeatedEntryError, json_value
from votewise.sources.containers.loaded import ENCODINGS, Broken, Loaded, open_bytes
from votewise.sources.containers.pandas_json import pandas_rows
from votewise.sources.containers.parts import join_parts
from votewise.sources.values import table_of

Result = TypeVar("Result")
Item = tuple[int, str, Any, int]
"""A row's number, its text where it is broken, its value or a ValueError, and its size in bytes."""

PART_ROWS = 50_000
PART_BYTES = 1 << 24
"""How many rows, and how many bytes of text, are converted at a time."""


class _NotUtf8Error(ValueError):
    """A line is not text in UTF-8."""


def load_json(path: Path, name: str) -> Loaded:
    """Read a list of objects, an object that holds one, or objects one after the other."""
    return use_json(path, name, join_parts)


def load_json_lines(path: Path, name: str) -> Loaded:
    """Read one object per line; a row's number is that of its line."""
    return use_json_lines(path, name, join_parts)


def use_json(path: Path, name: str, use: Callable[[Iterator[Loaded]], Result]) -> Result:
    """Read such a file, and return what ``use`` makes of its parts.

    Neither a list nor an object around one is read at once.
    """
    if _is_json_lines(path):
        return use_json_lines(path, name, use)
    try:
        if not _is_object(path):
            return use(_parts(_items(path, list_items)))
        with open_bytes(path) as file:
            around = outline(file)
        found = None if pandas_rows(around) is not None else list_in(around, name)
        if found is not None:
            return use(_parts_of_list(path, found))
    except (UnicodeDecodeError, RepeatedEntryError, json.JSONDecodeError):
        # It is something else, or it is damaged: reading it at once tells where.
        pass
    return _use_value(path, name, use)


IN_A_LIST = (
    "a whole list, since in one that is damaged objects cannot be told apart; written as JSON lines, one object per line "
    "(.jsonl; in pandas to_json(orient='records', lines=True)), --on-error skip leaves out broken ones"
)
"""What to do about one broken object in a list."""


def _is_object(path: Path) -> bool:
    with open_bytes(path) as file:
        first = next((piece for piece in iter(lambda: file.read(1 << 10), b"") if _without_space(piece)), b"")
    return _without_space(first).startswith(b"{")


def _without_space(data: bytes) -> bytes:
    return data.removeprefix(codecs.BOM_UTF8).lstrip()


def _items(path: Path, read: Callable[[io.BufferedIOBase], Iterator[tuple[Any, int]]]) -> Iterator[Item]:
    with open_bytes(path) as file:
        for number, (value, length) in enumerate(read(file), 1):
            yield number, "", value, length


def _parts_of_list(path: Path, found: ListInObject) -> Iterator[Loaded]:
    items = _items(path, partial(items_of_entry, entry=found.entry))
    rows = ((number, text, found.row(value), size) for number, text, value, size in items)
    return (replace(part, notes=found.notes) for part in _parts(rows))


def _use_value(path: Path, name: str, use: Callable[[Iterator[Loaded]], Result]) -> Result:
    with open_bytes(path) as file:
        data = file.read()
    try:
        parsed = json_value(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _not_utf8(name, data[: error.start].count(b"\n") + 1, error) from error
    except RepeatedEntryError as error:
        raise BadInputError(str(error), source=name, expected="one of each name") from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and data.lstrip(codecs.BOM_UTF8).lstrip()[:1] == b"{":
            return use_json_lines(path, name, use)
        where = f"line {error.lineno}, column {error.colno}"
        a_list = data.lstrip(codecs.BOM_UTF8).lstrip()[:1] == b"["
        raise BadInputError(
            f"is not JSON: {error.msg} at {where}", source=name, expected=IN_A_LIST if a_list else None
        ) from error
    del data
    notes: tuple[str, ...] = ()
    if isinstance(parsed, dict):
        parsed, notes = _rows_in(parsed, name)
    if not isinstance(parsed, list):
        raise BadInputError("does not contain a list", source=name, value=parsed, expected="a list of objects")
    parts = _parts((number, "", value, 0) for number, value in enumerate(parsed, 1))
    return use(replace(part, notes=notes) for part in parts)


def _rows_in(value: dict[str, Any], name: str) -> tuple[list[Any], tuple[str, ...]]:
    """The rows of an object: itself where its names are those of a row, else the one list of objects in it.

    Also says what stands beside the list and is left out.
    """
    if (table := pandas_rows(value)) is not None:
        return table, ("The file is a table as pandas writes it.",)
    found = list_in(value, name)
    return ([value], ()) if found is None else ([found.row(row) for row in value[found.entry]], found.notes)


def use_json_lines(path: Path, name: str, use: Callable[[Iterator[Loaded]], Result]) -> Result:
    """Read one object per line part by part, and return what ``use`` makes of the parts."""
    return use(_parts(_lines(path)))


def _is_json_lines(path: Path) -> bool:
    """Whether the first line is an object and more follows: such a file need not be read at once to know what it is."""
    with open_bytes(path) as file:
        first = file.readline(PART_BYTES).removeprefix(codecs.BOM_UTF8)
        if not first.lstrip().startswith(b"{") or not first.endswith(b"\n"):
            return False
        try:
            json.loads(first.decode("utf-8"))
        except (ValueError, RecursionError):
            return False
        return any(line.strip() for line in file)


def _lines(path: Path) -> Iterator[Item]:
    with open_bytes(path) as file:
        for number, raw in enumerate(file, 1):
            line = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
            if not line.strip():
                continue
            try:
                yield number, "", json_value(line.decode("utf-8")), len(line)
            except UnicodeDecodeError as error:
                text = line.decode("utf-8", "backslashreplace")
                yield number, text, _NotUtf8Error(f"invalid UTF-8 at byte {error.start + 1} of the line"), len(line)
            except RepeatedEntryError as error:
                yield number, line.decode("utf-8"), error, len(line)
            except json.JSONDecodeError as error:
                text = line.decode("utf-8")
                yield number, text, ValueError(f"is not JSON: {error.msg} at character {error.colno}"), len(line)


def _parts(items: Iterable[Item]) -> Iterator[Loaded]:
    """Tables of the objects among the items, and what is not an object."""
    objects: list[dict[str, Any]] = []
    numbers: list[int] = []
    broken: list[Broken] = []
    names: list[str] = []
    size = 0
    for number, text, value, length in items:
        if isinstance(value, ValueError):
            expected = ENCODINGS if isinstance(value, _NotUtf8Error) else "one JSON object per line"
            broken.append(Broken(number, str(value), text.rstrip("\r\n"), expected=expected))
        elif not isinstance(value, dict):
            shown = text or json.dumps(value)
            broken.append(Broken(number, "is not an object", shown, expected="an object with one entry per column"))
        else:
            objects.append(value)
            numbers.append(number)
        size += length
        # A table without columns has no rows: empty objects wait for others.
        if (len(objects) + len(broken) >= PART_ROWS or size >= PART_BYTES) and (not objects or any(objects)):
            table = table_of(objects)
            names = names or table.column_names
            yield Loaded(table, tuple(broken), np.array(numbers, np.int64))
            objects, numbers, broken, size = [], [], [], 0
    table = table_of(objects) if any(objects) else pa.table({name: pa.nulls(len(objects)) for name in names[:1]})
    yield Loaded(table, tuple(broken), np.array(numbers if table.num_columns else [], np.int64))


def _not_utf8(name: str, row: int, error: UnicodeDecodeError) -> BadInputError:
    return BadInputError(f"invalid UTF-8 at byte {error.start + 1:,}, line {row:,}", source=name, expected=ENCODINGS)
