"""Short names for sources: folders of results are named after them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def short_name(source: Any) -> str:
    """The file's, folder's or table's name, without folders, passwords or suffixes; ``votes`` for tables in memory."""
    if not isinstance(source, str | os.PathLike):
        return "votes"
    text = os.fspath(source)
    address, _, query = text.partition("?")
    if "://" in text:
        named = [value for key, _, value in (part.partition("=") for part in query.split("&")) if key == "table"]
        return named[0] if named and named[0] else address.partition("://")[0]
    try:
        return Path(text).resolve().stem
    except (OSError, RuntimeError, ValueError):
        # Loops of links, null bytes, names too long: reading says what is wrong.
        return Path(text).stem
