"""Rows to train on of votes that were read from a file or table: messages with all the fields that the source has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from votewise.data.identity import ALSO
from votewise.data.votes import Votes
from votewise.errors import BadInputError, many
from votewise.sources.texts.messages import without_nulls
from votewise.sources.values import decoded
from votewise.train.implicit_prompts import have_implicit_prompts, with_prompt
from votewise.train.normal_texts import either
from votewise.train.seen_rows import ANSWERS, BESIDE, SHOWN, check_row, refuse_pictures

if TYPE_CHECKING:
    from datasets import Dataset

ROLES = {**{name: name for name in ("prompt", *ANSWERS)}, **{f"prompt ({name})": name for name in BESIDE}}
"""What a source's columns are read as -> TRL's columns, where the source has nothing else that a model sees."""


def rows_of_votes(votes: Votes, first: npt.NDArray[np.int64]) -> Dataset:
    """One row for each of the votes ``first``, which all prefer one answer; ``chosen`` is that answer.

    Messages are the source's own where it has columns ``chosen`` and ``rejected`` of them, else what was read of them with
    all that a model sees.

    Raises:
        BadInputError: votes on images.
    """
    from datasets import Dataset

    name = "the votes" if votes.reading is None else votes.reading.source
    assert votes.texts is not None  # noqa: S101 - checked by ``training_rows``
    texts = votes.texts.take(pa.array(votes.pair[first]))
    to_a = votes.sign[first] > 0
    if not _holds_more(texts) and not _holds_parts(votes):
        rows = _plain(texts, to_a, name)
        if have_implicit_prompts(votes) and not pa.types.is_nested(rows.schema.field("prompt").type):
            # They were read with prompts that end with a word, but token ids shall be those that TRL makes of the source.
            return Dataset(rows).map(lambda row: with_prompt({k: row["prompt"] + row[k] for k in ANSWERS}))
        return Dataset(rows)
    found = _source_rows(votes, first) or [_whole(row, bool(a)) for row, a in zip(texts.to_pylist(), to_a, strict=True)]
    for number, row in enumerate(found):
        refuse_pictures(row, name)
        check_row(row, number, name)
    shown = [name for name in SHOWN if any(name in row for row in found)]
    # TRL takes null for no tools, but not for no arguments.
    missing: dict[str, Any] = {"chat_template_kwargs": {}}
    found = [{name: row.get(name, missing.get(name)) for name in shown} for row in found]
    return Dataset.from_list(found, on_mixed_types="use_json")


def _plain(texts: pa.Table, to_a: npt.NDArray[np.bool_], name: str) -> pa.Table:
    """Rows of texts, or of messages with nothing but role and content; BadInputError for these without a prompt."""
    prompt, a, b = texts["prompt"], texts["response_a"], texts["response_b"]
    if prompt.null_count and not pa.types.is_nested(prompt.type):
        # TRL cannot tokenize a null.
        prompt = pc.fill_null(prompt.cast(pa.large_string()), "")
    if prompt.null_count:
        raise BadInputError(
            f"{many(prompt.null_count, 'pair')} of conversations without a prompt",
            source=name,
            expected="answers to something that a user said",
        )
    return pa.table({"prompt": prompt, "chosen": either(to_a, a, b), "rejected": either(to_a, b, a)})


def _holds_more(texts: pa.Table) -> bool:
    """Whether a model sees more than roles and contents."""
    if ALSO in texts.column_names and texts[ALSO].null_count < len(texts):
        return True
    return any("other" in str(texts.schema.field(name).type) for name in ("response_a", "response_b"))


def _holds_parts(votes: Votes) -> bool:
    """Whether the source's messages may have content in parts, whose texts are joined in what was read of them."""
    return any("content: list<" in kind or is_json for kind, is_json in _kinds(votes))


def _kinds(votes: Votes) -> list[tuple[str, bool]]:
    columns = _columns(votes)
    if columns is None or votes.table is None:
        return []
    fields = [votes.table.schema.field(name) for name in columns.values()]
    return [(str(field.type), (field.metadata or {}).get(b"votewise") == b"json") for field in fields]


def _columns(votes: Votes) -> dict[str, str] | None:
    """TRL's columns -> the source's, where those are all that a model sees of a row; else None."""
    if votes.table is None or votes.reading is None:
        return None
    roles = {column.name: column.role for column in votes.reading.columns if column.role is not None}
    seen = {name: role for name, role in roles.items() if role.startswith("prompt") or role in ANSWERS}
    found = {ROLES[role]: name for name, role in seen.items() if role in ROLES}
    whole = len(found) == len(seen) and set(ANSWERS) <= set(found)
    return found if whole and set(found.values()) <= set(votes.table.column_names) else None


def _source_rows(votes: Votes, first: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
    """The source's rows of these votes; empty where they are no conversations in messages with roles."""
    columns = _columns(votes)
    if columns is None or votes.table is None:
        return []
    table = votes.table.select(list(columns.values())).take(pa.array(first))
    values = {own: decoded(table, name) for own, name in columns.items()}
    messages = [value for name in ("prompt", *ANSWERS) for value in values.get(name, ())]
    if not all(_is_conversation(value) for value in messages):
        return []
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return [_clean(row) for row in rows]


def _is_conversation(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(m, dict) and "role" in m and "content" in m for m in value)


def _clean(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the nulls that a table puts where one message lacks another one's field."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name in ("prompt", *ANSWERS):
            found[name] = [{"role": None, "content": None, **without_nulls(message)} for message in value]
        elif value is not None:
            found[name] = without_nulls(value)
    return found


def _whole(row: dict[str, Any], to_a: bool) -> dict[str, Any]:
    """A row of the votes' texts, with the fields of its messages in their own places."""
    chosen, rejected = ("response_a", "response_b") if to_a else ("response_b", "response_a")
    found = {"prompt": row["prompt"] or _empty(row[chosen]), "chosen": row[chosen], "rejected": row[rejected]}
    found = {name: [_message(m) for m in value] if isinstance(value, list) else value for name, value in found.items()}
    also = row.get(ALSO)
    return found | ({} if also is None else json.loads(also))


def _empty(answer: Any) -> Any:
    return [] if isinstance(answer, list) else ""


def _message(message: dict[str, Any]) -> dict[str, Any]:
    other = message.get("other")
    own = {"role": message["role"], "content": message["content"]}
    return own if other is None else own | json.loads(other)
