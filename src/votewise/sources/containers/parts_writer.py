"""Parts of a source -> files in a folder, all of one schema in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from votewise.errors import BadInputError
from votewise.sources.containers.loaded import Broken, Loaded
from votewise.sources.containers.parts import MisfitError, common_schema, fitted
from votewise.sources.option_words import or_skip
from votewise.sources.values import is_marked

NUMBER = "votewise_row"
"""The column with the number that a row has in its file, from 1; with more underscores where the file has such a column."""


@dataclass(frozen=True)
class StagedFiles:
    """Text files as Parquet.

    Attributes:
        files: the Parquet files, all with the same columns, in the order of the rows.
        number: the column with the rows' numbers.
        broken: the rows that could not be parsed.
        marked: columns that hold JSON text, because their values have different types.
        notes: what to say about the way in which the files were read.
    """

    files: tuple[Path, ...]
    number: str
    broken: tuple[Broken, ...]
    marked: frozenset[str]
    notes: tuple[str, ...] = ()


class PartsWriter:
    """Writes parts one after the other; a new file begins where the types change.

    Args:
        folder: an existing folder for the files.
        name: what messages call the source.
        stop: raise at the first row that could not be parsed.
        kind: ``parquet``, or ``arrow``, which keeps all types of Arrow.
    """

    def __init__(self, folder: Path, name: str, *, stop: bool = False, kind: str = "parquet") -> None:
        self._folder, self._name, self._stop, self._number, self._kind = folder, name, stop, NUMBER, kind
        self._files: list[Path] = []
        self._schemas: list[pa.Schema] = []
        self._broken: list[Broken] = []
        self._notes: dict[str, None] = {}
        self._writer: Any = None
        self._rows, self._last = 0, 0
        self.begin_file()

    def begin_file(self) -> None:
        """The parts that come next are of another file."""
        self._close()
        self._before = (len(self._files), len(self._broken), self._rows, self._last)

    def take(self, parts: Iterator[Loaded]) -> None:
        """Write all parts of a file; where this is called again for the same file, the parts of before are forgotten."""
        self._close()
        files, broken, self._rows, self._last = self._before
        del self._files[files:], self._schemas[files:], self._broken[broken:]
        for part in parts:
            self._write(part, self._before[3])
        self._close()

    def finish(self, for_engine: bool) -> StagedFiles:
        """What was written, once all files have the same columns and types."""
        if self._rows == 0 and not self._broken:
            raise BadInputError("there are no rows", source=self._name, expected="at least one vote")
        as_json: set[str] = set()
        while True:
            schema = common_schema(self._schemas, as_json)
            schema = _without_nulls(schema) if for_engine else schema
            try:
                files = self._fitted(schema)
            except MisfitError as misfit:
                as_json.add(str(misfit))
            else:
                marked = frozenset(field.name for field in schema if is_marked(field))
                return StagedFiles(files, self._number, tuple(self._broken), marked, tuple(self._notes))

    def _write(self, part: Loaded, before: int) -> None:
        self._notes |= dict.fromkeys(part.notes)
        for row in part.broken:
            if self._stop:
                what, where = row.problem, {"source": self._name, "row": row.number + before, "column": row.column}
                raise BadInputError(what, expected=or_skip(row.expected), value=row.text, **where)  # type: ignore[arg-type]
            self._broken.append(replace(row, number=row.number + before))
        table = part.table
        self._check_names(table)
        numbers = np.asarray(part.numbers, np.int64) + before
        self._last = max(
            [self._last, *(int(number) for number in numbers[-1:]), *(row.number + before for row in part.broken)]
        )
        if len(table) == 0 and self._files:
            return
        self._rows += len(table)
        table = table.append_column(self._number, pa.array(numbers, pa.int64()))
        if self._writer is None or not table.schema.equals(self._schemas[-1], check_metadata=True):
            self._close()
            self._files.append(self._folder / f"{len(self._files):06}.{self._kind}")
            self._schemas.append(table.schema)
            self._writer = _writer(self._files[-1], table.schema, self._kind)
        self._writer.write_table(table)

    def _check_names(self, table: pa.Table) -> None:
        repeated = [column for column, count in Counter(table.column_names).items() if count > 1]
        if repeated:
            raise BadInputError(
                "several columns have this name", source=self._name, column=repeated[0], expected="one each"
            )
        while self._number in table.column_names:
            if self._files:
                raise BadInputError("is a name that votewise uses", source=self._name, column=self._number)
            self._number += "_"

    def _fitted(self, schema: pa.Schema) -> tuple[Path, ...]:
        fitting = []
        for file, own in zip(self._files, self._schemas, strict=True):
            if own.equals(schema, check_metadata=True):
                fitting.append(file)
                continue
            again = file.with_suffix(f".fitted.{self._kind}")
            with _writer(again, schema, self._kind) as writer:
                for part in _parts_in(file, self._kind):
                    writer.write_table(fitted(part, schema))
            fitting.append(again)
        return tuple(fitting)

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _writer(path: Path, schema: pa.Schema, kind: str) -> Any:
    if kind == "parquet":
        return pq.ParquetWriter(path, schema)
    return pa.ipc.new_file(str(path), schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))


def _parts_in(path: Path, kind: str) -> Iterator[pa.Table]:
    """What was written to a file, as it was written part by part."""
    if kind == "parquet":
        with pq.ParquetFile(path) as file:
            yield from (file.read_row_group(group) for group in range(file.num_row_groups))
        return
    with pa.OSFile(str(path)) as source:
        reader = pa.ipc.open_file(source)
        yield from (pa.Table.from_batches([reader.get_batch(i)]) for i in range(reader.num_record_batches))


def _without_nulls(schema: pa.Schema) -> pa.Schema:
    """Columns without any value as texts: an engine has no type for them."""
    return pa.schema([field.with_type(_with_values(field.type)) for field in schema])


def _with_values(kind: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_null(kind):
        return pa.large_string()
    if types.is_list(kind) or types.is_large_list(kind):
        make = pa.large_list if types.is_large_list(kind) else pa.list_
        return make(kind.value_field.with_type(_with_values(kind.value_type)))
    return pa.struct([field.with_type(_with_values(field.type)) for field in kind]) if types.is_struct(kind) else kind
