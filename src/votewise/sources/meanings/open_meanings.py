"""Columns that change what a row means, and that nobody read: a criterion, a number of votes, several people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.data.votes import UNKNOWN
from votewise.errors import BadInputError
from votewise.sources.canonical import Canonical
from votewise.sources.cells import is_string
from votewise.sources.containers.stand_in_type import is_in_files
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.criteria import CRITERIA
from votewise.sources.meanings.out_words import SURELY_OUT, status_word
from votewise.sources.meanings.scores_as_votes import spells_numbers
from votewise.sources.meanings.unread_values import column_codes, unread
from votewise.sources.meanings.vote_columns import NAMES
from votewise.sources.option_words import column_option, criterion_option
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
    check_statuses_and_criteria(rows)
    for name in unread(rows):
        plain, own = plain_name(name), rows.source_column(name)
        if not canonical.one_per_row:
            continue
        if plain in COUNTS and _nobody_named(canonical) and _counts(rows, name):
            raise rows.fail(
                "may say how many votes each row stands for, and has no role",
                column=name,
                expected=f"{column_option('weight', own)} if it does, {column_option(own, '')} if each row is one vote",
            )
        if plain in NAMES and _nobody_named(canonical) and _several(rows, name):
            raise rows.fail(
                "names several people for the one label of a row",
                column=name,
                expected=f"their votes in a list, or one vote per row; {column_option(own, '')} reads the label as one vote",
            )


def check_statuses_and_criteria(rows: Rows) -> None:
    """Refuse votes by several criteria, and drafts under a name that does not say so.

    Raises:
        BadInputError: with the column and the options that say what it is.
    """
    for name in unread(rows):
        values, own = _values(rows, name), rows.source_column(name)
        nothing = int(rows.table.column(name).null_count > 0)
        if not 1 < len(values) + nothing <= MOST or not values:
            continue
        if plain_name(name) in CRITERIA and rows.criterion is None:
            raise several_criteria(rows.source.name, own, values)
        if _is_short(rows, name) and (error := says_out(rows.source.name, own, values)):
            raise error


def several_criteria(source: str, column: str, values: Sequence[str]) -> BadInputError:
    """The refusal of a column with several criteria."""
    return BadInputError(
        f"holds several criteria: {', '.join(values[:5])}",
        source=source,
        column=column,
        expected=f"one of them, say {criterion_option(values[0])}; or {column_option(column, '')} if all are one question",
    )


def says_out(source: str, column: str, values: Sequence[str]) -> BadInputError | None:
    """The refusal of a column that calls some rows no votes under a name that does not say so; None where it calls none."""
    out = [value for value in values if status_word(value) in SURELY_OUT]
    if not out:
        return None
    return BadInputError(
        f"says '{out[0]}' of some rows, and has no role",
        source=source,
        column=column,
        expected=f"{column_option('status', column)} if these are no votes, {column_option(column, '')} if they are",
    )


def _nobody_named(canonical: Canonical) -> bool:
    return bool(pc.all(pc.equal(canonical.table.column("annotator"), UNKNOWN)).as_py())


def _values(rows: Rows, name: str) -> list[str]:
    column = rows.table.column(name)
    if not is_string(rows.type_of(name)):
        return []
    left = rows.source.stand_ins
    if left is not None and is_in_files(rows.table.schema.field(name)):
        _, first = np.unique(column_codes(rows, name), return_index=True)
        if len(first) > MOST + 1:
            # So many long texts are neither criteria nor a status.
            return []
        column = left.files.take([rows.source_column(name)], np.sort(first)).column(0)
    return [value for value in pc.unique(column).to_pylist() if value]


def _is_short(rows: Rows, name: str) -> bool:
    """Whether values recur, as those of a status do."""
    return len(_values(rows, name)) <= max(2, len(rows) / 2)


def _counts(rows: Rows, name: str) -> bool:
    column = rows.table.column(name)
    if is_string(rows.type_of(name)) and spells_numbers(rows.head, name):
        column = pc.cast(pc.if_else(pc.equal(column, ""), None, column), pa.float64())
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return False
    numbers = [value for value in column.to_pylist() if value is not None]
    return bool(numbers) and all(value >= 0 and value == int(value) for value in numbers) and set(numbers) != {1}


def _several(rows: Rows, name: str) -> bool:
    kind = rows.type_of(name)
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return False
    return any(value is not None and len(value) > 1 for value in rows.peek(name))
