"""Who voted: the columns that name people, and votes of people whom nobody names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.data.votes import UNKNOWN
from votewise.errors import BadInputError
from votewise.sources.canonical import Canonical
from votewise.sources.cells import TEXT, known
from votewise.sources.prompt_parts import plain_name
from votewise.sources.rows import Rows

PEOPLE = (
    "annotator", "annotator_id", "annotator_index", "worker", "worker_id", "workerid", "performer", "labeler",
    "labeler_id", "labeller", "rater", "rater_id", "evaluator", "evaluator_id", "judge", "judge_id", "judge_hash",
    "reviewer", "reviewer_id", "participant", "participant_id", "crowdworker", "coder", "voter", "assessor", "user_id",
    "user", "userid",
)  # fmt: skip


def people_column(rows: Rows, taken: Collection[str] = ()) -> str | None:
    """The column that names who voted; BadInputError where several could, or where one does not hold names."""
    if rows.has("annotator"):
        return "annotator"
    names = {plain_name(name): name for name in rows.table.column_names if name not in taken}
    found = [names[name] for name in PEOPLE if name in names and _holds_names(rows, names[name])]
    if len(found) > 1:
        listed = ", ".join(f"'{name}'" for name in found)
        raise rows.fail(
            f"several columns may name who voted: {listed}", expected=f"one of them: --columns annotator={found[0]}"
        )
    return found[0] if found else None


def read_people(rows: Rows, taken: Collection[str] = ()) -> tuple[Any, tuple[str, ...]]:
    """Take who voted from whatever column names them; ``UNKNOWN`` where nobody is named. And what to say about it."""
    name = people_column(rows, taken)
    if name is None:
        return unknown_people(len(rows)), ()
    found = rows.identifier(name, null=True)
    rows.use(name, "annotator")
    empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(found), ""), True)
    missing = int(pc.sum(empty).as_py() or 0)
    notes = [] if name == "annotator" else [f"Annotators are taken from the column '{name}'."]
    if missing:
        found = pc.if_else(empty, UNKNOWN, found)
        notes.append(f"{missing:,} votes are by people whom the source does not name.")
    return found, tuple(notes)


def unknown_people(n: int) -> pa.Array:
    """The column of annotators of a source that names none."""
    return pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), pa.array([UNKNOWN], TEXT)).cast(TEXT)


def unknown_votes(canonical: Canonical) -> int:
    """How many votes are by people whom nobody names."""
    return int(pc.sum(_unnamed(canonical.table.column("annotator"))).as_py() or 0)


def one_person(canonical: Canonical, name: str | None) -> Canonical:
    """The votes with ``name`` for whoever is not named: one person or one model; as they are for None.

    Raises:
        BadInputError: every vote has its annotator's name.
    """
    if name is None:
        return canonical
    who = canonical.table.column("annotator")
    unnamed = _unnamed(who)
    if not pc.any(unnamed).as_py():
        raise BadInputError(
            "every vote names its annotator", parameter="one_annotator", value=name, expected="votes without names"
        )
    place = canonical.table.column_names.index("annotator")
    table = canonical.table.set_column(place, "annotator", pc.if_else(unnamed, name, who))
    return replace(canonical, table=table)


def _unnamed(who: Any) -> Any:
    return pc.fill_null(pc.equal(who, UNKNOWN), True)


def _holds_names(rows: Rows, name: str) -> bool:
    column, types = rows.table.column(name), pa.types
    kind = column.type
    named = types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind) or types.is_floating(kind)
    return bool(named and known(column).any())
