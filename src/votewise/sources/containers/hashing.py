"""Texts in files -> stand-ins, by a scan of an embedded DuckDB that brings nothing else into memory."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from votewise.data.identity import MD5_BYTES
from votewise.sources.containers.stand_in_type import DIGEST, StandInType
from votewise.sources.containers.table_file import RowsInPieces, TableFile
from votewise.sources.containers.table_files import TableFiles
from votewise.sources.texts.text_conversations import parsed_list, parsed_object
from votewise.storage.staging import temporary_folder

MOST_PARSED = 10_000
"""Texts of a column that begin like a list or an object and are parsed to see that they are none."""

SPACE = r"[\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]"
LIKE_AN_OBJECT = rf"^{SPACE}*(\[|\{{|array\()"

AT_ONCE = 3
"""Columns that are read at the same time."""

MEMORY = "1500MB"
NUMBER = "file_row_number"
"""DuckDB's name for the number of a row in a Parquet file."""


def stand_ins_of(texts: pa.ChunkedArray, secret: str) -> pa.ChunkedArray:
    """The stand-ins of texts in memory, as plain bytes."""
    distinct = texts.combine_chunks().dictionary_encode()
    with _engine() as engine:
        engine.register("rows", pa.table({"x": distinct.dictionary}))
        found = engine.sql(f"SELECT {_parts_of_stand_ins('x', secret)} FROM rows").to_arrow_table()
    return _stand_ins(found.column(0), found.column(1)).take(distinct.indices)


def hashed_texts(
    files: TableFiles, columns: Sequence[str], secret: str, head_rows: int
) -> tuple[dict[str, pa.ChunkedArray], pa.Table] | None:
    """The stand-ins of these columns, except of those that may hold conversations or objects, and the first rows of all.

    None where the rows of a file cannot be told.
    """
    chunks: dict[str, list[pa.Array]] = {name: [] for name in columns}
    like: dict[str, int] = dict.fromkeys(columns, 0)
    head: pa.Table | None = None
    with _engine() as engine:
        for i, file in enumerate(files.files):
            own = [name for name in columns if name in file.schema.names]
            # The first rows come along, where they can be told: to decode them alone takes as long as decoding many.
            numbered = (
                i == 0 and own == list(columns) and _has_numbers(file) and file.rows >= min(head_rows, len(files))
            )
            found = _hashed_columns(engine, file, own, secret, head_rows if numbered else 0)
            if any(len(column) != file.rows for column in found.values()):
                return None
            if numbered:
                head = pa.table({name: found[name].column(3).slice(0, head_rows) for name in own})
            for name in columns:
                if name not in found:
                    chunks[name].append(pa.nulls(file.rows, DIGEST))
                    continue
                md5, keyed, is_like = found[name].columns[:3]
                chunks[name] += _stand_ins(md5, keyed).chunks
                like[name] += int(pc.sum(is_like).as_py() or 0)
        for name, number in like.items():
            if number and (number >= min(len(files), MOST_PARSED) or _spells_objects(engine, files, name)):
                del chunks[name]
    kind = StandInType()
    digests = {
        name: pa.chunked_array([pa.ExtensionArray.from_storage(kind, chunk) for chunk in found], kind)
        for name, found in chunks.items()
    }
    schema = pa.schema([files.schema.field(name) for name in columns])
    return digests, files.head(columns, head_rows) if head is None else head.cast(schema).combine_chunks()


def _hashed_columns(
    engine: Any, file: RowsInPieces, columns: Sequence[str], secret: str, head_rows: int
) -> dict[str, pa.Table]:
    """For each column: MD5, keyed hash, whether the text is like an object, and the texts of the first rows, if any."""
    import duckdb

    def one(name: str) -> pa.Table:
        parts = [_parts_of_stand_ins(name, secret), f"regexp_matches({_quoted(name)}, '{LIKE_AN_OBJECT}')"]
        parts += [f"CASE WHEN {NUMBER} < {head_rows} THEN {_quoted(name)} END"] if head_rows else []
        with engine.cursor() as own:
            return _query(own, file, [name], f"SELECT {', '.join(parts)} FROM rows")

    # One core reads a whole row group of a column; of all columns together, the last groups would leave cores idle.
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(columns, pool.map(one, columns), strict=True))
    except duckdb.OutOfMemoryException:
        return {name: one(name) for name in columns}


def _parts_of_stand_ins(name: str, secret: str) -> str:
    """Two columns: MD5 of the text, and a hash of the text after the secret."""
    return f"md5_number({_quoted(name)}), hash('{secret}' || {_quoted(name)})"


def _stand_ins(md5: pa.ChunkedArray, keyed: pa.ChunkedArray) -> pa.ChunkedArray:
    """MD5 as DuckDB gives it, which is 16 bytes, and 8 bytes more that depend on the secret."""
    parts = []
    for numbers, keys in zip(md5.chunks, keyed.chunks, strict=True):
        found = numbers.storage if isinstance(numbers, pa.ExtensionArray) else numbers
        if found.type != pa.binary(MD5_BYTES) or keys.type != pa.uint64():
            raise ValueError(f"hashes came as {found.type} and {keys.type}")
        n, at = len(found), found.offset
        both = np.empty((n, DIGEST.byte_width), np.uint8)
        both[:, :MD5_BYTES] = np.frombuffer(found.buffers()[1], np.uint8).reshape(-1, MD5_BYTES)[at : at + n]
        both[:, MD5_BYTES:] = keys.to_numpy().view(np.uint8).reshape(n, -1)
        # The hash of a null is a number.
        known = pa.array(found.is_valid().to_numpy(zero_copy_only=False)).buffers()[1]
        parts.append(pa.Array.from_buffers(DIGEST, n, [known, pa.py_buffer(both)]))
    return pa.chunked_array(parts, DIGEST)


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


def _query(engine: Any, file: RowsInPieces, columns: Sequence[str], query: str) -> pa.Table:
    """Run a query over the ``rows`` of a file."""
    file.check()
    import duckdb

    if isinstance(file, TableFile) and file.kind == "parquet":
        path = glob.escape(str(file.path)).replace("'", "''")
        numbers = f", {NUMBER} = true" if _has_numbers(file) else ""
        rows = f" FROM read_parquet('{path}'{numbers})"
        try:
            # A relation is read by all threads; what was executed would be fetched by one.
            return engine.sql(query.replace(" FROM rows", rows)).to_arrow_table()
        except duckdb.OutOfMemoryException:
            # The file's pages are so large that several cannot be open at once.
            engine.execute("SET threads = 1")
            return engine.sql(query.replace(" FROM rows", rows)).to_arrow_table()
    schema = pa.schema([file.schema.field(name) for name in columns])
    batches = (batch for table in file.batches(columns, None) for batch in table.cast(schema).to_batches())
    engine.register("rows", pa.RecordBatchReader.from_batches(schema, batches))
    try:
        return engine.sql(query).to_arrow_table()
    finally:
        engine.unregister("rows")


def _has_numbers(file: RowsInPieces) -> bool:
    """Whether DuckDB can number the rows."""
    return file.kind == "parquet" and NUMBER not in {name.casefold() for name in file.schema.names}


@contextmanager
def _engine() -> Iterator[Any]:
    import duckdb

    with temporary_folder() as spill:
        engine = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(spill)})
        try:
            yield engine
        finally:
            engine.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
