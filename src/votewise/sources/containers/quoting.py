"""Do the quotes of a CSV balance? One that does not would swallow the rows after it."""

from __future__ import annotations

import re

_TOKENS = {
    "doubled": rb'"[^"]*+(?:""[^"]*+)*+"',
    "backslash": rb'"[^"\\]*+(?:(?:\\.|"")[^"\\]*+)*+"',
}

LONGEST_FIELD = 1 << 30
"""Bytes after which a quoted field that does not end is given up; Arrow reads no longer ones either."""

_STEP = 1 << 20


class QuoteScan:
    """Checks a file that comes in pieces; only a field that is not complete yet is kept.

    Args:
        delimiter: one character.
        escape: whether a backslash makes the next quote part of the text.
    """

    def __init__(self, delimiter: bytes, *, escape: bool = False) -> None:
        d = re.escape(delimiter)
        quoted = _TOKENS["backslash" if escape else "doubled"]
        field = rb"(?:" + quoted + rb"|(?!\")[^" + d + rb"\r\n]*+)"
        fields = rb"(?:" + field + rb"(?:" + d + rb"|\r?\n|\r))*+"
        self._delimiter, self._quoted = delimiter, re.compile(quoted, re.DOTALL)
        self._fields = re.compile(fields, re.DOTALL)
        self._to_the_end = re.compile(fields + rb"(?:" + field + rb"\Z)?", re.DOTALL)
        self._rest, self._lines, self._enough = b"", 0, 0
        self._unbalanced: int | None = None

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the file."""
        if self._unbalanced is not None:
            return
        self._rest += piece
        # A long field is tried again only when twice as much of it is there.
        if len(self._rest) >= self._enough:
            self._advance()
            self._enough = max(_STEP, 2 * len(self._rest)) if self._rest else 0

    def finish(self) -> int | None:
        """The number, from 1, of the line with the first quoted field that does not end as a field must; None if all do."""
        if self._unbalanced is None:
            end = self._to_the_end.match(self._rest).end()  # type: ignore[union-attr] # it matches nothing at all, too
            if end < len(self._rest):
                self._unbalanced = self._lines + self._rest.count(b"\n", 0, end) + 1
        return self._unbalanced

    def _advance(self) -> None:
        """Leave behind the fields that are complete."""
        if b'"' not in self._rest:
            end = 1 + max(self._rest.rfind(mark) for mark in (self._delimiter, b"\n", b"\r"))
        else:
            end = self._fields.match(self._rest).end()  # type: ignore[union-attr]
        self._lines += self._rest.count(b"\n", 0, end)
        self._rest = self._rest[end:]
        token = self._quoted.match(self._rest)
        goes_on = token is not None and token.end() + 1 < len(self._rest)
        if goes_on or len(self._rest) > LONGEST_FIELD:
            self._unbalanced, self._rest = self._lines + 1, b""


def unbalanced_line(content: bytes, delimiter: bytes, *, escape: bool = False) -> int | None:
    """What ``QuoteScan`` finds in a whole file."""
    scan = QuoteScan(delimiter, escape=escape)
    scan.feed(content)
    return scan.finish()
