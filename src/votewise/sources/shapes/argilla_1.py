"""Records of Argilla 1: a column per question on the hub, or ``fields`` and a list of ``responses``, one per user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from votewise.sources.nested import get
from votewise.sources.rows import Rows
from votewise.sources.values import decoded, is_marked

KEYS = frozenset(("user_id", "value", "status"))
SAMPLE = 50


def is_feedback(rows: Rows) -> bool:
    """Tell whether ``responses`` is a list with one entry per user, who answers all questions in ``values``."""
    if not rows.has("fields", "responses"):
        return False
    given = [item for value in rows.values("responses")[:SAMPLE] for item in (value if isinstance(value, list) else ())]
    return bool(given) and all(isinstance(get(item, "values"), dict) for item in given)


def answers_by_question(responses: Any) -> dict[str, list[dict[str, Any]]]:
    """Responses per user as responses per question, as Argilla 2 writes them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for item in responses if isinstance(responses, list) else ():
        for question, answer in (get(item, "values") or {}).items():
            if answer is not None:
                one = {"value": get(answer, "value"), "user_id": get(item, "user_id"), "status": get(item, "status")}
                found.setdefault(question, []).append(one)
    return found


def question_columns(rows: Rows) -> list[str]:
    """The columns of a table from the hub that hold the answers to one question each."""
    found = []
    for name in rows.table.column_names:
        field = rows.head.schema.field(name)
        if not (is_marked(field) or (hasattr(field.type, "num_fields") and field.type.num_fields)):
            continue
        values = [value for value in decoded(rows.head.slice(0, SAMPLE), name) if value not in (None, [])]
        if values and all(listed(value) is not None for value in values):
            found.append(name)
    return found


def listed(value: Any) -> list[Mapping[str, Any]] | None:
    """The answers in one cell: a list of objects, or an object of lists; None where it is neither."""
    if isinstance(value, dict) and set(value) >= KEYS and all(isinstance(value[key], list | None) for key in KEYS):
        columns = [value[key] or [] for key in ("user_id", "value", "status")]
        if len({len(column) for column in columns}) == 1:
            return [dict(zip(("user_id", "value", "status"), one, strict=True)) for one in zip(*columns, strict=True)]
        return None
    if isinstance(value, list) and all(isinstance(item, dict) and set(item) >= KEYS for item in value):
        return value
    return None


def in_order(value: Any) -> Any:
    """A ranking that is an object of two lists as a list of objects; anything else as it is."""
    ranks, names = get(value, "rank"), get(value, "value")
    if isinstance(ranks, list) and isinstance(names, list) and len(ranks) == len(names):
        return [{"value": name, "rank": rank} for name, rank in zip(names, ranks, strict=True)]
    return value
