"""What the values of a label column mean."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from votewise.sources.cells import TEXT
from votewise.sources.rows import Rows

LABELS: dict[str, str] = {
    **dict.fromkeys(("a", "response_a", "response a", "model_a", "model a", "answer_a", "answer a"), "a"),
    **dict.fromkeys(("b", "response_b", "response b", "model_b", "model b", "answer_b", "answer b"), "b"),
    **dict.fromkeys(
        ("tie", "draw", "equal", "both_bad", "both bad", "bothbad", "tie (bothbad)", "tie (both bad)"), "tie"
    ),
}
"""What is read as ``a``, ``b`` or ``tie``, in upper or lower case. Numbers are not, because 0/1 and 1/2 are both in use."""

WINNERS: dict[str, str] = LABELS | {"tie (inconsistent)": "tie"}
"""What is read as the winner of two models' answers."""


def label_column(
    rows: Rows,
    name: str = "label",
    known: Mapping[str, str] = LABELS,
    *,
    expected: str = "a, b or tie",
    null: bool = False,
) -> pa.ChunkedArray:
    """Take a column of labels as ``a``, ``b`` or ``tie``; rows with other values are noted."""
    return labels_of(rows, rows.identifier(name, null=null), name, known, expected)


def labels_of(
    rows: Rows, values: pa.ChunkedArray, name: str, known: Mapping[str, str], expected: str
) -> pa.ChunkedArray:
    """``a``, ``b`` or ``tie`` for these values of the column ``name``; rows with other values are noted."""
    found = values.combine_chunks().dictionary_encode()
    read = [known.get(label_key(v)) for v in found.dictionary.to_pylist()]
    labels = pa.array(read, TEXT).take(found.indices)
    wrong = np.asarray(labels.is_null()) & np.asarray(found.is_valid())
    rows.reject_where(wrong, "unknown label", column=name, expected=expected)
    return pa.chunked_array([labels])


def label_key(value: str) -> str:
    """Bring a label to the form in which it is looked up: one space between words, lower case."""
    return " ".join(value.split()).casefold()
