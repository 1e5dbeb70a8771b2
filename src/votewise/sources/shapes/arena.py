"""Chatbot Arena's conversations in their three releases, and the human judgments of MT-bench."""

from __future__ import annotations

from typing import Any

import numpy as np

from votewise.sources.canonical import Canonical, from_columns, optional
from votewise.sources.containers.stand_in_type import is_in_files
from votewise.sources.format import Columns, Format
from votewise.sources.meanings.label_words import WINNERS
from votewise.sources.meanings.labels import Words, labels_of
from votewise.sources.meanings.named_sides import sides_by_models
from votewise.sources.rows import Rows
from votewise.sources.rows_part import RowsPart, staged_in_parts
from votewise.sources.texts.messages import (
    CONVERSATION,
    Message,
    conversation,
    conversations,
    refuse_other_questions,
    split,
)

ANNOTATORS = ("judge", "judge_hash", "evaluation_session_id")
TIMES = ("tstamp", "timestamp")


def read_arena(rows: Rows) -> Canonical:
    """Read one vote per row; model_a is on the left and counts as shown first."""
    return _read(rows, shown=True, turns=None)


def read_mt_bench(rows: Rows) -> Canonical:
    """Read one vote per row about one turn of two conversations; it is not known which of them was shown first."""
    return _read(rows, shown=False, turns=rows.number("turn"))


def _read(rows: Rows, *, shown: bool, turns: Any) -> Canonical:
    annotator = next(name for name in ANNOTATORS if rows.has(name))
    columns: dict[str, Any] = {
        "annotator": rows.annotator(annotator),
        **optional(rows),
    }
    winner, words = rows.labels_in("winner"), Words(WINNERS, "model_a, model_b, tie or one of the models' names")
    models = columns.get("model_a"), columns.get("model_b")
    sides = sides_by_models(rows, winner, "winner", models, words.known)
    columns["label"] = labels_of(rows, winner, "winner", words, sides=sides)
    time = next((name for name in TIMES if rows.has(name)), None)
    if time is not None and "time" not in columns:
        columns["time"] = rows.moment(time)
    names = ("conversation_a", "conversation_b")
    if any(is_in_files(rows.table.schema.field(name)) for name in names):
        for name in names:
            rows.use(name)
        columns |= staged_in_parts(rows, names, lambda part: _texts(part, turns))
    else:
        columns |= _texts(rows, turns)
    return from_columns(rows, columns, shown=shown, sided=True)


def _texts(rows: Rows, turns: Any) -> dict[str, Any]:
    start = rows.start if isinstance(rows, RowsPart) else 0
    judged = None if turns is None else turns[start : start + len(rows)]
    a, b = (_conversations(rows, name, judged) for name in ("conversation_a", "conversation_b"))
    found = [(None, None, None) if not x or not y else split(x, y) for x, y in zip(a, b, strict=True)]
    refuse_other_questions(rows, found, "conversation_a")
    return conversations(found)


def _conversations(rows: Rows, name: str, turns: Any) -> list[list[Message] | None]:
    found = [conversation(value) for value in rows.values(name)]
    wrong = np.array([c is None for c in found])
    rows.reject_where(wrong, "is not a conversation", column=name, expected=CONVERSATION)
    if turns is None:
        return found
    # A turn is a question and its answer; the judge had not seen what came after the judged turn.
    return [c if c is None or np.isnan(t) else _until(c, int(t)) for c, t in zip(found, turns, strict=True)]


def _until(messages: list[Message], turn: int) -> list[Message]:
    answers = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
    return messages[: answers[turn - 1] + 1] if 1 <= turn <= len(answers) else messages


_BATTLE: Columns = (("model_a",), ("model_b",), ("winner",), ("conversation_a",), ("conversation_b",))

ARENA = Format(
    "arena",
    "lmsys/chatbot_arena_conversations",
    (*_BATTLE, ("judge",), ("tstamp", "language", "anony")),
    read_arena,
    over=("mt-bench",),
    leaves_texts=True,
)
ARENA_100K = Format(
    "arena-100k",
    "lmarena-ai/arena-human-preference-100k",
    (*_BATTLE, ("judge_hash",)),
    read_arena,
    leaves_texts=True,
)
ARENA_140K = Format(
    "arena-140k",
    "lmarena-ai/arena-human-preference-140k",
    (*_BATTLE, ("evaluation_session_id",)),
    read_arena,
    leaves_texts=True,
)
MT_BENCH = Format(
    "mt-bench",
    "lmsys/mt_bench_human_judgments",
    (*_BATTLE, ("judge",), ("turn",)),
    read_mt_bench,
    leaves_texts=True,
)
