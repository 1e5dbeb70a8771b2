"""Rows of a log of clicks that could not be used -> a file of JSON lines, each with its reason, streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from votewise.sources.containers.open_table import OpenTable
from votewise.sources.databases.connections import engine_errors
from votewise.sources.rejects import plain_value
from votewise.storage.files import written_whole
from votewise.users.outcomes import Fault

BATCH = 50_000
"""Rows in memory at a time."""

KEYS = ("a", "b", "winner", "domain")
PREFIX = "votewise_of_"


@dataclass(frozen=True)
class RejectedRows:
    """Rows that cannot be used, among others.

    Attributes:
        rows: an expression of the engine.
        columns: the names that models, winner and domain have in ``rows``.
        shown: the log's own names of these columns.
        faults: what is wrong, by the kind of row; rows of other kinds are not meant. Without faults, all rows have no user.
    """

    rows: Any
    columns: dict[str, str]
    shown: dict[str, str]
    faults: Sequence[Fault] = ()

    def entries(self, opened: OpenTable) -> Iterator[dict[str, Any]]:
        """What to write about each of the rows."""
        wrong = {tuple(_key(getattr(fault.kind, what)) for what in KEYS): fault for fault in self.faults}
        keys = {PREFIX + what: self.rows[self.columns[what]] for what in KEYS if what in self.columns}
        beside = [name for name in (opened.number, opened.file) if name is not None]
        names = {name: what for what, name in self.columns.items()}
        with self.rows.select(*opened.own, *beside, **keys).to_pyarrow_batches(chunk_size=BATCH) as batches:
            for batch in batches:
                for row in batch.to_pylist():
                    said = {what: row.pop(PREFIX + what, None) for what in KEYS}
                    where = {"source": opened.name, "row": None}
                    if opened.number is not None:
                        where["row"] = row.pop(opened.number)
                    if opened.file is not None:
                        where["source"] = row.pop(opened.file)
                    if not self.faults:
                        user = self.shown["user"]
                        yield _entry(where, user, row.get(user), "no user (expected the user's name)", row)
                        continue
                    fault = wrong.get(tuple(_key(said[what]) for what in KEYS))
                    if fault is not None:
                        column = self.shown.get(names.get(fault.column, ""), fault.column)
                        reason = f"{fault.problem} (expected {fault.expected})"
                        yield _entry(where, column, row.get(column, fault.value), reason, row)


@dataclass(frozen=True)
class LogRejects:
    """All rows of a log that were left out as unusable."""

    opened: OpenTable
    tables: tuple[RejectedRows, ...] = ()

    def write(self, path: Path) -> int:
        """Write them as JSON lines, as other commands do; return their number. Reads the log again where there are any."""
        number = 0
        with (
            engine_errors(self.opened.name),
            written_whole(path) as partial,
            partial.open("w", encoding="utf-8") as file,
        ):
            for entry in self._entries():
                file.write(json.dumps(entry, allow_nan=False, default=str) + "\n")
                number += 1
        return number

    def _entries(self) -> Iterator[dict[str, Any]]:
        for row in self.opened.broken:
            reason = row.problem + (f" (expected {row.expected})" if row.expected else "")
            yield _entry({"source": self.opened.name, "row": row.number}, row.column, row.text, reason, row.text)
        for table in self.tables:
            yield from table.entries(self.opened)


def _entry(where: dict[str, Any], column: str | None, value: Any, reason: str, record: Any) -> dict[str, Any]:
    return {**where, "column": column, "value": plain_value(value), "reason": reason, "record": plain_value(record)}


def _key(value: Any) -> Any:
    """Equal for equal values, NaN included."""
    return "NaN" if isinstance(value, float) and value != value else value
