"""A JSON file that is one list, or one object around a list -> the list's items, read piece by piece."""

from __future__ import annotations

import codecs
import io
import json
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

from votewise.sources.containers.json_values import RepeatedEntryError, first_value

PIECE = 1 << 20
"""Bytes that are read at once; more where one item is longer."""

SPACE = " \t\n\r"


def list_items(file: io.BufferedIOBase) -> Iterator[tuple[Any, int]]:
    """The items of the list that a file holds, and how many characters each has.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
        RepeatedEntryError: an object in it has two entries of one name.
        json.JSONDecodeError: it is not a list, or not JSON.
    """
    text = _Text(file)
    yield from text.items()
    text.end()


def outline(file: io.BufferedIOBase) -> dict[str, Any]:
    """The object that a file holds, of whose lists of objects only the first item is there.

    Raises:
        UnicodeDecodeError, RepeatedEntryError, json.JSONDecodeError: as ``list_items``; it is not an object.
    """
    text, found = _Text(file), dict[str, Any]()
    for name in text.names():
        if name in found:
            raise RepeatedEntryError(f"has two entries '{name}' in one object")
        found[name] = _outline_of_list(text.items()) if text.next() == "[" else text.value()[0]
    text.end()
    return found


def items_of_entry(file: io.BufferedIOBase, entry: str) -> Iterator[tuple[Any, int]]:
    """The items of the list in one entry of the object that a file holds, as ``list_items`` gives them."""
    text = _Text(file)
    for name in text.names():
        if name == entry:
            yield from text.items()
            return
        # Whatever stands before the list was read by ``outline``.
        if text.next() == "[":
            deque(text.items(), maxlen=0)
        else:
            text.value()


def _outline_of_list(items: Iterator[tuple[Any, int]]) -> list[Any]:
    first = [item for item, _ in islice(items, 1)]
    if first and isinstance(first[0], dict):
        deque(items, maxlen=0)
        return first
    return first + [item for item, _ in items]


class _Text:
    """The text of a file, of which what was used is forgotten. ``here`` is what is known of it, ``at`` the place in it."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        self._file, self._decoder, self._ended = file, codecs.getincrementaldecoder("utf-8-sig")(), False
        self.here, self.at = "", 0

    def next(self) -> str:
        """The next character that is no space; nothing at the end."""
        while True:
            while self.at < len(self.here) and self.here[self.at] in SPACE:
                self.at += 1
            if self.at < len(self.here):
                return self.here[self.at]
            if self._ended:
                return ""
            self._read()

    def skip(self, character: str) -> None:
        """Go past the next character, which has to be this one."""
        if self.next() != character:
            raise json.JSONDecodeError(f"Expecting '{character}'", self.here, self.at)
        self.at += 1

    def items(self) -> Iterator[tuple[Any, int]]:
        """Go past a list, and give its items one by one with their lengths."""
        self.skip("[")
        if self.next() == "]":
            self.skip("]")
            return
        while True:
            yield self.value()
            if self.next() != ",":
                break
            self.skip(",")
        self.skip("]")

    def names(self) -> Iterator[str]:
        """Go past an object, and give its entries' names; whoever gets one goes past the value."""
        self.skip("{")
        if self.next() == "}":
            self.skip("}")
            return
        while True:
            if self.next() != '"':
                raise json.JSONDecodeError("Expecting property name", self.here, self.at)
            name = str(self.value()[0])
            self.skip(":")
            yield name
            if self.next() != ",":
                break
            self.skip(",")
        self.skip("}")

    def end(self) -> None:
        """Nothing but space may follow."""
        if self.next():
            raise json.JSONDecodeError("Extra data", self.here, self.at)

    def value(self) -> tuple[Any, int]:
        """Go past the next value, and give it and its length."""
        self.next()
        while True:
            try:
                found, end = first_value(self.here, self.at)
            except json.JSONDecodeError:
                if self._ended:
                    raise
            else:
                # A number that ends with the known text, or before a point or an e there, may go on.
                whole = not isinstance(found, int | float) or self.here[end : end + 1] in (*SPACE, ",", "]", "}")
                if whole or self._ended:
                    length, self.at = end - self.at, end
                    return found, length
            self._read()

    def _read(self) -> None:
        # An item that is longer than all that is known is parsed again: twice as much each time.
        piece = self._file.read(max(PIECE, len(self.here) - self.at))
        self._ended = not piece
        self.here, self.at = self.here[self.at :] + self._decoder.decode(piece, final=not piece), 0
