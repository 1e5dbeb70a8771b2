"""Columns that change what a row means, and that nobody read: a criterion, a number of votes, several people."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from votewise.data.votes import UNKNOWN
from votewise.sources.canonical import Canonical
from votewise.sources.cells import is_string
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.criteria import CRITERIA
from votewise.sources.meanings.scores_as_votes import spells_numbers
from votewise.sources.meanings.unread import unread
from votewise.sources.meanings.vote_columns import NAMES
from votewise.sources.rows import Rows

COUNTS = (
    "count", "counts", "n", "n_votes", "num_votes", "vote_count", "votes", "number_of_votes", "frequency", "freq",
    "n_annotators", "num_annotators", "n_raters", "num_raters", "n_judges",
)  # fmt: skip
"""Names of columns that say how many votes a row stands for."""
MOST = 50
"""Values of a column of criteria."""


def check_meanings(rows: Rows, canonical: Canonical) -> None:
    """Refuse votes by several criteria, rows that stand for several votes, and labels of several people.

    Raises:
        BadInputError: with the column and the options that say what it is.
    """
    for name in unread(rows):
        plain, own = plain_name(name), rows.source_column(name)
        if plain in CRITERIA and rows.criterion is None:
            values = _values(rows, name)
            if 1 < len(values) <= MOST:
                raise rows.fail(
                    f"holds several criteria: {', '.join(values[:5])}",
                    column=name,
                    expected=f"one of them, say --criterion '{values[0]}'; or --columns {own}= if all are one question",
                )
        if not canonical.one_per_row:
            continue
        if plain in COUNTS and _nobody_named(canonical) and _counts(rows, name):
            raise rows.fail(
                "may say how many votes each row stands for, and has no role",
                column=name,
                expected=f"--columns weight={own} if it does, --columns {own}= if each row is one vote",
            )
        if plain in NAMES and _nobody_named(canonical) and _several(rows, name):
            raise rows.fail(
                "names several people for the one label of a row",
                column=name,
                expected=f"their votes in a list, or one vote per row; --columns {own}= reads the label as one vote",
            )


def _nobody_named(canonical: Canonical) -> bool:
    return bool(pc.all(pc.equal(canonical.table.column("annotator"), UNKNOWN)).as_py())


def _values(rows: Rows, name: str) -> list[str]:
    column = rows.table.column(name)
    if not is_string(column.type):
        return []
    return [value for value in pc.unique(column).to_pylist() if value]


def _counts(rows: Rows, name: str) -> bool:
    column = rows.table.column(name)
    if is_string(column.type) and spells_numbers(rows.head, name):
        column = pc.cast(pc.if_else(pc.equal(column, ""), None, column), pa.float64())
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return False
    numbers = [value for value in column.to_pylist() if value is not None]
    return bool(numbers) and all(value >= 0 and value == int(value) for value in numbers) and set(numbers) != {1}


def _several(rows: Rows, name: str) -> bool:
    kind = rows.table.schema.field(name).type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return False
    return any(value is not None and len(value) > 1 for value in rows.table.column(name).to_pylist())
