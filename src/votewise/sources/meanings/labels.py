"""What the values of a label column mean: a vote for a response, a tie, both bad, or no vote at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.arrays import Signs
from votewise.errors import BadInputError
from votewise.sources.cells import TEXT
from votewise.sources.meanings.label_words import LABELS, NAMED, NEUTRAL, meant_by
from votewise.sources.option_words import label_option
from votewise.sources.rows import Rows


@dataclass(frozen=True)
class Words:
    """``known``: label -> what it means; ``expected``: the same in words, for messages."""

    known: Mapping[str, str]
    expected: str


def label_column(
    rows: Rows,
    name: str = "label",
    known: Mapping[str, str] = LABELS,
    *,
    expected: str = "a, b or tie",
    null: bool = False,
) -> pa.ChunkedArray:
    """Take a column of labels as ``a``, ``b`` or ``tie``, null for what is not a vote; unknown ones are noted."""
    return labels_of(rows, rows.labels_in(name, null=null), name, Words(known, expected), count=not null)


def labels_of(
    rows: Rows, values: pa.ChunkedArray, name: str, words: Words, *, sides: Signs | None = None, count: bool = True
) -> pa.ChunkedArray:
    """``a``, ``b`` or ``tie`` for these values of the column ``name``, null for what is not a vote; others are noted.

    What the user says that values mean goes before what is known. Both bad, both good and skips are counted in ``rows``.

    Args:
        rows: the source's rows.
        values: (n,) labels.
        name: where they stand.
        words: what values mean.
        sides: (n,) 1 where a value names the first answer, -1 the second one, and 0 where it is a word; None where all are.
        count: whether to count what they mean.
    """
    found = values.combine_chunks().dictionary_encode()
    texts: list[str] = found.dictionary.to_pylist()
    meant = [*(meaning_of(rows, text, words.known) for text in texts), "a", "b"]
    n = len(meant)
    codes = np.asarray(found.indices.fill_null(n).to_numpy(zero_copy_only=False), np.int64)
    if sides is not None:
        codes = np.where(sides > 0, n - 2, np.where(sides < 0, n - 1, codes))
    unknown = np.array([meaning is None for meaning in meant] + [False], bool)
    wrong = np.flatnonzero(unknown[codes] & rows.ok)
    if len(wrong) and rows.stop:
        others = [texts[code] for code in np.unique(codes[wrong]).tolist()]
        refuse_label(rows, int(wrong[0]), name, others, words.expected)
    rows.reject_where(unknown[codes], "unknown label", column=name, expected=words.expected)
    if count:
        rows.count_meanings([*meant, None], codes)
        _tell(rows, name, [*texts, NAMED, NAMED], meant, codes)
    labels = [NEUTRAL.get(m, m) if m in ("a", "b", *NEUTRAL) else None for m in meant]
    taken = pa.array([*labels, None], TEXT).take(pa.array(codes))
    return pa.chunked_array([taken])


def _tell(rows: Rows, name: str, texts: Sequence[str], meant: Sequence[str | None], codes: Any) -> None:
    """Note how often each value means what it does."""
    counts = np.bincount(codes[rows.ok], minlength=len(meant) + 1)
    for text, meaning, number in zip(texts, meant, counts.tolist(), strict=False):
        if number and meaning is not None:
            rows.tell(name, text, meaning, number)


def meaning_of(rows: Rows, value: Any, known: Mapping[str, str] = LABELS) -> str | None:
    """What one value means; None where nobody knows."""
    return meant_by(value, rows.labels, known)


def refuse_label(rows: Rows, row: int, column: str, unknown: Sequence[str], expected: str) -> None:
    """Raise BadInputError for values that nobody understands, with the option that says what they mean.

    Args:
        rows: the source's rows.
        row: the first row with such a value.
        column: where they stand.
        unknown: all different ones.
        expected: what is understood.
    """
    value = rows.values(column)[row] if rows.has(column) else unknown[0]
    first = str(value).lower() if isinstance(value, bool) else str(value)
    first = first.removesuffix(".0") if isinstance(value, float) else first
    others = [value for value in unknown if value != first]
    more = f"; also {', '.join(map(repr, others[:3]))}" + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    raise BadInputError(
        "unknown label",
        source=rows.source.name,
        row=rows.source.number(row),
        column=rows.source_column(column),
        value=first,
        expected=f"{expected}, or {label_option(first)} (b, tie, both_bad, skip) to say what it means"
        f"{more if others else ''}",
    )
