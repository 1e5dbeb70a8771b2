"""What every column of a source is: used as what, or carried along."""

from __future__ import annotations

import pyarrow as pa

from votewise.data.reading import ColumnRole
from votewise.sources.rows import Rows
from votewise.sources.values import is_marked

IN_WORDS = {
    "annotations": "votes",
    "comparison_id": "pair",
    "completion_a": "response_a",
    "completion_b": "response_b",
    "context": "prompt",
    "conversation_a": "prompt and response_a",
    "conversation_b": "prompt and response_b",
    "created_at": "time",
    "dataset": "domain",
    "evaluation_session_id": "annotator",
    "expert_worker_annotations": "votes",
    "generator_1": "model_a",
    "generator_2": "model_b",
    "if_chosen": "label",
    "individual_preference": "votes",
    "input": "prompt",
    "interaction_id": "which answers belong together",
    "judge": "annotator",
    "judge_hash": "annotator",
    "meta": "which answers belong together",
    "model_name": "models",
    "model_response": "answers",
    "normal_worker_annotations": "votes",
    "non_preferred_output": "rejected",
    "output_1": "response_a",
    "output_2": "response_b",
    "overall_preference": "label, where nobody's own is known",
    "preference": "label",
    "preferred_output": "chosen",
    "response1": "response_a",
    "response2": "response_b",
    "score_chosen": "margin",
    "score_rejected": "margin",
    "all_generated_responses": "margin",
    "all_rm_scores": "margin",
    "snapshot": "prompt and answers",
    "text": "prompt",
    "turn": "which turn was judged",
    "updated_at": "time",
    "user": "annotator",
    "user_id": "annotator",
    "user_prompt": "prompt",
    "winner": "label",
}
"""Formats' own names of columns -> what they hold, where a reader gives no other role."""

OF_FORMAT = {
    ("openwebui", "data"): "votes",
    ("labelstudio", "data"): "prompt and answers",
    ("argilla", "fields"): "prompt and answers",
    ("argilla", "responses"): "votes",
}
"""The same for names that two formats use for different things."""


def column_roles(rows: Rows, format: str) -> tuple[ColumnRole, ...]:
    """What every column of the source is, in its order.

    Args:
        rows: the source's rows, after they were read.
        format: the format's name.
    """
    role_of = {rows.source_column(name): _role(format, name, role) for name, role in rows.roles.items()}
    names = rows.source.table.column_names
    for path, role in [item for item in role_of.items() if item[0] not in names]:
        # A value inside of an object: the object has its role.
        outer = next((name for name in names if path.startswith(f"{name}.")), path)
        role_of.setdefault(outer, role)
    return tuple(
        ColumnRole(field.name, role_of.get(field.name), "json" if is_marked(field) else _kind(field.type))
        for field in rows.source.schema
    )


def _role(format: str, name: str, role: str) -> str:
    if role != name:
        return role
    if name.endswith((".responses", ".responses.users", ".responses.status")):
        return "votes"
    return OF_FORMAT.get((format, name), IN_WORDS.get(name, role))


def _kind(kind: pa.DataType) -> str:
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind):
        return "text"
    if types.is_list(kind) or types.is_large_list(kind):
        return "list"
    return "object" if types.is_struct(kind) else str(kind)
