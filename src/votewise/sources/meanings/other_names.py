"""Columns under other names that mean the same without a doubt: other letters, and other words for chosen and rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from votewise.sources.meanings.column_names import plain_name
from votewise.sources.rows import Rows

CHOSEN = (
    ("accepted", "rejected"), ("chosen", "reject"), ("chosen", "rejected"), ("preferred", "dispreferred"),
    ("preferred", "rejected"), ("preferred", "non_preferred"), ("preferred_response", "rejected_response"),
    ("preferred_response", "dispreferred_response"), ("preferred_answer", "rejected_answer"),
    ("chosen_response", "rejected_response"), ("chosen_answer", "rejected_answer"), ("accepted_answer", "rejected_answer"),
    ("better_response", "worse_response"), ("better_answer", "worse_answer"), ("winning_response", "losing_response"),
    ("response_chosen", "response_rejected"), ("answer_chosen", "answer_rejected"), ("response_j", "response_k"),
    ("output_chosen", "output_rejected"), ("completion_chosen", "completion_rejected"), ("chosen_output", "rejected_output"),
    ("chosen_completion", "rejected_completion"), ("chosen_text", "rejected_text"), ("positive", "negative"),
    ("response_w", "response_l"), ("y_w", "y_l"), ("output", "rejected_output"), ("answer", "rejected_answer"),
    ("response", "rejected_response"), ("completion", "rejected_completion"),
)  # fmt: skip
"""Names of the better and the worse answer; ``response_j`` and ``response_k`` are the Stack Exchange pairs."""


def take_other_names(rows: Rows, known: Collection[str]) -> bool:
    """Give columns the names that formats know them by, and say so in a note; False where there is nothing to rename.

    Args:
        rows: the source's rows, in none of the formats as they are.
        known: names of formats' columns.
    """
    names = rows.table.column_names
    plain = Counter(plain_name(name) for name in names)
    found = {
        name: plain_name(name)
        for name in names
        if plain_name(name) != name and plain_name(name) in known and plain[plain_name(name)] == 1
    }
    of = {plain_name(name): name for name in names}
    pair = next((pair for pair in CHOSEN if pair[0] in of and pair[1] in of), None)
    if pair is not None and pair != ("chosen", "rejected") and not {"response_a", "response_b"} & set(of):
        found |= {of[pair[0]]: "chosen", of[pair[1]]: "rejected"}
    found = {own: name for own, name in found.items() if own != name}
    if not found:
        return False
    listed = ", ".join(f"'{rows.source_column(own)}' as {name}" for own, name in found.items())
    rows.rename(found)
    rows.notes.append(f"Columns are read under other names: {listed}.")
    return True
