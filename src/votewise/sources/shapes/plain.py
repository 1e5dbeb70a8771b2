"""Our own tables: votes (``annotator``, ``label`` and a pair) and clicks (``user``, ``winner`` and two models' answers)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Bools
from votewise.sources.canonical import Canonical, from_columns, optional
from votewise.sources.cells import is_string
from votewise.sources.format import Format
from votewise.sources.labels import LABELS, WINNERS, label_key, labels_of, meaning_of
from votewise.sources.people import read_people
from votewise.sources.prompt_parts import read_texts
from votewise.sources.rows import Rows

OTHERS = ("annotator", "user", "label", "winner", "pair", "domain", "gold", "reason", "model_a", "model_b")
"""Columns that are no part of the prompt."""


def read_plain(rows: Rows) -> Canonical:
    """Read one vote per row; response_a is taken to be what was shown first."""
    people, notes = read_people(rows)
    columns: dict[str, Any] = {"annotator": people, **optional(rows)}
    if rows.has("response_a", "response_b"):
        columns |= read_texts(rows, "response_a", "response_b", OTHERS)
    values = by_texts(rows, rows.identifier("label"), columns, LABELS)
    label = labels_of(rows, values, "label", LABELS, "a, b or tie")
    return from_columns(rows, columns | {"label": label}, shown=True, notes=notes)


def read_clicks(rows: Rows) -> Canonical:
    """Read one click per row, as `votewise filter` takes and writes them: a side or a model's name has won."""
    columns = {"annotator": rows.annotator("user"), **optional(rows)}
    columns |= read_texts(rows, "response_a", "response_b", OTHERS)
    models = [columns.get(name) for name in ("model_a", "model_b")]
    expected = "model_a, model_b, tie or one of the models' names"
    label = labels_of(rows, sides_of(rows, rows.identifier("winner"), "winner", models), "winner", WINNERS, expected)
    return from_columns(rows, columns | {"label": label}, shown=True)


def by_texts(
    rows: Rows, values: pa.ChunkedArray, columns: Mapping[str, Any], known: Mapping[str, str]
) -> pa.ChunkedArray:
    """Labels that are the text of one of the answers turned into its side; labels that are understood stay.

    Raises:
        BadInputError: a label is a side's name and the text of the answer on the other side.
    """
    meant = {value: meaning_of(rows, value, known) for value in pc.unique(values).to_pylist() if value is not None}
    texts = [columns.get(name) for name in ("response_a", "response_b")]
    if any(text is None or not (is_string(text.type) or _are_stand_ins(text)) for text in texts):
        return values
    for side, other in zip("ab", reversed(texts), strict=True):
        sure = [v for v, meaning in meant.items() if meaning == side and label_key(v) not in rows.labels]
        clash = pc.and_(pc.is_in(values, value_set=pa.array(sure, values.type)), _says(rows, values, other))
        if _true(clash).any():
            row = int(np.flatnonzero(_true(clash))[0])
            raise rows.fail(
                f"'{values[row].as_py()}' may mean the side or the answer of that text (row {rows.source.number(row):,})",
                column="label" if rows.has("label") else None,
                expected=f"--label {values[row].as_py()}=a or b, which says what it means",
            )
    open_ = [value for value, meaning in meant.items() if meaning is None]
    if not open_:
        return values
    free = pc.is_in(values, value_set=pa.array(open_, values.type))
    first, second = (pc.and_(free, _says(rows, values, text)) for text in texts)
    one, other = pc.and_(first, pc.invert(second)), pc.and_(second, pc.invert(first))
    return pc.if_else(one, "a", pc.if_else(other, "b", values))


def _says(rows: Rows, values: pa.ChunkedArray, text: Any) -> Any:
    """Whether each label is the answer's text."""
    if _are_stand_ins(text) and rows.source.stand_ins is not None:
        values = rows.source.stand_ins.of(values)
    return pc.fill_null(pc.equal(values, text), False)


def _are_stand_ins(text: Any) -> bool:
    return bool(pa.types.is_fixed_size_binary(text.type))


def sides_of(rows: Rows, winner: pa.ChunkedArray, name: str, models: list[Any]) -> pa.ChunkedArray:
    """The winners with a model's name turned into the side on which that model is.

    Raises:
        BadInputError: a model has the name of a side and is on the other one, so that the winner may mean either.
    """
    for side, own in zip("ab", models, strict=True):
        if own is None:
            continue
        won = pc.fill_null(pc.equal(winner, own), False)
        meant = pc.utf8_lower(own)
        opposite = {"a": ("b", "model_b", "response_b", "right"), "b": ("a", "model_a", "response_a", "left")}[side]
        clash = _true(won) & np.isin(np.asarray(meant.to_pylist(), object), opposite)
        if clash.any():
            row = int(np.flatnonzero(clash)[0])
            raise rows.fail(
                f"'{winner[row].as_py()}' may mean the side or the model of that name (row {rows.source.number(row):,})",
                column=name,
                expected="models that are not called like sides; or --label, which says what each value means",
            )
        winner = pc.if_else(won, side, winner)
    return winner


def _true(values: Any) -> Bools:
    return np.asarray(values.to_numpy(zero_copy_only=False), bool)


PLAIN = Format(
    "plain",
    "one vote per row: annotator, label (a, b or tie), and a pair's name or two responses",
    (("annotator",), ("label",), ("pair", "response_a"), ("pair", "response_b")),
    read_plain,
    leaves_texts=True,
)
CLICKS = Format(
    "clicks",
    "one click per row: user, winner and two models' answers, as `votewise filter` takes and writes them",
    (("user",), ("winner",), ("response_a",), ("response_b",)),
    read_clicks,
    leaves_texts=True,
)
