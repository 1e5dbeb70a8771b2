"""The votes of a collection as they were at one moment, in an order that does not depend on the database."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, column, select, table

from votewise.collect.schema import comparison, config_version
from votewise.errors import BadInputError

COLUMNS = {
    "user": pa.string(),
    "winner": pa.string(),
    "prompt": pa.string(),
    "system": pa.string(),
    "history": pa.string(),
    "response_a": pa.string(),
    "response_b": pa.string(),
    "model_a": pa.string(),
    "model_b": pa.string(),
    "time": pa.float64(),
    "ms_visible": pa.int64(),
    "strength": pa.int64(),
    "purpose": pa.string(),
    "comparison": pa.string(),
}
"""Those of the view ``comparisons``."""

LABELS = {"model_a": "a", "model_b": "b"}
"""What the view calls the winner -> the label of the vote."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The votes that could not be undone any more.

    Attributes:
        comparisons: the rows of the view ``comparisons``, in the order in which the comparisons were made.
        until: when the last of these votes was put, in seconds since 1970: a later snapshot until then has the same rows.
        digest: SHA-256 of the rows.
        settings: every version of ``collect.toml`` under which these comparisons were made: number and SHA-256.
    """

    comparisons: pa.Table = field(repr=False)
    until: float
    digest: str
    settings: tuple[tuple[int, str], ...]

    def clicks(self) -> pa.Table:
        """The rows on answers of two different models."""
        rows = self.comparisons
        return rows.filter(pc.fill_null(pc.not_equal(rows["model_a"], rows["model_b"]), False))

    def votes(self) -> pa.Table:
        """The same as plain votes, without those on erased texts.

        Where prompts have a system text or earlier messages, all prompts are lists of messages, because a model sees these.
        """
        rows = self.comparisons.filter(pc.is_valid(self.comparisons["prompt"]))
        labels = pa.array([LABELS.get(value, value) for value in rows["winner"].to_pylist()], pa.string())
        names = ["annotator" if name == "user" else name for name in rows.column_names]
        rows = rows.rename_columns(names).set_column(1, "label", labels)
        if rows["system"].null_count == len(rows) == rows["history"].null_count:
            return rows.drop_columns(["system", "history"])
        talks = zip(*(rows[name].to_pylist() for name in ("prompt", "system", "history")), strict=True)
        message = pa.struct([("role", pa.string()), ("content", pa.string())])
        prompts = pa.array([_messages(*talk) for talk in talks], pa.list_(message))
        place = rows.column_names.index("prompt")
        return rows.set_column(place, "prompt", prompts).drop_columns(["system", "history"])


def _messages(prompt: str, system: str | None, history: str | None) -> list[dict[str, Any]]:
    before = [] if system is None else [{"role": "system", "content": system}]
    return [*before, *(json.loads(history) if history else ()), {"role": "user", "content": prompt}]


def take_snapshot(connection: Connection, *, until: float | None = None) -> Snapshot:
    """Read the votes.

    Args:
        connection: in a transaction that sees one state of the database.
        until: leave out votes that were put after this time, in seconds since 1970.

    Raises:
        BadInputError: there are no votes.
    """
    view = table("comparisons", *(column(name) for name in COLUMNS))
    asked = select(view, comparison.c.voted_at, comparison.c.config_version)
    asked = asked.join_from(view, comparison, comparison.c.id == view.c.comparison).order_by(view.c.comparison)
    if until is not None:
        asked = asked.where(comparison.c.voted_at <= until)
    rows = connection.execute(asked).all()
    if not rows:
        raise BadInputError("there are no votes yet that cannot be undone", expected="votes older than ten seconds")
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(list(row)[: len(COLUMNS)]).encode() + b"\n")
    values = zip(*rows, strict=True)
    found = {name: pa.array(column, kind) for (name, kind), column in zip(COLUMNS.items(), values, strict=False)}
    used = sorted({row.config_version for row in rows})
    known = select(config_version.c.id, config_version.c.digest).where(config_version.c.id.in_(used))
    versions = connection.execute(known.order_by(config_version.c.id))
    return Snapshot(
        comparisons=pa.table(found),
        until=max(row.voted_at for row in rows),
        digest=digest.hexdigest(),
        settings=tuple((row.id, row.digest) for row in versions),
    )
