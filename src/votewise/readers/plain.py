"""Our own table of votes: one row per vote, ``annotator``, ``label`` and a pair, named or shown by its two responses."""

from __future__ import annotations

from votewise.readers.canonical import Canonical, from_columns, label_column, optional
from votewise.readers.messages import answers
from votewise.readers.rows import Rows


def read_plain(rows: Rows) -> Canonical:
    """Read one vote per row; response_a is taken to be what was shown first."""
    columns = {"annotator": rows.annotator(), "label": label_column(rows), **optional(rows)}
    if rows.has("response_a", "response_b"):
        columns |= answers(rows, "prompt", "response_a", "response_b")
    return from_columns(rows, columns, shown=True)
