"""Argilla's records, flat or nested, of both versions: fields and, per question, responses with user and status."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from votewise.sources.nested import entries, get
from votewise.sources.rows import Rows
from votewise.sources.shapes.argilla_1 import answers_by_question, in_order, is_feedback, listed, question_columns
from votewise.sources.values import decoded

OWN = ("id", "status", "_server_id", "external_id", "inserted_at", "updated_at")
"""Columns of a record that are no fields."""


@dataclass(frozen=True)
class Response:
    """One user's answer to one question, and where it stands."""

    value: Any
    user: Any
    status: str
    where: str


def is_nested(rows: Rows) -> bool:
    """Tell whether the records are nested: ``fields`` with the texts, ``responses`` with a list per question."""
    if not rows.has("fields", "responses"):
        return False
    given, fields = ([value for value in _first(rows, name) if value] for name in ("responses", "fields"))
    lists = all(isinstance(v, dict) and all(x is None or isinstance(x, list) for x in v.values()) for v in given)
    return bool(fields) and lists and all(isinstance(value, dict) for value in fields)


def _first(rows: Rows, name: str) -> list[Any]:
    rows.use(name)
    return decoded(rows.head.slice(0, 50), name)


def fields_of(rows: Rows) -> Iterator[dict[str, Any]]:
    """The fields of each record: what annotators saw, by name, without missing ones. An empty answer is an answer."""
    if is_nested(rows) or is_feedback(rows):
        for value in rows.values("fields"):
            fields = value if isinstance(value, dict) else {}
            yield {name: v for name, v in fields.items() if v not in (None, [])}
        return
    own = [*OWN, *(columns := question_columns(rows)), *(("metadata", "vectors") if columns else ())]
    names = [name for name in rows.table.column_names if "." not in name and name not in own]
    names = [name for name in names if "-suggestion" not in name or not columns]
    if not names:
        yield from ({} for _ in range(len(rows)))
    for values in zip(*(rows.peek(name) for name in names), strict=True):
        yield {name: v for name, v in zip(names, values, strict=True) if v not in (None, [])}


def questions_of(rows: Rows) -> list[str]:
    """The questions that some record has a response to."""
    if is_nested(rows):
        names = dict.fromkeys(
            name for value in rows.values("responses") for name, given in (value or {}).items() if given
        )
        return list(names)
    if is_feedback(rows):
        return list(dict.fromkeys(name for value in rows.values("responses") for name in answers_by_question(value)))
    if columns := question_columns(rows):
        return columns
    return [name.removesuffix(".responses") for name in rows.table.column_names if name.endswith(".responses")]


def responses_of(rows: Rows, question: str) -> Iterator[list[Response]]:
    """The responses to a question, a list for each record; records whose lists do not fit together are rejected."""
    if is_nested(rows):
        yield from (_nested(rows, i, value, question) for i, value in enumerate(rows.values("responses")))
        return
    if is_feedback(rows):
        answers = (answers_by_question(value) for value in rows.values("responses"))
        yield from (_nested(rows, i, value, question) for i, value in enumerate(answers))
        return
    if question in question_columns(rows):
        cells = ({question: listed(value)} for value in rows.values(question))
        yield from (_nested(rows, i, value, question) for i, value in enumerate(cells))
        return
    names = [f"{question}.responses{end}" for end in ("", ".users", ".status")]
    columns = [rows.values(name) if rows.has(name) else [None] * len(rows) for name in names]
    yield from (_flat(rows, i, names, [column[i] for column in columns]) for i in range(len(rows)))


def _nested(rows: Rows, row: int, value: Any, question: str) -> list[Response]:
    given = entries(rows, row, get(value, question), f"responses.{question}")
    return [
        Response(
            in_order(get(item, "value")),
            next((get(item, key) for key in ("user_id", "user", "username") if get(item, key) is not None), None),
            str(get(item, "status") or "submitted"),
            f"responses.{question}[{j}]",
        )
        for j, item in enumerate(given)
    ]


def _flat(rows: Rows, row: int, names: Sequence[str], values: Sequence[Any]) -> list[Response]:
    given, users, statuses = (entries(rows, row, value, name) for name, value in zip(names, values, strict=True))
    statuses = statuses or ["submitted"] * len(given)
    if not len(given) == len(users) == len(statuses):
        rows.reject(
            row, "has a different length", column=names[1], value=users, expected=f"one per entry of {names[0]}"
        )
        return []
    return [
        Response(value, user, str(status), f"{names[0]}[{j}]")
        for j, (value, user, status) in enumerate(zip(given, users, statuses, strict=True))
    ]
