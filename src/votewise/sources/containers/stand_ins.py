"""Large tables whose texts stay in their files: the readers get a stand-in of 16 bytes for every text.

Equal texts have equal stand-ins, and nothing else can be told from one. A stand-in is MD5 of a secret of this run and
the text: without the secret nobody can make two texts whose stand-ins are equal. A column is replaced only where none of
its texts spells a conversation, which a reader would parse. A reader that looks into texts raises ``TextsNeededError``,
and then the source is read whole.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.sources.cells import is_string
from votewise.sources.containers.hashing import hashed_texts, stand_ins_of
from votewise.sources.containers.stand_in_type import StandInType, is_stand_in
from votewise.sources.containers.table_files import TableFiles
from votewise.sources.values import is_marked

LARGE = 64 << 20
"""Bytes of values from which on texts stay in their files."""

LONG = 48
"""Bytes from which on, in the mean, a text is replaced: a stand-in and what refers to it are not much shorter."""

HEAD = 2_000
"""Rows that are in memory with their texts, to recognise formats by."""

MOST_BESIDE = 256 << 20
"""Bytes of lists and objects that may be in memory beside the texts."""


@dataclass(frozen=True)
class StandIns:
    """A table with stand-ins.

    Attributes:
        files: where the texts are.
        table: all columns, those of long texts with stand-ins.
        head: the first rows with their texts.
        secret: what stand-ins are made with.
    """

    files: TableFiles
    table: pa.Table
    head: pa.Table
    secret: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of stand-ins."""
        return tuple(field.name for field in self.table.schema if is_stand_in(field))

    def with_texts(self, table: pa.Table, rows: npt.NDArray[np.int64]) -> pa.Table:
        """These rows of the table with their texts."""
        texts = self.files.take(self.columns, rows)
        columns = [(texts if name in texts.column_names else table).column(name) for name in self.table.column_names]
        return pa.Table.from_arrays(columns, schema=self.files.schema)

    def of(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """The stand-ins of other texts, to compare them with those of the table."""
        return stand_ins_of(texts, self.secret)


def with_stand_ins(files: TableFiles) -> StandIns | None:
    """Replace the long texts of a table; None where the table is small, or where a reader may look into the texts."""
    names = files.schema.names
    if files.bytes < LARGE or len(files) == 0 or len({name.casefold() for name in names}) < len(names):
        return None
    long = long_texts(files)
    others = [name for name in names if name not in long]
    if not long or sum(files.size(name) for name in others if not _flat(files, name)) > MOST_BESIDE:
        return None
    secret = secrets.token_hex(16)
    hashed = hashed_texts(files, long, secret, HEAD)
    if hashed is None:
        return None
    digests, first = hashed
    beside = files.table(others)
    beside.validate(full=True)
    columns = [digests[name] if name in long else beside.column(name) for name in names]
    fields = [pa.field(name, StandInType()) if name in long else files.schema.field(name) for name in names]
    head = [(first if name in long else beside.slice(0, HEAD)).column(name) for name in names]
    table = pa.Table.from_arrays(columns, schema=pa.schema(fields))
    return StandIns(files, table, pa.Table.from_arrays(head, schema=files.schema), secret)


def long_texts(files: TableFiles) -> list[str]:
    """The columns of long texts."""
    texts = [field.name for field in files.schema if is_string(field.type) and not is_marked(field)]
    long = {name for name in texts if files.size(name) >= LONG * len(files) and len(files) > HEAD}
    # Parquet may keep a text that occurs again and again once.
    head = files.head([name for name in texts if name not in long], HEAD)
    long |= {name for name in head.column_names if head.column(name).nbytes >= LONG * max(len(head), 1)}
    return [name for name in texts if name in long]


def part(schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    """Some of the columns."""
    return pa.schema([schema.field(name) for name in names])


def _flat(files: TableFiles, name: str) -> bool:
    field = files.schema.field(name)
    return not pa.types.is_nested(field.type) and not is_marked(field)
