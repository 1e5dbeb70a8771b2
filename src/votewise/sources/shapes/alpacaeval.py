"""AlpacaEval's annotations: a judge's preference between 1 (the first output is better) and 2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from votewise.arrays import Floats
from votewise.errors import many
from votewise.sources.canonical import Canonical, from_columns, optional
from votewise.sources.cells import TEXT
from votewise.sources.format import Format
from votewise.sources.meanings.labels import meaning_of
from votewise.sources.meanings.people import people_column, read_people
from votewise.sources.rows import Rows
from votewise.sources.texts.prompt_parts import read_texts


def read_alpacaeval(rows: Rows) -> Canonical:
    """Read one vote per row. Preferences between 1 and 2 become weights: 1.9 weighs 0.8, 1.5 is a tie.

    Rows without a preference are skipped. Which output the judge saw first is not known.
    """
    preference = rows.number("preference", nan=True)
    preference = _draws(rows, preference)
    with np.errstate(invalid="ignore"):
        outside = (preference < 1) | (preference > 2)
    zero = "1 to 2, or --label 0=tie where 0 is a draw"
    for where, expected in ((outside & (preference == 0), zero), (outside, "1 to 2")):
        rows.reject_where(where, "is not a preference", column="preference", expected=expected)
    unknown = np.isnan(preference)
    soft = np.where(unknown, 1.5, preference) - 1.5
    told = {"a": "below 1.5", "tie": "1.5", "b": "above 1.5", "skip": "(no preference)"}
    for meaning, where in (("a", soft < 0), ("tie", soft == 0), ("b", soft > 0), ("skip", unknown)):
        number = int((where & rows.ok & (unknown == (meaning == "skip"))).sum())
        if number:
            rows.tell("preference", told[meaning], meaning, number)
    label = pa.array(["a", "tie", "b"], TEXT).take(pa.array(1 + np.sign(soft).astype(np.int64)))
    answers = ("output_1", "output_2")
    people, named_by = read_people(rows, taken=answers)
    columns: dict[str, Any] = {
        "annotator": people,
        "label": label,
        **optional(rows),
        **read_texts(rows, *answers, taken=("preference", people_column(rows, taken=answers) or "annotator")),
    }
    # A tie says nothing, whatever its weight; weight 1 for ties keeps sources of hard votes without weights.
    columns["weight"] = np.where(soft == 0, 1.0, np.abs(2 * soft))
    for own, name in (("model_a", "generator_1"), ("model_b", "generator_2"), ("domain", "dataset")):
        if rows.has(name):
            columns[own] = rows.identifier(name, null=True)
    skipped = int((unknown & rows.ok).sum())
    notes = [*named_by]
    notes += [f"Skipped: {many(skipped, 'row')} without a preference."] if skipped else []
    return from_columns(rows, columns, shown=False, skip=unknown, notes=notes, sided=True)


def _draws(rows: Rows, preference: Floats) -> Floats:
    """The preferences with draws that are written as 0 turned into 1.5.

    AlpacaEval has written draws in both ways. Where a file has 0 and never 1.5, 0 may as well stand for no verdict: then
    ``--label 0=tie`` must say so.
    """
    draws = preference == 0
    said = meaning_of(rows, "0", {})
    if not draws.any() or (said is None and not (preference == 1.5).any()):
        return preference
    return np.where(draws, np.nan if said == "skip" else 1.5, preference)


ALPACAEVAL = Format(
    "alpacaeval",
    "AlpacaEval's annotations.json",
    (("instruction",), ("output_1",), ("output_2",), ("preference",)),
    read_alpacaeval,
    leaves_texts=True,
)
