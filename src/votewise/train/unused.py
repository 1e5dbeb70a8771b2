"""Columns that nothing uses, which are named once at the start."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from votewise.data.identity import ALSO
from votewise.data.votes import Votes
from votewise.train.seen_rows import SHOWN


def unused_columns(columns: Iterable[str], used: Collection[str | None]) -> tuple[str, ...]:
    """The columns that neither TRL's templates nor ``used`` has."""
    return tuple(name for name in columns if name not in SHOWN and name not in used)


def roles_of(votes: Votes) -> set[str]:
    """Names of the source's columns that the votes were read from."""
    return set() if votes.reading is None else {c.name for c in votes.reading.columns if c.role is not None}


def votes_columns(votes: Votes) -> list[str]:
    """Names of the source's columns, and of what tells pairs apart although TRL shows it to no model."""
    columns = [] if votes.reading is None else [c.name for c in votes.reading.columns]
    if votes.texts is not None and ALSO in votes.texts.column_names:
        kept = {name for also in votes.texts[ALSO].to_pylist() if also is not None for name in json.loads(also)}
        columns += sorted(kept - set(columns))
    return columns
