"""A JSON file that is one list -> its items, read piece by piece."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterator
from typing import Any

from votewise.sources.containers.json_values import first_value

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
    text.skip("[")
    if text.next() == "]":
        text.skip("]")
    else:
        while True:
            yield text.value()
            if text.next() != ",":
                break
            text.skip(",")
        text.skip("]")
    if text.next():
        raise json.JSONDecodeError("Extra data", text.here, text.at)


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
                whole = not isinstance(found, int | float) or self.here[end : end + 1] in (*SPACE, ",", "]")
                if whole or self._ended:
                    length, self.at = end - self.at, end
                    return found, length
            self._read()

    def _read(self) -> None:
        # An item that is longer than all that is known is parsed again: twice as much each time.
        piece = self._file.read(max(PIECE, len(self.here) - self.at))
        self._ended = not piece
        self.here, self.at = self.here[self.at :] + self._decoder.decode(piece, final=not piece), 0
