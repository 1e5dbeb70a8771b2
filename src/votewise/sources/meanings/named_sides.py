"""Labels that tell the better answer by a name: the name of the model that gave it, or its own text.

Names may be words of labels, too: models called ``a`` and ``b``, or the answers ``left`` and ``right`` to a question with
two choices. Then a value may mean two things, and is refused unless the column itself shows which one is meant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Bools, Signs
from votewise.sources.cells import is_string
from votewise.sources.codes import codes_of
from votewise.sources.containers.stand_in_type import DIGEST
from votewise.sources.meanings.labels import meaning_of
from votewise.sources.option_words import label_option
from votewise.sources.rows import Rows

SIDES = {"a": 1, "b": -1}
NEUTRAL, UNKNOWN = 0, 2
"""What values mean that are no side, and values that are no words of labels."""


def sides_by_models(
    rows: Rows, values: pa.ChunkedArray, column: str, models: tuple[Any, Any], known: Mapping[str, str]
) -> Signs:
    """(n,) 1 where a label is the name of the first model, -1 of the second one, 0 where it is neither.

    Args:
        rows: the source's rows.
        values: (n,) labels.
        column: where they stand.
        models: (n,) names of the models on both sides; None where the source has none.
        known: words of labels.

    Raises:
        BadInputError: a model's name is also a word that means something else there.
    """
    side, words, told = _sides(rows, values, models, known)
    side[told] = 0
    clash = (side != 0) & (words != UNKNOWN) & (words != side)
    if clash.any():
        row = int(np.flatnonzero(clash & rows.ok)[0]) if (clash & rows.ok).any() else int(np.flatnonzero(clash)[0])
        raise rows.fail(
            f"'{values[row].as_py()}' may mean the side or the model of that name (row {rows.source.number(row):,})",
            column=column,
            expected="models that are not called like sides; or --label, which says what each value means",
        )
    return side


def sides_by_texts(
    rows: Rows,
    values: pa.ChunkedArray,
    column: str,
    texts: tuple[Any, Any],
    known: Mapping[str, str],
    *,
    sure: Collection[str] = (),
) -> Signs:
    """(n,) 1 where a label is the text of the first answer, -1 of the second one, 0 where it is neither or a word.

    A value that is a word of labels and the text of the other answer is a word if it stands elsewhere without being an
    answer's text, and a text if labels elsewhere are texts that are no words; ``sure`` words need no such proof.

    Args:
        rows: the source's rows.
        values: (n,) labels.
        column: where they stand.
        texts: (n,) the texts of both answers.
        known: words of labels.
        sure: words that are words unless labels elsewhere are texts.

    Raises:
        BadInputError: neither is the case, or both are.
    """
    side, words, told = _sides(rows, values, texts, known)
    side[told] = 0
    clash = (side != 0) & (words != UNKNOWN) & (words != side)
    if not clash.any():
        return side
    codes, names = codes_of(values)
    texts_elsewhere = bool(((side != 0) & (words == UNKNOWN)).any())
    for code in np.unique(codes[clash]).tolist():
        here = codes == code
        word_elsewhere = bool((here & (side == 0)).any()) or (str(names[code].as_py()) in sure and not texts_elsewhere)
        if word_elsewhere == texts_elsewhere:
            row = int(np.flatnonzero(clash & here)[0])
            value = values[row].as_py()
            raise rows.fail(
                f"{value!r} may mean the side or the answer of that text (row {rows.source.number(row):,})",
                column=column,
                expected=f"{label_option(value)} (b, tie, both_bad, skip) to say what it means",
            )
        if word_elsewhere:
            side[here] = 0
    return side


def _sides(
    rows: Rows, values: pa.ChunkedArray, names: tuple[Any, Any], known: Mapping[str, str]
) -> tuple[Signs, Signs, Bools]:
    """Per row: which of two names the value is, what it means as a word, and whether the user said what it means."""
    digests = None
    if rows.source.stand_ins is not None and any(own is not None and own.type == DIGEST for own in names):
        # The texts are in their file: equal texts have equal stand-ins.
        digests = rows.source.stand_ins.of(values)
    first, second = (_equal(values, digests, own) for own in names)
    side = first.astype(np.int8) - second.astype(np.int8)
    codes, found = codes_of(values)
    texts: list[str] = found.to_pylist()
    meant = [meaning_of(rows, text, known) for text in texts]
    words = np.array([UNKNOWN if m is None else SIDES.get(m, NEUTRAL) for m in meant] + [UNKNOWN], np.int8)
    # What the user says that a value means goes before everything else.
    told = np.array([meaning_of(rows, text, {}) is not None for text in texts] + [False], bool)
    return side, words[codes], told[codes]


def _equal(values: pa.ChunkedArray, digests: pa.ChunkedArray | None, names: Any) -> Bools:
    """(n,) where a value is this name; where the name is a stand-in, the value's stand-in is compared."""
    if names is not None and names.type == DIGEST and digests is not None:
        values = digests
    elif names is None or not is_string(names.type):
        return np.zeros(len(values), bool)
    same = pc.fill_null(pc.equal(values, names), False)
    return np.asarray(same.to_numpy(zero_copy_only=False), bool)
