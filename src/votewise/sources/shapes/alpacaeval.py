"""AlpacaEval's annotations: a judge's preference between 1 (the first output is better) and 2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from votewise.sources.canonical import Canonical, everybody, from_columns, optional
from votewise.sources.cells import TEXT
from votewise.sources.format import Format
from votewise.sources.messages import answers
from votewise.sources.rows import Rows


def read_alpacaeval(rows: Rows) -> Canonical:
    """Read one vote per row. Preferences between 1 and 2 become weights: 1.9 weighs 0.8, 1.5 is a tie.

    Rows without a preference are skipped. Which output the judge saw first is not known.
    """
    preference = rows.number("preference")
    with np.errstate(invalid="ignore"):
        outside = (preference < 1) | (preference > 2)
    rows.reject_where(outside, "is not a preference", column="preference", expected="1 to 2")
    unknown = np.isnan(preference)
    soft = np.where(unknown, 1.5, preference) - 1.5
    label = pa.array(["a", "tie", "b"], TEXT).take(pa.array(1 + np.sign(soft).astype(np.int64)))
    columns: dict[str, Any] = {
        "annotator": rows.annotator() if rows.has("annotator") else everybody(len(rows)),
        "label": label,
        **optional(rows),
        **answers(rows, "instruction", "output_1", "output_2"),
    }
    # A tie says nothing, whatever its weight; weight 1 for ties keeps sources of hard votes without weights.
    columns["weight"] = np.where(soft == 0, 1.0, np.abs(2 * soft))
    for own, name in (("model_a", "generator_1"), ("model_b", "generator_2"), ("domain", "dataset")):
        if rows.has(name):
            columns[own] = rows.identifier(name, null=True)
    skipped = int((unknown & rows.ok).sum())
    notes = [f"{skipped:,} rows without a preference were skipped."] if skipped else []
    return from_columns(rows, columns, shown=False, skip=unknown, notes=notes)


ALPACAEVAL = Format(
    "alpacaeval",
    "AlpacaEval's annotations.json",
    (("instruction",), ("output_1",), ("output_2",), ("preference",)),
    read_alpacaeval,
)
