"""What every format is converted to: one row per vote, with one set of names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.data.identity import ALSO, TEXTS
from votewise.sources.cells import TEXT
from votewise.sources.containers.stand_in_type import DIGEST, TextsNeededError
from votewise.sources.meanings.labels import label_column
from votewise.sources.meanings.margins import margin_counts
from votewise.sources.meanings.other_meaning import has_other_meaning
from votewise.sources.meanings.times import time_column
from votewise.sources.rows import Rows
from votewise.sources.texts.message_types import FULL_MESSAGES, MESSAGES

MODELS = ("model_a", "model_b")
NUMBERS = ("margin", "weight", "time", "seconds")
NAMES = ("pair", "judgement", "domain", "gold", "reason", *MODELS)
JUDGEMENT = "judgement"
"""The column that names the judgement a vote comes from."""
PLACE = "place"
"""The column with the row of the staged texts that a vote has, where they are staged vote by vote."""

BESIDE = ("domain", "time", "weight")
"""Optional columns of the plain format that a row with several answers may have."""

PLAIN_COLUMNS = ("annotator", "label", *TEXTS, ALSO, *NAMES, *NUMBERS)
"""The columns of votes that are given one by one."""


@dataclass(frozen=True)
class Canonical:
    """Votes as a table, and what the table cannot tell.

    Attributes:
        table: one row per vote: ``row`` (index into the source's table), ``annotator``, ``label`` (``a``, ``b`` or
            ``tie``) and, where known, ``pair``, ``prompt``, ``response_a``, ``response_b`` (texts or conversations),
            ``margin`` (log-odds that the row's response_a is better), ``weight``, ``time`` (seconds since 1970),
            ``seconds``, ``domain``, ``gold`` (``a``, ``b``, ``tie`` or null), ``reason``, ``model_a``, ``model_b``.
            A null ``pair`` means that the texts say which pair it is. Votes of one annotator with the same ``judgement``
            (a text) come from one ranking or the like; a null one is a judgement of its own.
        shown: whether response_a is what the annotator saw first.
        one_per_row: whether each row of the source holds one vote.
        skipped: how many rows or entries are not votes.
        notes: what a reader of the result should know about the way the source was read.
        guarded: whether rows about one pair may differ only in columns that were read, as in any table of votes. In exports
            of labelling tools other columns are about the tool's work.
        sided: whether a row's order of the answers is part of the vote, so that votes in both orders stay, although nobody
            knows which one was shown first.
    """

    table: pa.Table
    shown: bool
    one_per_row: bool
    skipped: int = 0
    notes: tuple[str, ...] = ()
    guarded: bool = False
    sided: bool = False


def from_columns(
    rows: Rows,
    columns: Mapping[str, Any],
    *,
    shown: bool,
    skip: npt.NDArray[np.bool_] | None = None,
    notes: Sequence[str] = (),
    sided: bool = False,
) -> Canonical:
    """One vote per row of the source, given as columns; rows that were rejected or are to be skipped are left out."""
    keep = rows.ok if skip is None else rows.ok & ~skip
    arrays = {"row": pa.array(np.arange(len(rows)))}
    for name, column in columns.items():
        arrays[name] = pa.array(column, from_pandas=True) if isinstance(column, np.ndarray) else column
    table = pa.table(arrays)
    if "label" in table.column_names:
        no_vote = np.asarray(table.column("label").is_null().to_numpy(zero_copy_only=False), bool)
        if no_vote.any():
            keep = keep & ~no_vote
            skip = no_vote if skip is None else skip | no_vote
    skipped = 0 if skip is None else int((rows.ok & skip).sum())
    table = table if keep.all() else table.filter(pa.array(keep))
    return Canonical(table, shown, True, skipped, tuple(notes), guarded=True, sided=sided)


def from_votes(
    rows: Rows,
    votes: Sequence[Mapping[str, Any]],
    *,
    shown: bool,
    skipped: int = 0,
    notes: Sequence[str] = (),
    guarded: bool = False,
) -> Canonical:
    """Votes given one by one, with the entries of ``Canonical.table``; rows that were rejected are left out."""
    votes = [vote for vote in votes if rows.ok[vote["row"]]]
    arrays: dict[str, pa.Array] = {"row": pa.array([v["row"] for v in votes], pa.int64())}
    staged: Mapping[str, pa.ChunkedArray] = {}
    if rows.staged is not None and rows.staged.per_vote:
        # Votes without texts have none of the staged ones.
        arrays[PLACE] = pa.array([vote.get(PLACE) for vote in votes], pa.int64())
        staged = rows.staged.digests
    talk = any(isinstance(vote.get(name), list) for vote in votes for name in TEXTS)
    for name in PLAIN_COLUMNS:
        if name in staged:
            arrays[name] = staged[name].take(arrays[PLACE])
            continue
        values = [v.get(name) for v in votes]
        if all(v is None for v in values):
            continue
        if any(isinstance(v, bytes) for v in values):
            if name == "prompt" and None in values:
                raise TextsNeededError(name)
            arrays[name] = pa.array(values, DIGEST)
            continue
        kind = pa.float64() if name in NUMBERS else TEXT
        if any(isinstance(v, list) for v in values) or (talk and name in TEXTS):
            # A prompt in messages and an answer in a text are one conversation.
            role = "user" if name == "prompt" else "assistant"
            values = [said(v, role) if isinstance(v, str) else v for v in values]
            kind = messages_type([values])
        elif name == "prompt":
            # A prompt that is missing asks what an empty one does, and a text can be read again.
            values = ["" if value is None else value for value in values]
        arrays[name] = pa.array(values, kind)
    if len(votes) == 0:
        arrays |= {"annotator": pa.array([], TEXT), "label": pa.array([], TEXT)}
    return Canonical(pa.table(arrays), shown, False, skipped, tuple(notes), guarded)


def messages_type(columns: Iterable[Iterable[Any]]) -> pa.DataType:
    """The type of columns of conversations; with ``other`` only where some message has it."""
    more = any("other" in message for column in columns for value in column if value for message in value)
    return FULL_MESSAGES if more else MESSAGES


def said(text: str, role: str = "assistant") -> list[dict[str, str]]:
    """Make a conversation of one message."""
    return [{"role": role, "content": text}]


def optional(rows: Rows, *, without: Collection[str | None] = ()) -> dict[str, Any]:
    """Take the optional columns of the plain format, which any source with one vote per row may have.

    Columns ``without`` are none of them, because they are something else here, such as the label.
    """
    readers: dict[str, Callable[[str], Any]] = {
        "pair": rows.identifier,
        JUDGEMENT: partial(rows.identifier, null=True),
        "domain": partial(rows.identifier, null=True),
        "model_a": partial(rows.identifier, null=True),
        "model_b": partial(rows.identifier, null=True),
        "gold": partial(
            label_column, rows, expected="a, b or tie, or --columns gold= where it is something else", null=True
        ),
        "margin": rows.number,
        "weight": rows.number,
        "time": rows.moment,
    }
    found = {}
    counts = margin_counts(rows)
    for name, read in readers.items():
        if not rows.has(name) or name in without or (name == "margin" and not counts):
            continue
        if has_other_meaning(rows, name):
            rows.notes.append(f"The column '{name}' means something else here, and is carried along without a role.")
        else:
            found[name] = read(name)
    if "time" not in found and not rows.has("time") and (when := time_column(rows)) is not None:
        found["time"] = rows.moment(when)
        rows.use(when, "time")
    if "weight" in found:
        with np.errstate(invalid="ignore"):
            rows.reject_where(found["weight"] < 0, "is negative", column="weight", expected="0 or more")
    return found


def values_beside(rows: Rows, names: Collection[str] = BESIDE) -> dict[str, list[Any]]:
    """Some of the optional columns, one Python value a row: for readers that make several votes of a row."""
    found = optional(rows, without=() if JUDGEMENT in names else (JUDGEMENT,))
    return {name: pa.array(column, from_pandas=True).to_pylist() for name, column in found.items() if name in names}
