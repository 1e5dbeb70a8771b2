"""Plain votes -> the shapes that preference training takes: TRL's and OpenAI's. Data formats: docs/formats.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Bools
from votewise.data.identity import ALSO
from votewise.data.made_columns import JSON_TEXT, Types, is_json_text, made_column, made_values
from votewise.data.own_columns import free_name, usual_name
from votewise.errors import BadInputError

Made = tuple[pa.Field, pa.ChunkedArray]
"""A column with its name, type and metadata."""

ROLES = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
"""Who says the text in a column of TRL's shape."""

FLIPPED = "flipped"
"""Our column that says whether the other response is preferred than in the source; there where votes could be flipped."""

TOGETHER = "group"
"""Our column that says which annotators err together; there after an audit with groups."""

ABOUT = ("annotator", "confidence", "judgement")
"""Columns about the vote."""


def preference_table(
    plain: pa.Table, *, source: str, carried: Sequence[str] = (), types: Types | None = None
) -> pa.Table:
    """Plain votes without ties -> TRL's preference shape, standard or conversational like the texts.

    Where only some of prompt and responses are lists of messages, the others become messages too, because TRL takes
    either texts or conversations, not both.

    Args:
        plain: columns ``label`` (``a`` or ``b``), ``response_a``, ``response_b``, ``annotator``, ``confidence`` and,
            where known, ``prompt``, ``judgement``, ``group`` and ``flipped``.
        source: where the votes are from, for the message about missing texts.
        carried: other columns to keep.
        types: where these are some rows of many, the types of the columns that are ``made_of`` all of them.

    Returns:
        Columns ``prompt`` (where known), ``chosen``, ``rejected``, what else a model sees, ``annotator``, ``confidence``
        and, where known, ``judgement``, ``group`` and ``flipped``; then those that are carried.
    """
    theirs, plain = plain, _ours(plain, carried)
    found = dict(_shown(plain, source, types))
    # What else a model sees is JSON text for whoever reads the file, too; conversations are not.
    found |= {name: (f.remove_metadata(), column) for name, (f, column) in found.items() if name not in ROLES}
    for name in ABOUT:
        if name in plain.column_names:
            found[name] = (plain.schema.field(name).remove_metadata(), plain[name])
    for name in (TOGETHER, FLIPPED):
        if name in plain.column_names:
            own = free_name(free_name(name, carried), [*found, *carried])
            found[own] = (plain.schema.field(name).remove_metadata(), plain[name])
    for name in carried:
        found.setdefault(name, (theirs.schema.field(name), theirs[name]))
    fields = [field.with_name(name) for name, (field, _) in found.items()]
    columns = [column for _, column in found.values()]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, theirs.schema.metadata))


def made_of(
    plain: pa.Table, types: Types | None = None, *, carried: Sequence[str] = ()
) -> Iterator[tuple[str, pa.Field]]:
    """The columns of ``preference_table`` that are made of Python values, and their types."""
    plain = _ours(plain, carried)
    for name, (field, _) in _shown(plain, "", types):
        if name not in ROLES or _has_more(plain):
            yield name, field


def is_made_of_values(plain: Any, carried: Sequence[str] = ()) -> bool:
    """Whether columns of ``preference_table`` are made of Python values, so that their types depend on all rows."""
    return free_name(ALSO, carried) in plain.column_names or _has_more(plain, carried)


def _ours(plain: pa.Table, carried: Sequence[str]) -> pa.Table:
    """Our columns alone under their usual names; where the source has one of that name, ours is called ``votewise_NAME``."""
    own = [name for name in plain.column_names if name not in carried]
    usual = {free_name(name, carried): name for name in map(usual_name, own)}
    return plain.select(own).rename_columns([usual.get(name, name) for name in own])


def _has_more(plain: Any, carried: Sequence[str] = ()) -> bool:
    """Whether messages have more than a role and a content."""
    names = [free_name(name, carried) for name in ("prompt", "response_a", "response_b")]
    kinds = [plain.schema.field(name).type for name in names if name in plain.column_names]
    return any(not _is_text(kind) and kind.value_type.get_field_index("other") >= 0 for kind in kinds)


def _shown(plain: pa.Table, source: str, types: Types | None) -> Iterator[tuple[str, Made]]:
    """What a model sees, column by column."""
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
    talks = any(not _is_text(column.type) for column in texts.values())
    for name, column in texts.items():
        yield name, _messages(name, column, types) if talks else (pa.field(name, column.type), column)
    if ALSO in plain.column_names:
        yield from _seen_columns(plain[ALSO], types)


