"""Lists of short values that a table keeps as texts: JSON, or what Python and NumPy print of a list."""

from __future__ import annotations

import json
import re
from typing import Any

_ITEM = r"(?:'[^']*'|\"[^\"]*\"|[\w.+-]+)"
_LIST = re.compile(rf"\[\s*{_ITEM}(?:\s*,\s*{_ITEM}|\s+{_ITEM})*\s*\]")
_NOTHING = frozenset(("None", "nan", "null"))
LONGEST = 10_000
"""Characters of the longest text that is looked at."""


def spelt_list(value: Any) -> Any:
    """The list that a text spells; the value itself where it spells none.

    >>> spelt_list('["a", null]'), spelt_list("['a', 'b']"), spelt_list("['a' 'b']"), spelt_list("[a")
    (['a', None], ['a', 'b'], ['a', 'b'], '[a')
    """
    text = value.strip() if isinstance(value, str) else ""
    if not text.startswith(("[", "{")) or len(text) > LONGEST:
        return value
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        if _LIST.fullmatch(text) is None:
            return value
        items = re.findall(_ITEM, text)
        return [None if item in _NOTHING else item[1:-1] if item[0] in "'\"" else item for item in items]
    return found if isinstance(found, list | dict) else value


def spells_lists(values: list[Any]) -> bool:
    """Whether all of some values are texts that spell lists or objects, and there are some."""
    return bool(values) and all(isinstance(value, str) and spelt_list(value) is not value for value in values)
