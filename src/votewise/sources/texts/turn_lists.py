"""Conversations of several turns whose questions and answers are lists of texts, as in LMSYS's release on Kaggle."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from votewise.sources.canonical import said
from votewise.sources.cells import is_text
from votewise.sources.containers.stand_in_type import is_stand_in
from votewise.sources.rows import Rows
from votewise.sources.texts.messages import conversations


def read_turns(rows: Rows, a: str, b: str) -> dict[str, Any] | None:
    """Conversations of several turns whose questions and answers are lists of texts in three columns; None otherwise."""
    if not rows.has("prompt") or any(is_stand_in(rows.table.schema.field(name)) for name in ("prompt", a, b)):
        # Of a column with stand-ins, most texts are no lists.
        return None
    columns = [[_texts(value) for value in rows.table.column(name).to_pylist()] for name in ("prompt", a, b)]
    spelt = [[_spells_list(value) for value in rows.table.column(name).to_pylist()] for name in ("prompt", a, b)]
    if not columns[0] or not all(any(column) for column in columns) or any(sum(c) <= len(rows) / 2 for c in spelt):
        return None
    for name, column in zip(("prompt", a, b), columns, strict=True):
        wrong = np.array([value is None for value in column])
        expected = "a list of texts, as in the other rows"
        rows.reject_where(wrong, "is not a list of texts, or holds half a character", column=name, expected=expected)
    columns = [[value or [""] for value in column] for column in columns]
    for name, role in (("prompt", "prompt"), (a, "response_a"), (b, "response_b")):
        rows.use(name, role)
    split: list[tuple[Any, Any, Any]] = []
    for asked, first, second in zip(*columns, strict=True):
        shared = 0
        while shared < min(len(asked), len(first), len(second)) - 1 and first[shared] == second[shared]:
            shared += 1
        prompt = [m for q, r in zip(asked[:shared], first[:shared], strict=True) for m in (*said(q, "user"), *said(r))]
        prompt += said(asked[shared], "user") if shared < len(asked) else []
        split.append((prompt, _rest(asked, first, shared), _rest(asked, second, shared)))
    return conversations(split)


def _spells_list(value: Any) -> bool:
    return isinstance(value, list) or (
        isinstance(value, str) and value.strip()[:1] == "[" and value.strip()[-1:] == "]"
    )


def _rest(asked: list[str], answers: list[str], start: int) -> list[dict[str, str]]:
    """One model's answer from a turn on, with the questions in between."""
    found = said(answers[start]) if start < len(answers) else []
    for question, answer in zip(asked[start + 1 :], answers[start + 1 :], strict=False):
        found += [*said(question, "user"), *said(answer)]
    return found


def _texts(value: Any) -> list[str] | None:
    """A list of texts, or the JSON text of one; null entries are empty texts."""
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return None
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, list) or not value or not all(item is None or is_text(item) for item in value):
        return None
    return [item or "" for item in value]
