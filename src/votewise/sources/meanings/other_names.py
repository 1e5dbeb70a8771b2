"""Columns under other names that mean the same without a doubt: other letters, and other words for chosen and rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from votewise.sources.meanings.better_and_worse import better_and_worse
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.rows import Rows


def take_other_names(rows: Rows, known: Collection[str]) -> bool:
    """Give columns the names that formats know them by, and say so in a note; False where there is nothing to rename.

    Args:
        rows: the source's rows, in none of the formats as they are.
        known: names of formats' columns.
    """
    names = rows.table.column_names
    plain = Counter(plain_name(name) for name in names)
    found = {
        name: plain_name(name)
        for name in names
        if plain_name(name) != name and plain_name(name) in known and plain[plain_name(name)] == 1
    }
    of = {plain_name(name): name for name in names}
    pair = None if {"response_a", "response_b"} & set(of) else better_and_worse(rows, of)
    if pair is not None:
        found |= {pair[0]: "chosen", pair[1]: "rejected"}
    found = {own: name for own, name in found.items() if own != name}
    if not found:
        return False
    listed = ", ".join(f"'{rows.source_column(own)}' as {name}" for own, name in found.items())
    rows.rename(found)
    rows.notes.append(f"Columns are read under other names: {listed}.")
    return True
