"""Prompts and responses that were made of a source's values, written to Parquet files in a temporary folder as they come.

What stays in memory is a digest for each of them: texts have the digests that stand-ins have, conversations those of their
JSON. A column holds texts, or conversations throughout; what was written before that was known is written
again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from votewise.data.identity import text_keys
from votewise.sources.containers.hashing import stand_ins_of
from votewise.sources.containers.stand_in_type import DIGEST
from votewise.sources.containers.table_files import TableFiles
from votewise.sources.containers.temporary import TemporaryFolder
from votewise.sources.texts.message_types import TEXT, as_kind, common_kind

ROLES = {"prompt": "user", "response_a": "assistant", "response_b": "assistant"}


@dataclass(frozen=True)
class StagedTexts:
    """Where the texts are, and what is known of them.

    Attributes:
        files: their rows; ``files.kept`` keeps the folder while somebody uses it.
        digests: the columns' digests, equal where the values are; null where these are.
        said: the columns that hold something else than nulls and empty texts.
        per_vote: whether the rows are votes; otherwise they are the rows of the source.
    """

    files: TableFiles
    digests: Mapping[str, pa.ChunkedArray]
    said: frozenset[str]
    per_vote: bool = False

    def is_text(self, name: str) -> bool:
        """Whether a column holds texts, not conversations."""
        return bool(self.files.schema.field(name).type == TEXT)

    def without(self, names: Collection[str]) -> StagedTexts:
        """The same without some of the columns."""
        kept = {name: column for name, column in self.digests.items() if name not in names}
        return StagedTexts(self.files, kept, self.said - set(names), self.per_vote)


class TextsWriter:
    """Writes prompts and responses some rows at a time, and makes the digests of them.

    Args:
        secret: what digests are made with.
    """

    def __init__(self, secret: str) -> None:
        self._secret, self._folder = secret, TemporaryFolder()
        self._files: list[Path] = []
        self._schemas: list[pa.Schema] = []
        self._digests: list[list[pa.Table]] = []
        self._said: set[str] = set()
        self._writer: pq.ParquetWriter | None = None

    def write(self, columns: Mapping[str, Any]) -> None:
        """Write the columns of some rows: ``prompt``, ``response_a``, ``response_b`` and others, which are texts.

        Raises:
            NoRoomError: the disk is full.
        """
        arrays = {name: _whole(column) for name, column in columns.items()}
        table = pa.table({name: _as(name, array, common_kind([array.type])) for name, array in arrays.items()})
        with self._folder.writing():
            if self._writer is None or not table.schema.equals(self._schemas[-1]):
                self._close()
                self._files.append(self._folder.path / f"{len(self._files):06}.parquet")
                self._schemas.append(table.schema)
                self._digests.append([])
                self._writer = pq.ParquetWriter(self._files[-1], table.schema)
            self._writer.write_table(table)
        self._digests[-1].append(self._of(table))
        self._said |= {name for name in table.column_names if _says_something(table.column(name))}

    def finish(self, *, per_vote: bool = False) -> StagedTexts:
        """What was written, in columns of one type each."""
        with self._folder.writing():
            self._close()
        names = dict.fromkeys(name for schema in self._schemas for name in schema.names)
        kinds = {name: common_kind([s.field(name).type for s in self._schemas if name in s.names]) for name in names}
        schema = pa.schema(list(kinds.items()))
        for i, own in enumerate(self._schemas):
            if not own.equals(schema):
                with self._folder.writing():
                    self._write_again(i, schema)
        tables = [table for tables in self._digests for table in tables]
        digests = {name: pa.chunked_array([c for t in tables for c in t.column(name).chunks], DIGEST) for name in names}
        files = TableFiles.of(self._files, "parquet")
        return StagedTexts(TableFiles(files.files, schema, self._folder), digests, frozenset(self._said), per_vote)

    def _write_again(self, i: int, schema: pa.Schema) -> None:
        """Write a file with the types of all files."""
        again = self._files[i].with_suffix(".fitted.parquet")
        self._digests[i] = []
        with pq.ParquetFile(self._files[i]) as parts, pq.ParquetWriter(again, schema) as writer:
            for batch in parts.iter_batches(10_000):
                here = batch.schema.names
                found = {
                    field.name: _as(field.name, batch.column(field.name), field.type)
                    if field.name in here
                    else pa.nulls(len(batch), field.type)
                    for field in schema
                }
                table = pa.table(found, schema=schema)
                writer.write_table(table)
                self._digests[i].append(self._of(table))
        self._files[i].unlink()
        self._files[i] = again

    def _of(self, table: pa.Table) -> pa.Table:
        found: dict[str, pa.ChunkedArray] = {}
        talks = [name for name in table.column_names if table.schema.field(name).type != TEXT]
        texts = [name for name in table.column_names if name not in talks]
        # No conversation has the digest of a text, not even of the text that spells it.
        for names, secret in ((texts, self._secret), (talks, f"{self._secret} conversation")):
            chunks = [chunk for name in names for chunk in text_keys(table.column(name)).chunks]
            if names:
                digests = stand_ins_of(pa.chunked_array(chunks, TEXT), secret)
                found |= {name: digests.slice(i * len(table), len(table)) for i, name in enumerate(names)}
        return pa.table({name: found[name] for name in table.column_names})

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _whole(column: Any) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column


def _as(name: str, array: pa.Array, kind: pa.DataType) -> pa.Array:
    return as_kind(array, kind, ROLES.get(name, ""))


def _says_something(column: pa.ChunkedArray) -> bool:
    if column.type != TEXT:
        return bool(column.null_count < len(column))
    return bool(pc.any(pc.greater(pc.utf8_length(column), 0)).as_py())
