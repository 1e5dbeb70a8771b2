"""Pick-a-Pic: a caption, two pictures and a mark of each: 1 and 0 for the better one, 0.5 and 0.5 for a tie."""

from __future__ import annotations

from typing import Any

import numpy as np

from votewise.sources.canonical import Canonical, from_columns, optional
from votewise.sources.format import Format
from votewise.sources.meanings.people import read_people
from votewise.sources.meanings.scores_as_votes import score_labels
from votewise.sources.rows import Rows

ADDRESSES = ("image_{}_url", "image_{}_uid")
MARKS = ("label_0", "label_1")
MODELS = ("model_0", "model_1")
SAID = "The pictures' addresses or ids are the responses: pictures are equal where these are."


def read_pickapic(rows: Rows) -> Canonical:
    """Read one vote per row between the pictures at two addresses, or of two ids."""
    who, notes = read_people(rows)
    columns: dict[str, Any] = {"annotator": who, **optional(rows), "prompt": rows.text("caption")}
    form = next(form for form in ADDRESSES if rows.has(form.format(0), form.format(1)))
    for place, own in enumerate(("response_a", "response_b")):
        columns[own] = rows.text(form.format(place))
        rows.use(form.format(place), own)
        if rows.has(MODELS[place]):
            columns[f"model_{'ab'[place]}"] = rows.identifier(MODELS[place], null=True)
            rows.use(MODELS[place], f"model_{'ab'[place]}")
    rows.use("caption", "prompt")
    one, other = (rows.number(name) for name in MARKS)
    expected = "1 and 0, or 0.5 and 0.5; has_label is false where nobody voted"
    with np.errstate(invalid="ignore"):
        rows.reject_where(
            np.abs(one + other - 1) > 1e-6, "and label_1 do not add up to 1", column="label_0", expected=expected
        )
    columns["label"] = score_labels(rows, MARKS)
    if rows.has("best_image_uid"):
        rows.use("best_image_uid", "what label_0 and label_1 say")
    return from_columns(rows, columns, shown=True, notes=(*notes, SAID))


PICKAPIC = Format(
    "pick-a-pic",
    "yuvalkirstain/pickapic: a caption, two pictures and a mark of each",
    (("caption",), ("label_0",), ("label_1",), ("image_0_url", "image_0_uid"), ("image_1_url", "image_1_uid")),
    read_pickapic,
)
"""The better of two pictures; ``jpg_0`` and ``jpg_1`` hold the pictures themselves, which are carried along."""
