"""Plain votes -> the shapes that preference training takes: TRL's and OpenAI's. Data formats: docs/formats.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Bools
from votewise.data.identity import ALSO
from votewise.data.own_columns import free_name
from votewise.errors import BadInputError

ROLES = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
"""Who says the text in a column of TRL's shape."""

FLIPPED = "flipped"
"""Our column that says whether the other response is preferred than in the source; there where votes could be flipped."""


def preference_table(plain: pa.Table, *, source: str, carried: Sequence[str] = ()) -> pa.Table:
    """Plain votes without ties -> TRL's preference shape, standard or conversational like the texts.

    Where only some of prompt and responses are lists of messages, the others become messages too, because TRL takes
    either texts or conversations, not both.

    Args:
        plain: columns ``label`` (``a`` or ``b``), ``response_a``, ``response_b``, ``annotator``, ``confidence`` and,
            where known, ``prompt``, ``judgement`` and ``flipped``.
        source: where the votes are from, for the message about missing texts.
        carried: other columns to keep.

    Returns:
        Columns ``prompt`` (where known), ``chosen``, ``rejected``, ``annotator``, ``confidence`` and, where known,
        ``judgement`` and ``flipped``; then those that are carried.
    """
    if "response_a" not in plain.column_names:
        raise BadInputError(
            "the votes have no texts, so there is nothing to train on",
            source=source,
            expected="columns prompt, response_a and response_b, or the shape 'votes'",
        )
    swap = np.asarray(pc.equal(plain["label"], "b"))
    texts = {"prompt": plain["prompt"]} if "prompt" in plain.column_names else {}
    texts |= {
        "chosen": pick(plain["response_a"], plain["response_b"], swap),
        "rejected": pick(plain["response_b"], plain["response_a"], swap),
    }
    if any(not _is_text(column.type) for column in texts.values()):
        texts = {name: message_column(column, ROLES[name]) for name, column in texts.items()}
    if ALSO in plain.column_names:
        texts |= _seen_columns(plain[ALSO])
    about = [name for name in ("annotator", "confidence", "judgement") if name in plain.column_names]
    ours = texts | {name: plain[name] for name in about}
    flipped = free_name(FLIPPED, carried)
    if flipped in plain.column_names:
        ours[free_name(flipped, [*ours, *carried])] = plain[flipped]
    found = pa.table(ours)
    for name in carried:
        if name not in found.column_names:
            found = found.append_column(plain.schema.field(name), plain[name])
    return found.replace_schema_metadata(plain.schema.metadata)


def openai_table(preferences: pa.Table) -> pa.Table:
    """TRL's preference shape -> the rows of OpenAI's preference fine-tuning file, always as messages."""
    messages = {
        name: message_column(preferences[name], role)
        for name, role in ROLES.items()
        if name in preferences.column_names
    }
    prompts = messages.get("prompt")
    if prompts is None:
        prompts = pa.chunked_array([pa.array([[]] * len(preferences), messages["chosen"].type)])
    inputs = [pa.StructArray.from_arrays([chunk], ["messages"]) for chunk in prompts.chunks]
    kind = pa.struct([("messages", prompts.type)])
    return pa.table(
        {
            "input": pa.chunked_array(inputs, kind),
            "preferred_output": messages["chosen"],
            "non_preferred_output": messages["rejected"],
        }
    )


def message_column(column: pa.ChunkedArray, role: str) -> pa.ChunkedArray:
    """Texts -> lists of one message each; lists of messages stay as they are."""
    if not _is_text(column.type):
        return _whole_messages(column)
    texts = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    roles = pa.repeat(pa.scalar(role), len(texts))
    messages = pa.StructArray.from_arrays([roles, texts], ["role", "content"])
    return pa.chunked_array([pa.ListArray.from_arrays(pa.array(np.arange(len(texts) + 1), pa.int32()), messages)])


def whole_message(message: dict[str, Any]) -> dict[str, Any]:
    """A message as its source had it: what ``other`` holds as JSON (tool calls, reasoning, ...) is put back."""
    own = {key: value for key, value in message.items() if key != "other"}
    rest: dict[str, Any] = json.loads(message.get("other") or "{}")
    return own | rest


def _whole_messages(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type.value_type.get_field_index("other") < 0:
        return column
    return _column([None if v is None else [whole_message(m) for m in v] for v in column.to_pylist()])


def _seen_columns(also: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
    """What a model sees beside the texts, a column each: tools, chat-template arguments, pictures."""
    rows = [json.loads(value or "{}") for value in also.to_pylist()]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _column([row.get(name) for row in rows]) for name in names}


def _column(values: list[Any]) -> pa.ChunkedArray:
    """A column of Python values; as JSON where they do not share one type."""
    try:
        return pa.chunked_array([pa.array(values)])
    except (pa.ArrowException, TypeError, ValueError):
        return pa.chunked_array([pa.array([None if v is None else json.dumps(v, ensure_ascii=False) for v in values])])


def pick(first: pa.ChunkedArray, second: pa.ChunkedArray, swap: Bools) -> pa.ChunkedArray:
    """Row by row from ``first``, or from ``second`` where ``swap`` is set; both columns must have one type."""
    both = pa.chunked_array([*first.chunks, *second.chunks], first.type)
    return both.take(pa.array(np.arange(len(first)) + len(first) * swap))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
