"""The pairs that judges are asked about, read through the door that all commands share, and what people said about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Ints, Signs
from votewise.data.identity import ALSO
from votewise.data.reading import NONE_REJECTED, Rejected
from votewise.data.votes import UNKNOWN
from votewise.errors import BadInputError
from votewise.language_models.conversations import Prompt, as_messages
from votewise.sources.canonical import Canonical, from_columns, optional
from votewise.sources.canonical_votes import canonical_votes
from votewise.sources.encode import encode
from votewise.sources.reader import SourceReader
from votewise.sources.registry import FORMATS, choose
from votewise.sources.rows import Rows
from votewise.sources.shapes.plain import OTHERS
from votewise.sources.shapes.two_answers import says_which_is_better
from votewise.sources.texts.prompt_parts import read_texts

CARRIED = ("model_a", "model_b")


@dataclass(frozen=True, eq=False)
class AskedPairs:
    """M different pairs.

    Attributes:
        names: (M,) the pairs' names, as ``votewise audit`` calls them.
        prompt: (M,) texts or conversations.
        response_a: (M,) the first answers.
        response_b: (M,) the second answers.
        models: (M,) the two models, or None and None.
        gold: (M,) +1 or -1 where a trusted source says which answer is better, else 0.
        vote_pair: (n,) pair of each vote that the source has.
        vote_sign: (n,) +1 for response_a, -1 for response_b, 0 for a tie.
        vote_by: (n,) names of those who voted.
        source: where they came from.
        format: the format of the votes; None where there are none.
        identical: how many rows with two equal answers were left out.
        rejected: rows left out as unusable.
    """

    names: list[str]
    prompt: list[Prompt]
    response_a: list[Prompt]
    response_b: list[Prompt]
    models: list[tuple[str | None, str | None]]
    gold: Signs
    vote_pair: Ints
    vote_sign: Signs
    vote_by: list[str]
    source: str
    format: str | None = None
    identical: int = 0
    rejected: Rejected = NONE_REJECTED

    def __len__(self) -> int:
        return len(self.names)

    def shown(self, pair: int, *, swapped: bool) -> tuple[Prompt, Prompt, Prompt]:
        """Prompt, first and second answer as a judge sees them."""
        a, b = self.response_a[pair], self.response_b[pair]
        return (self.prompt[pair], b, a) if swapped else (self.prompt[pair], a, b)


def read_asked_pairs(
    source: Any, reader: SourceReader | None = None, *, format: str = "auto", limit: int | None = None
) -> AskedPairs:
    """Read pairs from votes in any format, or from a table with ``response_a`` and ``response_b``.

    Raises:
        BadInputError: the source cannot be read, or has no answers.
    """
    reader = reader or SourceReader()
    rows = reader.open(source)
    voted = _has_votes(rows, format)
    name, canonical = None, None
    if voted:
        shape, canonical = canonical_votes(rows, format, reader.one_annotator)
        name = shape.name
    else:
        canonical = _without_votes(rows, format)
    if "response_a" not in canonical.table.column_names:
        raise rows.fail("there are no answers to judge", expected="columns prompt, response_a and response_b")
    encoded = encode(rows, canonical)
    if not encoded.fields:
        raise rows.fail("there are no pairs left to judge", expected="two different answers")
    return _pairs(rows, name, encoded.fields, encoded.identical, limit)


def _has_votes(rows: Rows, format: str) -> bool:
    if format != "auto" or any(f.recognise(rows) for f in FORMATS.values() if not f.general):
        return True
    bare = rows.has("response_a", "response_b") and not rows.has("label") and not says_which_is_better(rows)
    return not bare and any(f.recognise(rows) for f in FORMATS.values())


def _without_votes(rows: Rows, format: str) -> Canonical:
    """Pairs as votes that say nothing, so that one function finds which rows show the same pair."""
    if not rows.has("response_a", "response_b"):
        choose(rows, format)  # raises an error that says what is missing for the most similar format
    columns: dict[str, Any] = {**optional(rows), **read_texts(rows, "response_a", "response_b", OTHERS)}
    columns["annotator"] = pa.array([UNKNOWN] * len(rows))
    columns["label"] = pa.array(["tie"] * len(rows))
    return from_columns(rows, columns, shown=True)


def _pairs(rows: Rows, name: str | None, fields: dict[str, Any], identical: int, limit: int | None) -> AskedPairs:
    texts, m = fields["texts"], len(fields["pair_ids"])
    keep = np.array([a != b for a, b in zip(_list(texts, "response_a", m), _list(texts, "response_b", m), strict=True)])
    identical += int((~keep).sum())
    at = np.flatnonzero(keep)[:limit]
    if limit is not None and limit < 1:
        raise BadInputError("must be 1 or more", parameter="limit", value=limit)
    if len(at) == 0:
        raise rows.fail("there are no pairs left to judge", expected="two different answers")
    code = np.full(m, -1, np.int32)
    code[at] = np.arange(len(at), dtype=np.int32)
    pair, sign = code[fields["pair"]], fields["sign"]
    by = pc.take(fields["annotator_ids"], pa.array(fields["annotator"])).to_pylist()
    said = (pair >= 0) if name is not None else np.zeros(len(pair), bool)
    gold = fields.get("gold")
    table = texts.take(pa.array(at))
    a, b = (_list(table, column, len(at)) for column in CARRIED)
    return AskedPairs(
        names=[str(value) for value in fields["pair_ids"].take(pa.array(at)).to_pylist()],
        prompt=[
            _asked(*both) for both in zip(_list(table, "prompt", len(at)), _list(table, ALSO, len(at)), strict=True)
        ],
        response_a=_list(table, "response_a", len(at)),
        response_b=_list(table, "response_b", len(at)),
        models=list(zip(a, b, strict=True)),
        gold=np.zeros(len(at), np.int8) if gold is None else np.asarray(gold[at], np.int8),
        vote_pair=pair[said],
        vote_sign=sign[said],
        vote_by=[str(who) for who, there in zip(by, said, strict=True) if there],
        source=rows.source.name,
        format=name,
        identical=identical,
    )


def _asked(prompt: Prompt | None, also: str | None) -> Prompt:
    """The prompt with what the models saw besides, such as tools, which a judge must see as well."""
    if also is None:
        return "" if prompt is None else prompt
    beside = {"role": "seen besides", "content": also}
    return [*as_messages(prompt), beside] if prompt else [beside]


def _list(table: Any, name: str, n: int) -> list[Any]:
    return list(table[name].to_pylist()) if name in table.column_names else [None] * n
