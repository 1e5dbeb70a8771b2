"""A column that says which split of a data set each row is in: one split is read, as of folders with several."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.errors import many
from votewise.sources.cells import is_string
from votewise.sources.containers.splits import choose_split
from votewise.sources.meanings.column_names import plain_name
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows

NAMES = ("split", "data_split", "dataset_split", "partition")
SPLIT = re.compile(
    r"(train(ing)?|test(ing)?|val(id(ation)?)?|dev(elopment)?|eval(uation)?|heldout|held_out)[_-]?\w{0,12}"
)
"""What splits are called; the rest tells several apart: valid2, test_prefs."""


def read_one_split(rows: Rows) -> None:
    """Leave out the rows of other splits than the one that was asked for, or ``train``, and say so in a note.

    Raises:
        BadInputError: there are several splits, and none of them is ``train`` or was asked for.
    """
    for name in rows.table.column_names:
        if plain_name(name) not in NAMES or not is_string(rows.type_of(name)) or name in rows.renames:
            continue
        column = rows.table.column(name)
        splits = [value for value in pc.unique(column).to_pylist() if value]
        if not are_splits(splits):
            continue
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


def split_note(column: str, chosen: str, left: int) -> str:
    """What to say about a column by which one split is read and ``left`` rows are left out."""
    return (
        f"By the column '{column}', the split '{chosen}' is read, without {many(left, 'row')} of others; "
        f"--split chooses another one, {column_option(column, '')} reads all."
    )


def are_splits(values: Sequence[str]) -> bool:
    """Whether the different values of a column are names of several splits."""
    return len(values) > 1 and all(SPLIT.fullmatch(value.casefold()) for value in values)