def openai_table(preferences: pa.Table) -> pa.Table:
    """TRL's preference shape -> the rows of OpenAI's preference fine-tuning file, always as messages."""
    there = [name for name in ROLES if name in preferences.column_names]
    fields = {name: preferences.schema.field(name) for name in there}
    if any(is_json_text(field) for field in fields.values()):
        return _openai_values({name: made_values(field, preferences[name]) for name, field in fields.items()})
    messages = {name: message_column(preferences[name], ROLES[name]) for name in there}
    prompts = messages.get("prompt")
    if prompts is None:
        prompts = pa.chunked_array([pa.array([[]] * len(preferences), messages["chosen"].type)])
    elif (asked := preferences["prompt"]).null_count:
        # Where nothing was asked there is no message, rather than one without content.
        values = zip(asked.is_valid().to_pylist(), prompts.to_pylist(), strict=True)
        prompts = pa.chunked_array([pa.array([value if known else [] for known, value in values], prompts.type)])
    inputs = [pa.StructArray.from_arrays([chunk], ["messages"]) for chunk in prompts.chunks]
    kind = pa.struct([("messages", prompts.type)])
    return pa.table(
        {
            "input": pa.chunked_array(inputs, kind),
            "preferred_output": messages["chosen"],
            "non_preferred_output": messages["rejected"],
        }
    )


def _openai_values(messages: Mapping[str, list[Any]]) -> pa.Table:
    """The same of conversations whose messages have no common type, as JSON text."""
    prompts = messages.get("prompt", [[]] * len(messages["chosen"]))
    columns = {
        "input": [{"messages": prompt} for prompt in prompts],
        "preferred_output": messages["chosen"],
        "non_preferred_output": messages["rejected"],
    }
    texts = {name: pa.array([json.dumps(v, ensure_ascii=False) for v in values]) for name, values in columns.items()}
    return pa.table(texts, schema=pa.schema([pa.field(name, pa.string(), metadata=JSON_TEXT) for name in columns]))


def message_column(column: pa.ChunkedArray, role: str) -> pa.ChunkedArray:
    """Texts -> lists of one message each; lists of messages stay as they are."""
    if not _is_text(column.type):
        return column
    texts = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    roles = pa.repeat(pa.scalar(role), len(texts))
    messages = pa.StructArray.from_arrays([roles, texts], ["role", "content"])
    return pa.chunked_array([pa.ListArray.from_arrays(pa.array(np.arange(len(texts) + 1), pa.int32()), messages)])


def whole_message(message: dict[str, Any]) -> dict[str, Any]:
    """A message as its source had it: what ``other`` holds as JSON (tool calls, reasoning, ...) is put back."""
    own = {key: value for key, value in message.items() if key != "other"}
    rest: dict[str, Any] = json.loads(message.get("other") or "{}")
    return own | rest


def _messages(name: str, column: pa.ChunkedArray, types: Types | None) -> Made:
    if _is_text(column.type) or column.type.value_type.get_field_index("other") < 0:
        column = message_column(column, ROLES[name])
        return pa.field(name, column.type), column
    return made_column(name, [None if v is None else [whole_message(m) for m in v] for v in column.to_pylist()], types)


def _seen_columns(also: pa.ChunkedArray, types: Types | None) -> Iterator[tuple[str, Made]]:
    """What a model sees beside the texts, a column each: tools, chat-template arguments, pictures."""
    rows = [json.loads(value or "{}") for value in also.to_pylist()]
    rows = [{_free(name): value for name, value in row.items()} for row in rows]
    names = dict.fromkeys(name for row in rows for name in row)
    for name in names if types is None else [name for name in types if name not in ROLES]:
        yield name, made_column(name, [row.get(name) for row in rows], types)


def _free(name: str) -> str:
    """A name that is none of our columns'."""
    return f"{ALSO}_{name}" if name in ROLES or name in ABOUT else name


def pick(first: pa.ChunkedArray, second: pa.ChunkedArray, swap: Bools) -> pa.ChunkedArray:
    """Row by row from ``first``, or from ``second`` where ``swap`` is set; both columns must have one type."""
    both = pa.chunked_array([*first.chunks, *second.chunks], first.type)
    return both.take(pa.array(np.arange(len(first)) + len(first) * swap))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
