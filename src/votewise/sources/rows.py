"""The columns of a source as typed values, one per row, with a check on every value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Floats
from votewise.errors import many
from votewise.sources.cells import (
    TEXT,
    TIME,
    chunked,
    decimal_names,
    is_number,
    is_real,
    is_string,
    is_text,
    known,
    mask,
    parsed,
    scaled,
    seconds,
    timestamps,
    whole_numbers,
    written_values,
)
from votewise.sources.containers.opening import Source
from votewise.sources.containers.stand_in_type import TextsNeededError, digests, is_in_files, is_stand_in, original_type
from votewise.sources.dates import moments
from votewise.sources.usable import UsableRows
from votewise.sources.values import decoded, is_marked


class Rows(UsableRows):
    """The rows of a source with methods that take columns as texts, names, numbers or times, and note what is neither."""

    def beginning(self) -> Rows:
        """The first rows as a source of their own, with their texts; these rows where no texts are left in files."""
        if self.source.stand_ins is None:
            return self
        names = self.renames | dict.fromkeys(self.set_aside, "")
        first = Source(self.source.name, self.source.head)
        return Rows(first, names, stop=self.stop, labels=self.labels, criterion=self.criterion)

    def values(self, name: str) -> Sequence[Any]:
        """Take a column as Python objects, unchecked; where it is left in files, some of them are in memory at a time."""
        self.use(name)
        return self.peek(name)

    def peek(self, name: str) -> Sequence[Any]:
        """The same, without taking the column: to decide what it holds."""
        left = self.source.stand_ins
        if left is not None and is_in_files(self.table.schema.field(name)):
            return left.values(self.source_column(name))
        return decoded(self.table, name)

    def type_of(self, name: str) -> pa.DataType:
        """The type of a column's values, wherever they are."""
        return original_type(self.table.schema.field(name))

    def text(self, name: str, *, null: bool = False, stand_ins: bool = False) -> pa.ChunkedArray:
        """Take a column of texts; rows with anything else are noted, as are nulls unless ``null``.

        With ``stand_ins`` the column may come as stand-ins, which say only which texts are equal.
        """
        if stand_ins and is_stand_in(self.table.schema.field(name)):
            self.use(name)
            column = digests(self.table.column(name))
            if not null:
                self.reject_where(~known(column), "is null", column=name, expected="a text")
            return column
        return self._strings(name, null=null, numbers=False)

    def identifier(self, name: str, *, null: bool = False) -> pa.ChunkedArray:
        """Take a column of names: texts or whole numbers, not empty unless ``null``."""
        found = self._strings(name, null=null, numbers=True)
        if not null:
            empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(found), ""), False)
            self.reject_where(mask(empty), "is empty", column=name, expected="a name")
        return found

    def labels_in(self, name: str, *, null: bool = False) -> pa.ChunkedArray:
        """Take a column of labels: names, and also fractions and truth values, which ``--label`` may give a meaning."""
        field = self.table.schema.field(name)
        if is_marked(field) or not (pa.types.is_floating(field.type) or pa.types.is_boolean(field.type)):
            return self.identifier(name, null=null)
        self.use(name)
        column = self.table.column(name)
        if not null:
            self.reject_where(~known(column), "is null", column=name, expected="a label")
        return written_values(column)

    def annotator(self, name: str = "annotator") -> pa.ChunkedArray:
        """Take the column of annotators' names; a column that is empty in all rows is an error of its own."""
        column = self.table.column(name)
        if column.null_count == len(column):
            n = len(column)
            raise self.fail(f"there are 0 annotators: the column is empty in all {many(n, 'row')}", column=name)
        return self.identifier(name)

    def number(self, name: str, *, nan: bool = False) -> Floats:
        """Take a column of finite numbers, NaN where null; texts are read as numbers where all values are texts.

        With ``nan`` a NaN in the source is as good as a null.
        """
        self.use(name)
        column, field = self.table.column(name), self.table.schema.field(name)
        _refuse_texts_in_files(field)
        if is_marked(field):
            items = self.values(name)
            right = [v is None or is_real(v) for v in items]
            self.reject_where(~np.array(right), "is not a number", column=name, expected="a number")
            found = np.array([float(v) if r and v is not None else np.nan for v, r in zip(items, right, strict=True)])
        elif is_string(field.type):
            found, wrong = parsed(column, float)
            self.reject_where(wrong, "is not a number", column=name, expected="a number")
        elif pa.types.is_null(field.type) or is_number(field.type):
            found = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        else:
            self.reject_where(known(column), "is not a number", column=name, expected="a number")
            found = np.full(len(column), np.nan)
        wrong = np.isinf(found) if nan else ~np.isfinite(found)
        self.reject_where(known(column) & wrong, "is not finite", column=name, expected="a finite number")
        return np.where(np.isfinite(found), found, np.nan)

    def moment(self, name: str) -> Floats:
        """Take a column of times as seconds since 1970, NaN where null.

        Accepted are timestamps, dates, ISO 8601 texts (UTC where no zone is given) and numbers: seconds since 1970, or
        milli-, micro- or nanoseconds where a number is too large for that; also dates such as 5/13/2026 (see ``dates``).
        """
        self.use(name)
        column, field = self.table.column(name), self.table.schema.field(name)
        problem = "cannot be read as a time"
        _refuse_texts_in_files(field)
        if pa.types.is_timestamp(field.type) or pa.types.is_date(field.type):
            return timestamps(column)
        if is_number(field.type) or pa.types.is_null(field.type):
            found = scaled(self.number(name))
            wrong = known(column) & np.isnan(found)
        elif is_marked(field):
            found = np.array([seconds(v) for v in self.values(name)])
            wrong = known(column) & ~np.isfinite(found)
        elif is_string(field.type):
            read = moments(column)
            found, wrong = read.seconds, read.wrong
            if read.order is not None:
                own = self.source_column(name)
                note = f"Dates in '{own}' are read with the {read.order} first, as days after the 12th show."
                self.notes += [note] if note not in self.notes else []
        else:
            found, wrong, problem = np.full(len(column), np.nan), known(column), "is not a time"
        self.reject_where(wrong, problem, column=name, expected=TIME)
        return found

    def _strings(self, name: str, *, null: bool, numbers: bool) -> pa.ChunkedArray:
        self.use(name)
        column, field = self.table.column(name), self.table.schema.field(name)
        _refuse_texts_in_files(field)
        expected = "a text or a whole number" if numbers else "a text"
        if is_marked(field):
            items = self.values(name)
            if numbers and all(type(v) in (int, type(None)) for v in items):
                # Whole numbers that no type of Arrow's holds.
                items = [None if v is None else str(v) for v in items]
            right = [v is None or is_text(v) for v in items]
            halves = any(isinstance(v, str) and not r for v, r in zip(items, right, strict=True))
            problem = "has a different type than the others" + (": half of a surrogate pair" if halves else "")
            self.reject_where(~np.array(right), problem, column=name, expected="a text")
            column = chunked([v if r else None for v, r in zip(items, right, strict=True)])
        elif is_string(field.type) or pa.types.is_null(field.type) or (numbers and pa.types.is_integer(field.type)):
            column = column.cast(TEXT)
        elif numbers and pa.types.is_floating(field.type):
            column, whole = whole_numbers(column)
            self.reject_where(~whole, "is not a name", column=name, expected=expected)
        elif numbers and pa.types.is_decimal(field.type):
            column, whole = decimal_names(column)
            self.reject_where(~whole, "is not a name", column=name, expected=expected)
        else:
            self.reject_where(known(column), "has the wrong type", column=name, expected=expected)
            column = chunked([None] * len(column))
        if not null:
            self.reject_where(~known(column), "is null", column=name, expected=expected)
        return column


def _refuse_texts_in_files(field: pa.Field) -> None:
    """Texts that are names, numbers or times are needed all at once; lists and objects are none, wherever they are."""
    if is_in_files(field) and (is_string(original_type(field)) and not is_marked(field)):
        raise TextsNeededError(field.name)
