"""Chatbot Arena's conversations in their three releases, and the human judgments of MT-bench."""

from __future__ import annotations

from typing import Any

import numpy as np

from votewise.sources.canonical import Canonical, from_columns, optional
from votewise.sources.labels import LABELS, label_column
from votewise.sources.messages import CONVERSATION, Message, conversation, conversations, split
from votewise.sources.rows import Rows

ANNOTATORS = ("judge", "judge_hash", "evaluation_session_id")
TIMES = ("tstamp", "timestamp")
WINNERS = LABELS | {"tie (inconsistent)": "tie"}


def read_arena(rows: Rows) -> Canonical:
    """Read one vote per row; the model on the left, model_a, is what was shown first."""
    return _read(rows, shown=True, turns=None)


def read_mt_bench(rows: Rows) -> Canonical:
    """Read one vote per row about one turn of two conversations; which of them was shown first is not known."""
    return _read(rows, shown=False, turns=rows.number("turn"))


def _read(rows: Rows, *, shown: bool, turns: Any) -> Canonical:
    annotator = next(name for name in ANNOTATORS if rows.has(name))
    columns: dict[str, Any] = {
        "annotator": rows.annotator(annotator),
        "label": label_column(rows, "winner", WINNERS, expected="model_a, model_b or tie"),
    }
    columns |= optional(rows)
    time = next((name for name in TIMES if rows.has(name)), None)
    if time is not None and "time" not in columns:
        columns["time"] = rows.moment(time)
    a, b = (_conversations(rows, name, turns) for name in ("conversation_a", "conversation_b"))
    columns |= conversations([(None, None, None) if not x or not y else split(x, y) for x, y in zip(a, b, strict=True)])
    return from_columns(rows, columns, shown=shown)


def _conversations(rows: Rows, name: str, turns: Any) -> list[list[Message] | None]:
    found = [conversation(value) for value in rows.values(name)]
    wrong = np.array([c is None for c in found])
    rows.reject_where(wrong, "is no conversation", column=name, expected=CONVERSATION)
    if turns is None:
        return found
    # A turn is a question and its answer; what came after the judged turn had not been said yet.
    return [c if c is None or np.isnan(t) else _until(c, int(t)) for c, t in zip(found, turns, strict=True)]


def _until(messages: list[Message], turn: int) -> list[Message]:
    answers = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
    return messages[: answers[turn - 1] + 1] if 1 <= turn <= len(answers) else messages
