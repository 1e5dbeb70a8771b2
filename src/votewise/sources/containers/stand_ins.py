"""Large tables whose texts stay in their files: the readers get a stand-in of 24 bytes for every text.

Equal texts have equal stand-ins, and nothing else can be told from one. A stand-in is MD5 of the text, by which pairs
are named, with 64 bits of another hash of a secret of this run and the text: who makes two texts of equal MD5 does not
make their stand-ins equal. Lists, objects and texts that spell some, which readers look into, have no stand-ins: only
which of them are null is here, and readers take them some rows at a time (``values``, ``batches``). A reader that looks
into values in another way raises ``TextsNeededError``, and then the source is read whole.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools
from votewise.data.lazy_table import RowStore, as_type
from votewise.sources.cells import is_string
from votewise.sources.containers.hashing import hashed_texts, stand_ins_of
from votewise.sources.containers.left_values import LeftValues
from votewise.sources.containers.plain_types import has_categories
from votewise.sources.containers.stand_in_type import TextsNeededError, is_in_files, keyed_digests, left_column
from votewise.sources.containers.table_files import TableFiles
from votewise.sources.values import is_marked

LARGE = 64 << 20
"""Bytes of values from which on texts stay in their files."""

LONG = 48
"""Bytes from which on, in the mean, a value stays in its file: a stand-in and what refers to it are not much shorter."""

HEAD = 2_000
"""Rows that are in memory with their texts, to recognise formats by."""


class TextStore(RowStore, Protocol):
    """Rows with their texts, in files or in a database."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types of all columns."""
        ...

    def categories(self) -> pa.Table | None:
        """The columns of categories, as they are; None where there are none."""
        ...


@dataclass(frozen=True)
class StandIns:
    """A table with stand-ins.

    Attributes:
        files: where the texts are.
        table: all columns, those of long texts with stand-ins, those of other long values with their nulls alone.
        head: the first rows with their texts.
        secret: what stand-ins are made with.
        in_database: whether the texts are in a database, which made the stand-ins; results hold these instead of the texts.
    """

    files: TextStore
    table: pa.Table
    head: pa.Table
    secret: str
    in_database: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose values are in the files."""
        return tuple(field.name for field in self.table.schema if is_in_files(field))

    def values(self, name: str) -> LeftValues:
        """The values of a column in files, in the order of the rows, some of which are in memory at a time."""
        return LeftValues(self._in_files(), name)

    def batches(self, names: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """These columns of consecutive rows, as they are in the files, and the first row's place in the table."""
        start = 0
        for batch in self._in_files().batches(names):
            yield start, batch
            start += len(batch)

    def _in_files(self) -> TableFiles:
        """Raises TextsNeededError where the values are in a database: they would all be fetched."""
        if not isinstance(self.files, TableFiles):
            raise TextsNeededError
        return self.files

    def with_texts(self, table: pa.Table, rows: npt.NDArray[np.int64]) -> pa.Table:
        """These rows of the table with their texts."""
        texts = self.files.take(self.columns, rows)
        columns = [(texts if name in texts.column_names else table).column(name) for name in self.table.column_names]
        return pa.Table.from_arrays(columns, schema=self.files.schema)

    def of(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """The stand-ins of other texts, to compare them with those of the table."""
        return (keyed_digests if self.in_database else stand_ins_of)(texts, self.secret)


def with_stand_ins(files: TableFiles) -> StandIns | None:
    """Replace the long texts of a table; None where the table is small, or where a reader may look into the texts."""
    names = files.schema.names
    if files.bytes < LARGE or len(files) == 0 or len({name.casefold() for name in names}) < len(names):
        return None
    long, left = long_texts(files), long_values(files)
    if not long and not left:
        return None
    secret = secrets.token_hex(16)
    hashed = hashed_texts(files, long, secret, HEAD)
    if hashed is None:
        return None
    digests, first = hashed
    left += [name for name in long if name not in digests]
    nulls = _nulls(files, left)
    columns = {name: left_column(nulls[name], files.schema.field(name).type) for name in left} | digests
    beside = files.table([name for name in names if name not in columns])
    beside.validate(full=True)
    table = _together(files.schema, columns, beside)
    firsts = {field.name: first.column(field.name) for field in first.schema}
    begun = files.head([name for name in left if name not in firsts], HEAD)
    firsts |= {name: begun.column(name) for name in begun.column_names}
    head = _together(files.schema, firsts, beside.slice(0, HEAD))
    same = [as_type(head.column(field.name), field.type) for field in files.schema]
    head = pa.Table.from_arrays(same, schema=files.schema)
    return StandIns(files, table, head, secret)


def _together(schema: pa.Schema, columns: dict[str, pa.ChunkedArray], beside: pa.Table) -> pa.Table:
    """The columns of two places in their order, with the metadata of the schema."""
    found = [columns[name] if name in columns else beside.column(name) for name in schema.names]
    fields = [field.with_type(column.type) for field, column in zip(schema, found, strict=True)]
    return pa.Table.from_arrays(found, schema=pa.schema(fields, schema.metadata))


def _nulls(files: TableFiles, names: Sequence[str]) -> dict[str, Bools]:
    """Where columns are null; their values are checked on the way, so that they are safe to use."""
    found: dict[str, list[Bools]] = {name: [np.zeros(0, bool)] for name in names}
    for batch in files.batches(names) if names else ():
        batch.validate(full=True)
        for name in names:
            found[name].append(np.asarray(batch.column(name).is_null().to_numpy(zero_copy_only=False), bool))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def long_texts(files: TableFiles) -> list[str]:
    """The columns of long texts."""
    texts = [field.name for field in files.schema if is_string(field.type) and not is_marked(field)]
    typed = _of_categories(files)
    texts = [name for name in texts if name not in typed]
    long = {name for name in texts if files.size(name) >= LONG * len(files) and len(files) > HEAD}
    # Parquet may keep a text that occurs again and again once.
    head = files.head([name for name in texts if name not in long], HEAD)
    long |= {name for name in head.column_names if head.column(name).nbytes >= LONG * max(len(head), 1)}
    return [name for name in texts if name in long]


def long_values(files: TableFiles) -> list[str]:
    """The columns of long values that are no texts: lists, objects, and values of several types as JSON."""
    typed = _of_categories(files)
    nested = [field.name for field in files.schema if pa.types.is_nested(field.type) or is_marked(field)]
    nested = [name for name in nested if name not in typed]
    head = files.head(nested, HEAD)
    return [
        name
        for name in nested
        if max(files.size(name) // max(len(files), 1), head.column(name).nbytes // max(len(head), 1)) >= LONG
    ]


def _of_categories(files: TableFiles) -> set[str]:
    """The columns of categories, which are in memory: the few values that they have are written back as categories."""
    return {f.name for file in files.files for f in file.schema if has_categories(f.type)}


def part(schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    """Some of the columns."""
    return pa.schema([schema.field(name) for name in names])
