"""Rows whose long texts stay in a database, and are fetched by their digests.

A table in a database has no order and no row numbers, and may change. So a row is not found again by where it is, but by
the digests of its texts: whatever has these digests is these texts. A text that is gone is said to be gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from votewise.data.identity import MD5_BYTES
from votewise.errors import BadInputError
from votewise.sources.containers.stand_in_type import keyed_digests
from votewise.sources.containers.table_files import TableFiles
from votewise.sources.containers.temporary import TemporaryFolder
from votewise.sources.databases.database_table import DatabaseTable, batches, write_rows_to
from votewise.sources.databases.digests import digest, from_hex, md5_of

Indices = npt.NDArray[np.int64]

MOST_ASKED = 10_000
"""Rows that are asked for by their digests; for more of them all rows are fetched, into a temporary file."""

AT_A_TIME = 2_000
"""Rows that one query asks for."""

KEY = "votewise_key"
MEMORY = "1500MB"


class DatabaseRows:
    """The rows of a database's table as ``votewise.data.lazy_table.RowStore`` has them.

    Attributes:
        table: where they are.
        schema: names and types of the table's columns.
        digests: column whose texts stay in the database -> (n,) the digests, null where the text is.
        secret: what the digests are made with.
    """

    def __init__(
        self,
        table: DatabaseTable,
        schema: pa.Schema,
        digests: Mapping[str, pa.ChunkedArray],
        secret: str,
        head: pa.Table | None = None,
    ) -> None:
        """Rows of a table; ``head`` are first rows with their texts, which are then not fetched again."""
        self.schema, self.digests, self.secret = schema, dict(digests), secret
        self.table = table
        self._rows = len(next(iter(digests.values())))
        self._head = head if head is not None and self._begins_with(head) else schema.empty_table()
        self._here: dict[tuple[str, ...], TableFiles] = {}

    def __len__(self) -> int:
        return self._rows

    def categories(self) -> pa.Table | None:
        """None: engines deliver the values of categories."""
        return None

    def take(self, columns: Sequence[str], rows: Indices) -> pa.Table:
        """A few rows with their texts, in the order in which they are asked for."""
        schema = pa.schema([self.schema.field(name) for name in columns])
        if len(rows) == 0 or not columns:
            return schema.empty_table()
        if rows.max() < len(self._head):
            return self._head.select(columns).take(pa.array(rows))
        if tuple(columns) in self._here or len(np.unique(rows)) > MOST_ASKED:
            return self._fetched(columns).take(columns, rows)
        own = {name: self.digests[name].take(pa.array(rows)).to_pylist() for name in columns}
        wanted = [_key(values) for values in zip(*own.values(), strict=True)]
        found = self._asked(columns, list(dict.fromkeys(wanted)))
        place = {key: i for i, key in enumerate(found[KEY].to_pylist())}
        if not place.keys() >= set(wanted):
            raise self._changed()
        return found.select(columns).cast(schema).take(pa.array([place[key] for key in wanted]))

    def batches(self, columns: Sequence[str], rows: Indices | None = None) -> Iterator[pa.Table]:
        """The columns in the order of the rows; only these ascending ``rows``, or all of them."""
        yield from self._fetched(columns).batches(columns, rows)

    def _begins_with(self, head: pa.Table) -> bool:
        """Whether these are the first rows: an engine may give others when it is asked again."""
        return all(
            keyed_digests(head.column(name), self.secret).equals(found.slice(0, len(head)))
            for name, found in self.digests.items()
        )

    def _asked(self, columns: Sequence[str], keys: Sequence[str]) -> pa.Table:
        """The texts that have these digests, once each."""
        found: list[pa.RecordBatch] = []
        with self.table.opened() as table:
            keyed = table.select(*columns, **{KEY: _key_in_engine([table[name] for name in columns], self.secret)})
            for start in range(0, len(keys), AT_A_TIME):
                wanted = keys[start : start + AT_A_TIME]
                likely = _likely(keyed, columns, wanted)
                these = likely.filter(likely[KEY].isin(wanted))
                # Rows with one key are equal in all these columns.
                once = these.group_by(KEY).aggregate(**{name: these[name].max() for name in columns})
                found += batches(once)
        nothing = pa.table({name: pa.array([], pa.string()) for name in (KEY, *columns)})
        return pa.Table.from_batches(found) if found else nothing

    def _fetched(self, columns: Sequence[str]) -> TableFiles:
        """All rows with these columns, in a temporary file, in the order of the digests."""
        if tuple(columns) not in self._here:
            self._here[tuple(columns)] = self._fetch(columns)
        return self._here[tuple(columns)]

    def _fetch(self, columns: Sequence[str]) -> TableFiles:
        kept = TemporaryFolder()
        folder = kept.path
        names = {name: f"digest_{i}" for i, name in enumerate(columns)}
        with self.table.opened() as table:
            rows = table.select(*columns, **{names[name]: digest(table[name], self.secret) for name in columns})
            with kept.writing():
                write_rows_to(rows, folder / "rows.parquet")
        theirs = pq.read_table(folder / "rows.parquet", columns=list(names.values()))
        wanted = _codes_of_rows([self.digests[name] for name in columns])
        there = _codes_of_rows([from_hex(theirs[names[name]]) for name in columns])
        places = _places(pa.chunked_array([*wanted.chunks, *there.chunks]), self._rows)
        if places is None:
            raise self._changed()
        if len(places) and (len(there) != len(places) or (places != np.arange(len(places))).any()):
            with kept.writing():
                _write_in_order(folder, columns, places)
            (folder / "rows.parquet").unlink()
            found = TableFiles.of([folder / "ordered.parquet"], "parquet")
        else:
            found = TableFiles.of([folder / "rows.parquet"], "parquet")
        return TableFiles(found.files, pa.schema([self.schema.field(name) for name in columns]), kept)

    def _changed(self) -> BadInputError:
        return BadInputError(
            "texts that were read are no longer there: the table has changed",
            source=self.table.name,
            expected="a table that stays as it is meanwhile; audit it again",
        )


def _key(digests: Sequence[bytes | None]) -> str:
    return "|".join("" if value is None else value.hex() for value in digests)


def _likely(keyed: Any, columns: Sequence[str], wanted: Sequence[str]) -> Any:
    """The rows of which one text has the MD5 of a wanted one: most rows need no other hash."""
    digests = list(zip(*(key.split("|") for key in wanted), strict=True))
    for name, own in zip(columns, digests, strict=True):
        if all(own):
            return keyed.filter(md5_of(keyed[name]).isin(list({value[: 2 * MD5_BYTES] for value in own})))
    return keyed


def _key_in_engine(columns: Sequence[Any], secret: str) -> Any:
    """An expression of ibis for ``_key``."""
    parts = [digest(column, secret).fill_null("") for column in columns]
    return reduce(lambda whole, part: whole + "|" + part, parts[1:], parts[0])


def _codes_of_rows(columns: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    """(n,) bytes that are equal where rows are equal in all columns of digests."""
    parts = []
    for column in columns:
        known = column.is_valid().to_numpy(zero_copy_only=False).astype(np.uint8)
        width = column.type.byte_width
        whole = column.combine_chunks().fill_null(b"\0" * width)
        values = np.frombuffer(whole.buffers()[1], np.uint8).reshape(-1, width)[whole.offset :][: len(whole)]
        parts += [known[:, None], values]
    rows = np.ascontiguousarray(np.hstack(parts))
    kind = pa.binary(rows.shape[1])
    return pa.chunked_array([pa.FixedSizeBinaryArray.from_buffers(kind, len(rows), [None, pa.py_buffer(rows)])], kind)


def _places(both: pa.ChunkedArray, n: int) -> Indices | None:
    """(n,) for each of the first n keys, its place among the others, a different one for each; None where one is missing.

    Equal keys get their places in order, so that rows that come in the order in which they are wanted stay in it.
    """
    codes = both.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    places = np.full(n, -1, np.int64)
    order, other = np.argsort(codes[:n], kind="stable"), np.argsort(codes[n:], kind="stable")
    mine, theirs = codes[:n][order], codes[n:][other]
    nth = np.arange(n) - np.searchsorted(mine, mine)
    start, end = np.searchsorted(theirs, mine), np.searchsorted(theirs, mine, "right")
    if (start == end).any():
        return None
    # Where the table has lost some of several equal rows, one of them stands for the others.
    places[order] = other[start + nth % (end - start)]
    return places


def _write_in_order(folder: Path, columns: Sequence[str], places: Indices) -> None:
    import duckdb

    wanted = pa.table({"place": places, "n": np.arange(len(places))})
    chosen = ", ".join('r."' + name.replace('"', '""') + '"' for name in columns)
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(folder / "spill")}) as engine:
        engine.register("wanted", wanted)
        engine.execute(
            f"COPY (SELECT {chosen} FROM wanted w JOIN read_parquet($rows, file_row_number = true) r"
            " ON r.file_row_number = w.place ORDER BY w.n) TO $out (FORMAT parquet)",
            {"rows": str(folder / "rows.parquet"), "out": str(folder / "ordered.parquet")},
        )
