"""Do the quotes of a CSV balance? One that does not would swallow the rows after it."""

from __future__ import annotations

import re

_TOKENS = {
    "doubled": rb'"[^"]*+(?:""[^"]*+)*+"',
    "backslash": rb'"[^"\\]*+(?:(?:\\.|"")[^"\\]*+)*+"',
}


def unbalanced_line(content: bytes, delimiter: bytes, *, escape: bool = False) -> int | None:
    """The number, from 1, of the line with the first quoted field that does not end as a field must; None if all do.

    Args:
        content: the file.
        delimiter: one character.
        escape: whether a backslash makes the next quote part of the text.
    """
    d = re.escape(delimiter)
    quoted = _TOKENS["backslash" if escape else "doubled"]
    field = rb"(?:" + quoted + rb"|(?!\")[^" + d + rb"\r\n]*+)"
    rows = re.compile(rb"(?:" + field + rb"(?:" + d + rb"|\r?\n|\r))*+(?:" + field + rb"\Z)?", re.DOTALL)
    end = rows.match(content).end()  # type: ignore[union-attr] # it matches nothing at all, too
    return None if end == len(content) else content.count(b"\n", 0, end) + 1


def has_backslash_quotes(content: bytes) -> bool:
    r"""Whether quotes are escaped as ``\"``."""
    return b'\\"' in content
