"""A column that says which split of a data set each row is in: one split is read, as of folders with several."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.errors import many
from votewise.sources.cells import is_string
from votewise.sources.containers.splits import KNOWN, choose_split
from votewise.sources.containers.stand_in_type import is_in_files
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.meanings.label_words import label_key
from votewise.sources.meanings.no_votes import FALSE, TRUE
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows

NAMES = ("split", "data_split", "dataset_split", "partition", "subset", "fold", "phase", "usage", "aufteilung")
OF_TEST = re.compile(
    r"(is|in)_(the_)?(test|validation|valid|val|eval|dev|held_?out|hold_?out)(_?(split|set))?|(held|hold)_?out"
)
"""Names of marks of rows that are in no training data."""
SPLIT = re.compile(
    r"(train(ing)?|test(ing)?|val(id(ation)?)?|dev(elopment)?|eval(uation)?|heldout|held_out)[_-]?\w{0,12}"
)
"""What splits are called; the rest tells several apart: valid2, test_prefs."""


def read_one_split(rows: Rows) -> None:
    """Leave out the rows of other splits than the one that was asked for, or ``train``, and say so in a note.

    Raises:
        BadInputError: there are several splits, and none of them is ``train`` or was asked for.
    """
    _refuse_marks(rows)
    for name, splits in _columns(rows).items():
        column = rows.table.column(name)
        chosen, _ = choose_split(splits, rows.split, rows.source.name)
        out = ~np.asarray(
            pc.fill_null(pc.equal(column, pa.scalar(chosen, column.type)), False).to_numpy(zero_copy_only=False), bool
        )
        left = int((out & rows.ok).sum())
        rows.use(name, "split")
        rows.ok &= ~out
        rows.no_votes += left
        own = rows.source_column(name)
        rows.notes.append(split_note(own, chosen, left))


def _columns(rows: Rows) -> dict[str, list[str]]:
    """Columns of splits with their values: by their names, else all whose values are nothing but words for splits."""
    schema = rows.table.schema
    texts = [n for n in rows.table.column_names if is_string(rows.type_of(n)) and n not in rows.renames]
    named = {n: values for n in texts if plain_name(n) in NAMES and are_splits(values := _values(rows.table, n))}
    if named:
        return named
    here = [name for name in texts if not is_in_files(schema.field(name)) and _all_known(_values(rows.head, name))]
    every = {name: _values(rows.table, name) for name in here}
    return {name: values for name, values in every.items() if len(values) > 1 and _all_known(values)}


def _values(table: pa.Table, name: str) -> list[str]:
    return [value for value in pc.unique(table.column(name)).to_pylist() if value]


def _all_known(values: Sequence[str]) -> bool:
    return bool(values) and all(value.casefold() in KNOWN for value in values)


def _refuse_marks(rows: Rows) -> None:
    """Refuse a column such as ``is_test`` that is true in some rows only."""
    for name in rows.table.column_names:
        if name in rows.renames or not OF_TEST.fullmatch(plain_name(name)) or pa.types.is_nested(rows.type_of(name)):
            continue
        values = {label_key(str(v)) for v in pc.unique(rows.table.column(name)).to_pylist() if v is not None}
        if values & TRUE and values & FALSE and values <= TRUE | FALSE:
            own = rows.source_column(name)
            raise rows.fail(
                "may say which rows are of another split",
                column=name,
                expected=f"a file of one split; or {column_option(own, '')} to read all rows",
            )


def split_note(column: str, chosen: str, left: int) -> str:
    """What to say about a column by which one split is read and ``left`` rows are left out."""
    return (
        f"By the column '{column}', the split '{chosen}' is read, without {many(left, 'row')} of others; "
        f"--split chooses another one, {column_option(column, '')} reads all."
    )


def are_splits(values: Sequence[str]) -> bool:
    """Whether the different values of a column are names of several splits."""
    return len(values) > 1 and all(SPLIT.fullmatch(value.casefold()) for value in values)
