"""A reading said in full: the options that name its format, its columns and the meaning of its values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from votewise.data.reading import ValueMeaning
from votewise.sources.meanings.label_words import LABELS, NAMED, label_key
from votewise.sources.rows import Rows

SAID = ("prompt", "response_a", "response_b", "chosen", "rejected", "annotator", "label")
"""Roles whose columns are named."""

MOST = 12
"""Values of a column whose meaning is spelt out; more are no words of a label."""

ONE_VOTE_PER_ROW = ("plain", "two-answers")
"""Formats that read their label by its values, whichever column it is."""

OPEN = (*ONE_VOTE_PER_ROW, "several-votes", "ranked", "trl")
"""Formats whose columns may have any names; of the others, only the annotator's column may."""


def reading_options(
    rows: Rows, format: str, given: Mapping[str, Any], values: tuple[ValueMeaning, ...]
) -> dict[str, Any]:
    """Arguments of ``read_votes`` that say what was recognised: with them the source is read as it was without.

    Args:
        rows: the source's rows, after they were read.
        format: the format's name.
        given: what the user said: arguments of ``read_votes``, ``label`` by ``label_key``.
        values: what the values of labels mean.
    """
    named = {role: rows.source_column(name) for name, role in rows.roles.items() if role in SAID}
    several = [role for role in named if list(rows.roles.values()).count(role) > 1]
    open_ = SAID if format in OPEN else ("annotator",)
    columns = {role: name for role, name in named.items() if role != name and role in open_ and role not in several}
    columns = {name: own for name, own in columns.items() if own in rows.source.table.column_names}
    told = [v for v in values if v.value != NAMED and format in ONE_VOTE_PER_ROW and v.column == named.get("label")]
    meant = {v.value: v.meaning for v in told if LABELS.get(label_key(v.value)) != v.meaning}
    if len(told) > MOST or len({(v.value, v.meaning) for v in told}) > len({v.value for v in told}):
        meant = {}
    written = {label_key(v.value): v.value for v in values}
    own = {written.get(key, key): meaning for key, meaning in dict(given["label"]).items()}
    found = {"format": format, "columns": columns | dict(given["columns"] or {}), "label": meant | own}
    for name in ("criterion", "split", "one_annotator"):
        found[name] = given[name]
    return {name: value for name, value in found.items() if value} | (
        {"on_error": "skip"} if given["on_error"] == "skip" else {}
    )
