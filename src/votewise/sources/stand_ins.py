"""Large tables whose texts stay in their files: the readers get a stand-in of 16 bytes for every text.

Equal texts have equal stand-ins, and nothing else can be told from one. A stand-in is MD5 of a secret of this run and
the text: without the secret nobody can make two texts whose stand-ins are equal. A column is replaced only where none of
its texts spells a conversation, which a reader would parse. A reader that looks into texts raises ``TextsNeededError``,
and then the source is read whole.
"""

from __future__ import annotations

import glob
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from votewise.sources.cells import is_string
from votewise.sources.stand_in_type import DIGEST, StandInType, is_stand_in
from votewise.sources.table_files import TableFile, TableFiles
from votewise.sources.text_conversations import parsed_list, parsed_object
from votewise.sources.values import is_marked

LARGE = 64 << 20
"""Bytes of values from which on texts stay in their files."""

LONG = 48
"""Bytes from which on, in the mean, a text is replaced: a stand-in and what refers to it are not much shorter."""

HEAD = 2_000
"""Rows that are in memory with their texts, to recognise formats by."""

MOST_PARSED = 10_000
"""Texts of a column that begin like a list or an object and are parsed to see that they are none."""

MOST_BESIDE = 256 << 20
"""Bytes of lists and objects that may be in memory beside the texts."""

SPACE = r"[\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]"
LIKE_AN_OBJECT = rf"^{SPACE}*(\[|\{{|array\()"

MEMORY = "1500MB"


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
        distinct = texts.combine_chunks().dictionary_encode()
        table = pa.table({"x": distinct.dictionary})
        with _engine() as engine:
            engine.register("rows", table)
            found = engine.execute(f"SELECT {_stand_in('x', self.secret)} FROM rows").fetch_arrow_table().column(0)
        digests = pa.chunked_array([_digests(chunk) for chunk in found.chunks], DIGEST)
        return digests.take(distinct.indices)


def with_stand_ins(files: TableFiles) -> StandIns | None:
    """Replace the long texts of a table; None where the table is small, or where a reader may look into the texts."""
    names = files.schema.names
    if files.bytes < LARGE or len(files) == 0 or len({name.casefold() for name in names}) < len(names):
        return None
    head = files.head(HEAD)
    long = long_texts(files, head)
    others = [name for name in names if name not in long]
    if not long or sum(_mean(head, name) for name in others if not _flat(files, name)) * len(files) > MOST_BESIDE:
        return None
    secret = secrets.token_hex(16)
    hashed = _hashed(files, long, secret)
    if hashed is None:
        return None
    beside = files.table(others)
    beside.validate(full=True)
    columns = [hashed[name] if name in long else beside.column(name) for name in names]
    fields = [pa.field(name, StandInType()) if name in long else files.schema.field(name) for name in names]
    return StandIns(files, pa.Table.from_arrays(columns, schema=pa.schema(fields)), head, secret)


def long_texts(files: TableFiles, head: pa.Table) -> list[str]:
    """The columns of long texts, by the first rows."""
    texts = [field.name for field in files.schema if is_string(field.type) and not is_marked(field)]
    return [name for name in texts if _mean(head, name) >= LONG]


def part(schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    """Some of the columns."""
    return pa.schema([schema.field(name) for name in names])


def _hashed(files: TableFiles, columns: Sequence[str], secret: str) -> dict[str, pa.ChunkedArray] | None:
    """The stand-ins of these columns; None where a column may hold conversations or lists."""
    chunks: dict[str, list[pa.Array]] = {name: [] for name in columns}
    like: dict[str, int] = dict.fromkeys(columns, 0)
    with _engine() as engine:
        for file in files.files:
            own = [name for name in columns if name in file.schema.names]
            parts = [_stand_in(name, secret) for name in own]
            parts += [f"regexp_matches({_quoted(name)}, '{LIKE_AN_OBJECT}')" for name in own]
            found = _query(engine, file, own, f"SELECT {', '.join(parts)} FROM rows") if own else None
            if found is not None and len(found) != file.rows:
                return None
            for name in columns:
                if found is None or name not in own:
                    chunks[name].append(pa.nulls(file.rows, DIGEST))
                    continue
                place = own.index(name)
                chunks[name] += [_digests(chunk) for chunk in found.column(place).chunks]
                like[name] += _count_true(found.column(len(own) + place))
        for name, number in like.items():
            if number and (number >= min(len(files), MOST_PARSED) or _spells_objects(engine, files, name)):
                return None
    kind = StandInType()
    return {
        name: pa.chunked_array([pa.ExtensionArray.from_storage(kind, chunk) for chunk in found], kind)
        for name, found in chunks.items()
    }


def _stand_in(name: str, secret: str) -> str:
    return f"md5_number('{secret}' || {_quoted(name)})"


def _digests(numbers: pa.Array) -> pa.Array:
    """Numbers of 128 bits as DuckDB gives them, which are 16 bytes each."""
    found = numbers.storage if isinstance(numbers, pa.ExtensionArray) else numbers
    if found.type != DIGEST:
        raise ValueError(f"numbers of 128 bits came as {found.type}")
    return found


def _spells_objects(engine: Any, files: TableFiles, name: str) -> bool:
    """Whether some text of a column spells a conversation, or an object."""
    for file in files.files:
        if name not in file.schema.names:
            continue
        query = f"SELECT {_quoted(name)} FROM rows WHERE regexp_matches({_quoted(name)}, '{LIKE_AN_OBJECT}')"
        found = _query(engine, file, [name], query)
        if any(parsed_list(text) is not None or parsed_object(text) for text in found.column(0).to_pylist()):
            return True
    return False


def _query(engine: Any, file: TableFile, columns: Sequence[str], query: str) -> pa.Table:
    """Run a query over the ``rows`` of a file."""
    import duckdb

    if file.kind == "parquet":
        path = glob.escape(str(file.path)).replace("'", "''")
        try:
            return engine.execute(query.replace(" FROM rows", f" FROM read_parquet('{path}')")).fetch_arrow_table()
        except duckdb.OutOfMemoryException:
            # The file's pages are so large that several cannot be open at once.
            pass
    schema = pa.schema([file.schema.field(name) for name in columns])
    batches = (batch for table in file.batches(columns, None) for batch in table.cast(schema).to_batches())
    engine.register("rows", pa.RecordBatchReader.from_batches(schema, batches))
    try:
        return engine.execute(query).fetch_arrow_table()
    finally:
        engine.unregister("rows")


@contextmanager
def _engine() -> Iterator[Any]:
    import duckdb

    with tempfile.TemporaryDirectory(prefix="votewise-") as spill:
        engine = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": spill})
        try:
            yield engine
        finally:
            engine.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _count_true(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column).as_py() or 0)


def _mean(head: pa.Table, name: str) -> float:
    """Bytes of a value, in the mean."""
    return float(head.column(name).nbytes) / max(len(head), 1)


def _flat(files: TableFiles, name: str) -> bool:
    field = files.schema.field(name)
    return not pa.types.is_nested(field.type) and not is_marked(field)
