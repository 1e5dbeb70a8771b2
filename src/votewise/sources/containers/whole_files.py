"""Are Parquet and Arrow files whole, and one? Their libraries read some that are not, and rows are lost in silence."""

from __future__ import annotations

import glob
import io
import mmap
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from votewise.errors import BadInputError

_PARQUET = b"PAR1"
_STREAM = b"\xff\xff\xff\xff"
_END = _STREAM + b"\0\0\0\0"
"""What every writer of Arrow streams puts at the end."""


def check_one_parquet(path: Path, name: str, start: int = 0) -> None:
    """Raise BadInputError where another Parquet file ends before the end of this one.

    A reader finds the second file's description at the end and looks up its rows in the first: it gives half of the rows, or
    those of the first file under the description of the second.

    Args:
        path: the file.
        name: what messages call it.
        start: the byte from which on another file may end; what the description accounts for need not be searched.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(_PARQUET, max(start, 8))
        while 0 <= at < len(data) - len(_PARQUET):
            if _ends_a_file(data, at):
                raise BadInputError(
                    f"is several Parquet files one after the other: the first ends at byte {at + len(_PARQUET):,}",
                    source=name,
                    expected="each in a file of its own; a folder of them is read as one table",
                )
            at = data.find(_PARQUET, at + 1)


def description_of(path: Path) -> str:
    """The table of a Parquet file's column chunks, for DuckDB; as a parameter the path would have pandas imported."""
    return f"parquet_metadata('{glob.escape(str(path)).replace(chr(39), 2 * chr(39))}')"


def check_large_parquet(path: Path, name: str, engine: Any = None) -> None:
    """``check_one_parquet`` for files of any size: searches only what the description does not account for.

    Args:
        path: the file.
        name: what messages call it.
        engine: a connection of DuckDB; None opens one, which takes as long as counting 100,000 rows.
    """
    import duckdb

    first = "CASE WHEN dictionary_page_offset > 0 THEN least(dictionary_page_offset, data_page_offset) "
    first += "ELSE data_page_offset END"
    with nullcontext(engine) if engine is not None else duckdb.connect() as connection:
        query = f"SELECT max({first} + total_compressed_size) FROM {description_of(path)}"
        found = connection.execute(query).fetchone()
    check_one_parquet(path, name, 0 if found is None or found[0] is None else int(found[0]))


def _ends_a_file(data: Any, at: int) -> bool:
    """Whether the description of a Parquet file stands before this place."""
    length = int.from_bytes(data[at - 4 : at], "little")
    if not 0 < length <= at - 8:
        return False
    try:
        pq.read_metadata(io.BytesIO(_PARQUET + data[at - 4 - length : at] + _PARQUET))
    except (pa.ArrowException, OSError):
        return False
    return True


def check_stream_ends(path: Path, name: str) -> None:
    """Raise BadInputError where an Arrow stream lacks its end mark: what was cut there is readable.

    Streams of before 2019 have half a mark, and are taken as they are.
    """
    with path.open("rb") as file:
        new = file.read(len(_STREAM)) == _STREAM
        file.seek(-len(_END), io.SEEK_END)
        if new and file.read() != _END:
            raise BadInputError(
                "ends without an end mark, so rows may be missing at its end",
                source=name,
                expected="a whole Arrow stream; pyarrow.ipc.new_stream writes one from what is there",
            )
