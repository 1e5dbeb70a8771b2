"""Columns that name the worse of two answers: read as a label, each of their votes would be for the wrong answer."""

from __future__ import annotations

from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.labels import LABELS, label_key, word_meaning
from votewise.sources.meanings.result_columns import answer_columns, by_names, label_columns, names_loser, names_sides
from votewise.sources.option_words import column_option, label_option
from votewise.sources.rows import Rows
from votewise.sources.values import decoded

SAMPLE = 10_000
SWAPPED = {"a": "b", "b": "a"}


def refuse_losers(rows: Rows) -> None:
    """Refuse a table whose only verdict names the worse answer, with the options that read it; where no format fits."""
    answers = answer_columns(rows.head)
    if answers is None or label_columns(rows.head):
        return
    name = next((n for n in rows.table.column_names if names_loser(plain_name(n)) and names_sides(rows.head, n)), None)
    if name is None:
        return
    own = rows.source_column(name)
    known = LABELS | by_names(*answers)
    values = {str(value) for value in decoded(rows.head.select([name]).slice(0, SAMPLE), name) if value is not None}
    meant = {
        value: SWAPPED[side] for value in sorted(values) if (side := word_meaning(label_key(value), known)) in SWAPPED
    }
    swapped = " ".join(label_option(value, meaning) for value, meaning in meant.items())
    raise rows.fail(
        "names the worse answer of each row",
        column=name,
        expected=f"{column_option('label', own)} {swapped}, which turns it into the better one"
        if meant
        else "a column that names the better one",
    )
