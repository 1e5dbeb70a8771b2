"""JSON -> values. An object that has an entry twice is no object: Python would keep the last, and lose the other."""

from __future__ import annotations

import json
from typing import Any


class RepeatedEntryError(ValueError):
    """An object has two entries of one name."""


def json_value(text: str) -> Any:
    """The value that a text holds.

    Raises:
        RepeatedEntryError: an object in it has two entries of one name.
        json.JSONDecodeError: it is not JSON.
    """
    return _DECODER.decode(text)


def first_value(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at a place of a text, and the place where it ends; errors as those of ``json_value``."""
    found: tuple[Any, int] = _DECODER.raw_decode(text, start)
    return found


def _object(entries: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(entries)
    if len(found) < len(entries):
        names = [name for name, _ in entries]
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise RepeatedEntryError(f"has two entries '{twice}' in one object")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
