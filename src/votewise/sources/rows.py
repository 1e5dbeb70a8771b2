"""The rows of a source under the names a format knows, with checks on every value that is taken from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Bools, Floats
from votewise.errors import BadInputError
from votewise.sources.cells import TEXT, TIME, chunked, is_number, is_real, is_text, known, mask, scaled, seconds
from votewise.sources.opening import Source
from votewise.sources.values import decoded, is_marked


@dataclass(frozen=True)
class Bad:
    """Something unusable: the table's ``row`` (None where it never became one), what is wrong and what was expected."""

    row: int | None
    number: int
    column: str | None
    value: Any
    problem: str
    expected: str | None


class Rows:
    """The rows of a source, and the one place where unusable ones are noted.

    ``table`` has the format's column names; ``source.table`` keeps the source's own. With ``stop`` the first unusable
    value raises BadInputError; otherwise it is noted and its row left out (``ok`` is False there).
    """

    def __init__(self, source: Source, renames: Mapping[str, str] | None = None, *, stop: bool = True) -> None:
        self.source, self.stop = source, stop
        self.renames = dict(renames or {})
        self.table = _renamed(source, self.renames)
        self.ok: Bools = np.ones(len(self.table), bool)
        self.bad: list[Bad] = []
        for broken in source.broken:
            self._note(Bad(None, broken.number, broken.column, broken.text, broken.problem, broken.expected))

    def __len__(self) -> int:
        return len(self.table)

    def has(self, *names: str) -> bool:
        """Tell whether all these columns are there."""
        return set(names) <= set(self.table.column_names)

    def kept(self) -> npt.NDArray[np.int64]:
        """Give the indices of the rows that are still usable."""
        return np.flatnonzero(self.ok)

    # what is wrong

    def reject(
        self,
        row: int,
        problem: str,
        *,
        column: str | None = None,
        value: Any = None,
        expected: str | None = None,
        whole: bool = True,
    ) -> None:
        """Note an unusable row or, with ``whole=False``, one unusable vote in it."""
        if not self.ok[row]:
            return
        name = None if column is None else self.renames.get(column, column)
        self._note(Bad(row, self.source.number(row), name, value, problem, expected))
        if whole:
            self.ok[row] = False

    def reject_where(self, mask: Bools, problem: str, *, column: str, expected: str | None = None) -> None:
        """Note every row where ``mask`` holds; the value is the column's."""
        wrong = np.flatnonzero(mask & self.ok)
        if len(wrong) == 0:
            return
        part = self.table.select([column]).take(pa.array(wrong[:1] if self.stop else wrong))
        for row, value in zip(wrong.tolist(), decoded(part, column), strict=False):
            self.reject(row, problem, column=column, value=value, expected=expected)

    def _note(self, bad: Bad) -> None:
        if self.stop:
            raise BadInputError(
                bad.problem,
                expected=bad.expected,
                source=self.source.name,
                row=bad.number,
                column=bad.column,
                value=bad.value,
            )
        self.bad.append(bad)

    def fail(self, problem: str, *, column: str | None = None, expected: str | None = None) -> BadInputError:
        """Make the error for something wrong with the source as a whole."""
        name = None if column is None else self.renames.get(column, column)
        return BadInputError(problem, source=self.source.name, column=name, expected=expected)

    # values, one per row

    def values(self, name: str) -> list[Any]:
        """Take a column as Python objects, unchecked."""
        return decoded(self.table, name)

    def text(self, name: str, *, null: bool = False) -> pa.ChunkedArray:
        """Take a column of texts; rows with anything else are noted, as are nulls unless ``null``."""
        return self._strings(name, null=null, numbers=False)

    def identifier(self, name: str, *, null: bool = False) -> pa.ChunkedArray:
        """Take a column of names: texts or whole numbers, not empty unless ``null``."""
        found = self._strings(name, null=null, numbers=True)
        if not null:
            empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(found), ""), False)
            self.reject_where(mask(empty), "is empty", column=name, expected="a name")
        return found

    def annotator(self, name: str = "annotator") -> pa.ChunkedArray:
        """Take the column of annotators' names; one that is empty from top to bottom is an error of its own."""
        column = self.table.column(name)
        if column.null_count == len(column):
            n = len(column)
            raise self.fail(f"there are 0 annotators: the column is empty in all {n:,} rows", column=name)
        return self.identifier(name)

    def number(self, name: str) -> Floats:
        """Take a column of finite numbers, NaN where null; texts are read as numbers where all values are texts."""
        column, kind = self.table.column(name), self.table.schema.field(name).type
        if is_marked(self.table.schema.field(name)):
            items = self.values(name)
            right = [v is None or is_real(v) for v in items]
            self.reject_where(~np.array(right), "is no number", column=name, expected="a number")
            found = np.array([float(v) if r and v is not None else np.nan for v, r in zip(items, right, strict=True)])
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            found = self._parsed(name, float, "a number")
        elif pa.types.is_null(kind) or (is_number(kind)):
            found = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        else:
            self.reject_where(known(column), "is no number", column=name, expected="a number")
            found = np.full(len(column), np.nan)
        self.reject_where(known(column) & ~np.isfinite(found), "is not finite", column=name, expected="a finite number")
        return np.where(np.isfinite(found), found, np.nan)

    def moment(self, name: str) -> Floats:
        """Take a column of times as seconds since 1970, NaN where null.

        Read are timestamps, dates, ISO 8601 texts (UTC where no zone is given) and numbers: seconds since 1970, or
        milli-, micro- or nanoseconds where a number is too large for that.
        """
        column, kind = self.table.column(name), self.table.schema.field(name).type
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            unit = column.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
            micros = unit.cast(pa.int64()).cast(pa.float64(), safe=False)
            return np.asarray(micros.to_numpy(zero_copy_only=False) / 1e6, np.float64)
        if is_number(kind) or pa.types.is_null(kind):
            found = scaled(self.number(name))
            self.reject_where(known(column) & np.isnan(found), "cannot be read as a time", column=name, expected=TIME)
            return found
        if is_marked(self.table.schema.field(name)):
            found = np.array([seconds(v) for v in self.values(name)])
            wrong = known(column) & ~np.isfinite(found)
            self.reject_where(wrong, "cannot be read as a time", column=name, expected=TIME)
            return found
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return self._parsed(name, seconds, TIME, "cannot be read as a time")
        self.reject_where(known(column), "is no time", column=name, expected=TIME)
        return np.full(len(column), np.nan)

    def _parsed(self, name: str, parse: Callable[[str], float], expected: str, problem: str = "is no number") -> Floats:
        # Every distinct text is parsed once.
        coded = self.table.column(name).combine_chunks().dictionary_encode()
        values = np.empty(len(coded.dictionary) + 1)
        wrong = np.zeros(len(values), bool)
        for i, text in enumerate(coded.dictionary.to_pylist()):
            try:
                values[i] = parse(text)
            except ValueError:
                values[i], wrong[i] = 0.0, True
            if parse is seconds and not np.isfinite(values[i]):
                wrong[i] = True
        values[-1] = np.nan
        codes = pc.fill_null(coded.indices, len(values) - 1).to_numpy(zero_copy_only=False)
        self.reject_where(wrong[codes], problem, column=name, expected=expected)
        found: Floats = values[codes]
        return found

    def _strings(self, name: str, *, null: bool, numbers: bool) -> pa.ChunkedArray:
        column, kind = self.table.column(name), self.table.schema.field(name).type
        expected = "a text or a whole number" if numbers else "a text"
        if is_marked(self.table.schema.field(name)):
            items = self.values(name)
            right = [v is None or is_text(v) for v in items]
            self.reject_where(~np.array(right), "has another type than the others", column=name, expected="a text")
            column = chunked([v if r else None for v, r in zip(items, right, strict=True)])
        elif (
            pa.types.is_null(kind)
            or pa.types.is_string(kind)
            or pa.types.is_large_string(kind)
            or (numbers and pa.types.is_integer(kind))
        ):
            column = column.cast(TEXT)
        elif numbers and pa.types.is_floating(kind):
            # What pandas makes of whole numbers with gaps.
            floats = column.to_numpy(zero_copy_only=False)
            with np.errstate(invalid="ignore"):
                whole = np.isnan(floats) | ((floats == np.floor(floats)) & (np.abs(floats) < 2**53))
            self.reject_where(~whole, "is no name", column=name, expected=expected)
            column = pc.if_else(pa.array(whole & ~np.isnan(floats)), column, None).cast(pa.int64()).cast(TEXT)
        else:
            self.reject_where(known(column), "has the wrong type", column=name, expected=expected)
            column = chunked([None] * len(column))
        if not null:
            self.reject_where(~known(column), "is null", column=name, expected=expected)
        return column


def _renamed(source: Source, renames: Mapping[str, str]) -> pa.Table:
    table = source.table
    if len(set(renames.values())) < len(renames):
        raise BadInputError("columns takes one column under two names", source=source.name, expected="one name each")
    for name, own in renames.items():
        if own not in table.column_names:
            found = ", ".join(table.column_names)
            raise BadInputError(
                f"there is no column '{own}' to take as '{name}'", source=source.name, expected=f"one of: {found}"
            )
    # A column that another one takes the name of is out of the reader's sight, but stays in the source's table.
    columns = {own: name for name, own in renames.items()}
    keep = [c for c in table.column_names if c in columns or c not in renames]
    return table.select(keep).rename_columns([columns.get(c, c) for c in keep])
