"""Our own tables: votes (``annotator``, ``label`` and a pair) and clicks (``user``, ``winner`` and two models' answers)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.sources.canonical import Canonical, from_columns, optional
from votewise.sources.format import Format
from votewise.sources.meanings.label_words import LABELS, MEANINGS, WINNERS
from votewise.sources.meanings.labels import Words, labels_of
from votewise.sources.meanings.named_sides import sides_by_models, sides_by_texts
from votewise.sources.meanings.people import read_people
from votewise.sources.rows import Rows
from votewise.sources.texts.prompt_parts import read_texts

OTHERS = ("annotator", "user", "label", "winner", "pair", "domain", "gold", "reason", "model_a", "model_b")
"""Columns that are no part of the prompt."""


OWN = MEANINGS
"""The labels that votewise itself writes and the docs name: words, also where an answer's text is one of them."""


def read_plain(rows: Rows) -> Canonical:
    """Read one vote per row; response_a is taken to be what was shown first."""
    people, notes = read_people(rows)
    columns: dict[str, Any] = {"annotator": people, **optional(rows)}
    if rows.has("response_a", "response_b"):
        columns |= read_texts(rows, "response_a", "response_b", OTHERS)
    values, words = rows.labels_in("label"), Words(LABELS, "a, b or tie")
    texts = columns.get("response_a"), columns.get("response_b")
    sides = sides_by_texts(rows, values, "label", texts, words.known, sure=OWN)
    others = pc.if_else(pc.is_in(values, value_set=pa.array(OWN, values.type)), None, values)
    models = columns.get("model_a"), columns.get("model_b")
    sides = np.where(sides != 0, sides, sides_by_models(rows, others, "label", models, words.known)).astype(np.int8)
    label = labels_of(rows, values, "label", words, sides=sides)
    return from_columns(rows, columns | {"label": label}, shown=True, notes=notes)


def read_clicks(rows: Rows) -> Canonical:
    """Read one click per row, as `votewise filter` takes and writes them: a side or a model's name has won."""
    columns = {"annotator": rows.annotator("user"), **optional(rows)}
    columns |= read_texts(rows, "response_a", "response_b", OTHERS)
    models = columns.get("model_a"), columns.get("model_b")
    winner, words = rows.labels_in("winner"), Words(WINNERS, "model_a, model_b, tie or one of the models' names")
    sides = sides_by_models(rows, winner, "winner", models, words.known)
    label = labels_of(rows, winner, "winner", words, sides=sides)
    return from_columns(rows, columns | {"label": label}, shown=True)


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
