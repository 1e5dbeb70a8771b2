"""Columns that name the worse of two answers: read as a label, each of their votes would be for the wrong answer."""

from __future__ import annotations

from collections.abc import Mapping

from votewise.errors import BadInputError
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.label_words import LABELS, label_key, word_meaning
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
    known = LABELS | by_names(*answers)
    raise names_worse(rows.source.name, rows.source_column(name), _values(rows, name), known, "label")


def check_label(rows: Rows) -> None:
    """Refuse a column that the user takes as the label and whose name says that it names the worse answer.

    Raises:
        BadInputError: with the options that say what its values mean, either way.
    """
    own = rows.renames.get("label")
    if own is None or not names_loser(plain_name(own)):
        return
    values = _values(rows, "label")
    if not {label_key(value) for value in values} & set(rows.labels):
        answers = answer_columns(rows.head)
        raise names_worse(rows.source.name, own, values, LABELS | (by_names(*answers) if answers else {}), "label")


def names_worse(source: str, own: str, values: set[str], known: Mapping[str, str], role: str) -> BadInputError:
    """The refusal of a column that names the worse answer, with the options that turn it into the better one.

    Args:
        source: the source's name.
        own: the column's name in it.
        values: what the column holds.
        known: what values mean.
        role: what the column would be: ``label`` or ``winner``.
    """
    meant = {v: SWAPPED[side] for v in sorted(values) if (side := word_meaning(label_key(v), known)) in SWAPPED}
    swapped = " ".join(label_option(value, meaning) for value, meaning in meant.items())
    return BadInputError(
        "is called like a column that names the worse answer",
        source=source,
        column=own,
        expected=f"{column_option(role, own)} {swapped}, which turns it into the better one; with their own meanings if it "
        "names the better one"
        if meant
        else "a column that names the better one",
    )


def _values(rows: Rows, name: str) -> set[str]:
    """The values of a column in the first rows."""
    return {str(value) for value in decoded(rows.head.select([name]).slice(0, SAMPLE), name) if value is not None}
