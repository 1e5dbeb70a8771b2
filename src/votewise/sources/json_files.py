"""JSON and JSON lines -> tables."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from votewise.errors import BadInputError
from votewise.sources.loaded import ENCODINGS, Broken, Loaded, open_bytes
from votewise.sources.values import table_of


def load_json(path: Path, name: str) -> Loaded:
    """Read a list of objects, an object that holds one, or objects one after the other."""
    with open_bytes(path) as file:
        data = file.read()
    try:
        parsed = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _not_utf8(name, data[: error.start].count(b"\n") + 1, error) from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and data.lstrip(codecs.BOM_UTF8).lstrip()[:1] == b"{":
            return load_json_lines(path, name)
        where = f"line {error.lineno}, column {error.colno}"
        raise BadInputError(f"is not JSON: {error.msg} at {where}", source=name) from error
    if isinstance(parsed, dict):
        lists = {k: v for k, v in parsed.items() if isinstance(v, list) and v and isinstance(v[0], dict)}
        if len(lists) > 1:
            raise BadInputError(
                f"contains several lists of objects: {', '.join(lists)}", source=name, expected="one list"
            )
        parsed = next(iter(lists.values())) if lists else [parsed]
    if not isinstance(parsed, list):
        raise BadInputError("does not contain a list", source=name, value=parsed, expected="a list of objects")
    return _objects((number, json.dumps(v), v) for number, v in enumerate(parsed, 1))


def load_json_lines(path: Path, name: str) -> Loaded:
    """Read one object per line; a row's number is that of its line."""

    def lines() -> Iterable[tuple[int, str, Any]]:
        with open_bytes(path) as file:
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
                    yield number, text, ValueError(f"is not JSON: {error.msg} at character {error.colno}")

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
                broken.append(
                    Broken(
                        number,
                        "is not an object",
                        text or json.dumps(value),
                        expected="an object with one entry per column",
                    )
                )
            else:
                numbers.append(number)
                yield value

    table = table_of(objects())
    consecutive = not numbers or numbers[-1] == len(numbers)
    return Loaded(table, tuple(broken), None if consecutive else np.array(numbers, np.int64))


def _not_utf8(name: str, row: int, error: UnicodeDecodeError) -> BadInputError:
    return BadInputError(f"invalid UTF-8 at byte {error.start + 1:,}, line {row:,}", source=name, expected=ENCODINGS)
