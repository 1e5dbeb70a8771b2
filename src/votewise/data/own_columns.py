"""Names of our columns beside a source's: the usual one, or another where the source has a column of that name.

A source's column keeps its name. Ours is called ``votewise_NAME`` then, and is read back as ``NAME``.
"""

from __future__ import annotations

import re
from collections.abc import Collection

PREFIX = "votewise_"

_MOVED = PREFIX + r"(.+?)(?:_(\d+))?"

READ_BACK = (
    "annotator", "label", "prompt", "response_a", "response_b", "also", "pair", "judgement", "domain", "gold", "reason",
    "model_a", "model_b", "margin", "log_odds", "weight", "time", "seconds", "score_a", "score_b",
)  # fmt: skip
"""Columns of ours that a reader takes a value from."""


def free_name(name: str, taken: Collection[str]) -> str:
    """The name of a column of ours: ``name``, else ``votewise_name``, else that with a number."""
    found, number = name, 1
    while found in taken:
        found = PREFIX + name if number == 1 else f"{PREFIX}{name}_{number}"
        number += 1
    return found


def usual_name(own: str) -> str:
    """The usual name of a column of ours that ``free_name`` named.

    >>> [usual_name(own) for own in ("flipped", "votewise_flipped", "votewise_flipped_2")]
    ['flipped', 'flipped', 'flipped']
    """
    match = re.fullmatch(_MOVED, own)
    return own if match is None else match[1]


def is_ours(column: str, name: str) -> bool:
    """Whether ``column`` is called as ours are in place of ``name``."""
    return column.startswith(PREFIX + name)


def note_of(names: dict[str, str]) -> tuple[str, ...]:
    """A line about the columns of ours (usual name -> name) that have another name; none where there are none."""
    moved = {name: own for name, own in names.items() if name != own}
    if not moved:
        return ()
    listed = ", ".join(f"'{name}' is in '{own}'" for name, own in moved.items())
    return (f"The source has columns with the names of ours, which keep them: our {listed}.",)


def read_back(found: Collection[str], names: Collection[str]) -> dict[str, str]:
    """Which columns that were ``found`` are ours in place of one of ``names``: ``{"margin": "votewise_margin"}``.

    Where there are several, the one with the highest number is the latest.
    """
    latest: dict[str, tuple[int, str]] = {}
    for column in found:
        match = re.fullmatch(_MOVED, column)
        if match is not None and match[1] in names and match[1] in found:
            latest[match[1]] = max(latest.get(match[1], (0, "")), (int(match[2] or 1), column))
    return {name: column for name, (_, column) in latest.items()}
