"""Our own tables: votes (``annotator``, ``label`` and a pair) and clicks (``user``, ``winner`` and two models' answers)."""

from __future__ import annotations

import pyarrow.compute as pc

from votewise.sources.canonical import Canonical, from_columns, optional
from votewise.sources.format import Format
from votewise.sources.labels import WINNERS, label_column, labels_of
from votewise.sources.messages import answers
from votewise.sources.rows import Rows


def read_plain(rows: Rows) -> Canonical:
    """Read one vote per row; response_a counts as shown first."""
    columns = {"annotator": rows.annotator(), "label": label_column(rows), **optional(rows)}
    if rows.has("response_a", "response_b"):
        columns |= answers(rows, "prompt", "response_a", "response_b")
    return from_columns(rows, columns, shown=True)


def read_clicks(rows: Rows) -> Canonical:
    """Read one click per row, as `votewise filter` takes and writes them; the winner is a side or a model's name."""
    columns = {"annotator": rows.annotator("user"), **optional(rows)}
    columns |= answers(rows, "prompt", "response_a", "response_b")
    winner = rows.identifier("winner")
    for side in "ab":
        if f"model_{side}" in columns:
            winner = pc.if_else(pc.fill_null(pc.equal(winner, columns[f"model_{side}"]), False), side, winner)
    expected = "model_a, model_b, tie or one of the models' names"
    return from_columns(rows, columns | {"label": labels_of(rows, winner, "winner", WINNERS, expected)}, shown=True)


PLAIN = Format(
    "plain",
    "one vote per row: annotator, label (a, b or tie), and a pair's name or two responses",
    (("annotator",), ("label",), ("pair", "response_a"), ("pair", "response_b")),
    read_plain,
)
CLICKS = Format(
    "clicks",
    "one click per row: user, winner and two models' answers, as `votewise filter` takes and writes them",
    (("user",), ("winner",), ("response_a",), ("response_b",)),
    read_clicks,
)
