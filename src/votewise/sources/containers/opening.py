"""Anything that contains rows -> one Arrow table and its name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.data.left_out import DIGESTS
from votewise.errors import BadInputError, VotewiseError
from votewise.sources.containers.file_formats import load_path, table_files
from votewise.sources.containers.in_memory import leave_rows, load_rows, name_of
from votewise.sources.containers.loaded import Broken, Loaded, first_line
from votewise.sources.containers.plain_types import categories, with_categories, without_views
from votewise.sources.containers.staged_files import staged_files
from votewise.sources.containers.stand_ins import StandIns, with_stand_ins
from votewise.sources.containers.table_files import RowsInFiles
from votewise.sources.containers.temporary import NoRoomError
from votewise.sources.databases.connections import has_no_order, load_url, read_ibis, without_password
from votewise.sources.databases.copied import copied
from votewise.sources.databases.database_table import DatabaseTable
from votewise.sources.databases.left_texts import left_in_database
from votewise.sources.databases.urls import is_url


@dataclass(frozen=True)
class Source:
    """What was read: ``name`` for messages, the ``table``, and rows that could not be parsed.

    ``numbers`` are the numbers, from 1, that the table's rows have in the source; None when they are consecutive.
    ``stand_ins`` tells where the texts are if the table has stand-ins for them, None where the table is all there is.
    ``typed`` has the columns that are categories in the source, for which the table has their values. ``unordered`` says
    that the rows may come in another order the next time.
    """

    name: str
    table: pa.Table
    broken: tuple[Broken, ...] = ()
    numbers: npt.NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()
    stand_ins: StandIns | None = None
    typed: pa.Table | None = None
    unordered: bool = False

    @property
    def head(self) -> pa.Table:
        """The first rows with their texts: some thousands at least, or all there are."""
        return self.table if self.stand_ins is None else self.stand_ins.head

    @property
    def schema(self) -> pa.Schema:
        """The names and types of the columns."""
        return self.table.schema if self.stand_ins is None else self.stand_ins.files.schema

    @property
    def own(self) -> pa.Table:
        """The table with the source's own types: what is written back is made of it."""
        return with_categories(self.table, self.typed)

    def take(self, rows: npt.NDArray[np.int64]) -> pa.Table:
        """Some rows, with their texts."""
        found = self.table.take(pa.array(rows, pa.int64()))
        return found if self.stand_ins is None else self.stand_ins.with_texts(found, rows)

    @property
    def texts_stay(self) -> bool:
        """Whether the texts stay in a database, and results hold digests of them."""
        return self.stand_ins is not None and self.stand_ins.in_database

    def number(self, row: int) -> int:
        """The number, from 1, that a row of the table has in the source."""
        return row + 1 if self.numbers is None else int(self.numbers[row])


def load(source: Any, *, split: str | None = None, leave_texts: bool = False) -> Source:
    """Read a path, a connection URL or a table; raises BadInputError where there is nothing to read.

    With ``leave_texts``, the long texts of a large file or of a database's table stay there, and the table has stand-ins
    for them. A ``Source`` is given back as it is.
    """
    if isinstance(source, Source):
        return source if leave_texts else _with_all_texts(source)
    found = _opened(source, split, leave_texts)
    return replace(found, unordered=True) if _is_database(source) and has_no_order(source) else found


def _opened(source: Any, split: str | None, leave_texts: bool) -> Source:
    name = _name(source)
    try:
        left = _left(source, split) if leave_texts else None
        if isinstance(left, Source):
            return left
        name, loaded = _load(source, split) if left is None else (name, left)
        table = without_views(loaded.table)
    except VotewiseError:
        raise
    except Exception as error:
        # Whatever a library raises about a damaged file: decompression, recursion, numbers too long, names, links.
        raise BadInputError(f"cannot be read: {first_line(error)}", source=name) from error
    repeated = [column for column, count in Counter(table.column_names).items() if count > 1]
    if repeated:
        raise BadInputError("several columns have this name", source=name, column=repeated[0], expected="one each")
    if len(table) == 0 and not loaded.broken:
        raise BadInputError("there are no rows", source=name, expected="at least one vote")
    return Source(name, table, loaded.broken, loaded.numbers, loaded.notes, typed=categories(loaded.table))


def _left(source: Any, split: str | None) -> Source | Loaded | None:
    """A source whose texts stay where they are; None where it is small, or cannot be read like that."""
    if isinstance(source, str | os.PathLike) or type(source).__module__.split(".")[0] == "ibis":
        return _left_in_files(source, split) or _left_in_database(source)
    name, once = name_of(source), isinstance(source, Iterator)
    try:
        found = leave_rows(source, split)
        if not isinstance(found, RowsInFiles):
            return found
        stand_ins = with_stand_ins(found.files)
    except NoRoomError:
        raise
    except Exception:
        if once:
            raise
        # Whatever is wrong with the table, or cannot be in such a file, reading it whole works or says it.
        return None
    if stand_ins is not None:
        return Source(name, stand_ins.table, notes=found.notes, stand_ins=stand_ins)
    return Loaded(found.files.table(found.files.schema.names), notes=found.notes) if once else None


def _left_in_files(source: Any, split: str | None) -> Source | None:
    """A source whose texts stay in its files; None where it is small or of another kind, or cannot be read like that."""
    if not isinstance(source, str | os.PathLike) or (isinstance(source, str) and is_url(source)):
        return None
    name = os.fspath(source)
    try:
        found = table_files(Path(source), name, split) or staged_files(Path(source), name, split)
        stand_ins = None if found is None else with_stand_ins(found.files)
    except NoRoomError:
        raise
    except Exception:
        # Whatever is wrong with the file, reading it whole says it.
        return None
    if found is None or stand_ins is None:
        return None
    return Source(name, stand_ins.table, found.broken, found.numbers, found.notes, stand_ins)


def _left_in_database(source: Any) -> Source | None:
    """A table of a database without its long texts; None for anything else, and where the texts are needed."""
    if not _is_database(source):
        return None
    name = _name(source) if isinstance(source, str) else "ibis table"
    left = left_in_database(DatabaseTable(source, name))
    if left.stand_ins is not None:
        columns = ", ".join(f"'{column}'" for column in left.stand_ins.columns)
        note = f"The texts of {columns} stay in the database: results hold digests of them, in columns NAME{DIGESTS}."
        return Source(name, left.stand_ins.table, notes=(note,), stand_ins=left.stand_ins)
    if left.whole is not None:
        return Source(name, left.whole) if len(left.whole) else None
    return fetched(source, left.reason) if left.reason else None


def _is_database(source: Any) -> bool:
    return is_url(source) if isinstance(source, str) else type(source).__module__.split(".")[0] == "ibis"


def fetched(source: Any, reason: str) -> Source:
    """A table of a database with all its texts, which are in a temporary file if they are many."""
    note = f"All texts were fetched from the database: {reason}."
    name = _name(source) if isinstance(source, str) else "ibis table"
    files = None if isinstance(source, Source) else copied(DatabaseTable(source, name))
    if files is None:
        found = load(source)
        return replace(found, notes=(*found.notes, note))
    stand_ins = with_stand_ins(files)
    table = files.table(files.schema.names) if stand_ins is None else stand_ins.table
    return Source(name, table, notes=(note,), stand_ins=stand_ins, unordered=has_no_order(source))


def _with_all_texts(source: Source) -> Source:
    if source.stand_ins is None:
        return source
    return replace(source, table=source.take(np.arange(len(source.table))), stand_ins=None)


def _name(source: Any) -> str:
    if isinstance(source, str) and is_url(source):
        return without_password(source)
    return os.fspath(source) if isinstance(source, str | os.PathLike) else name_of(source)


def _load(source: Any, split: str | None) -> tuple[str, Loaded]:
    if isinstance(source, str) and is_url(source):
        return without_password(source), Loaded(load_url(source))
    if isinstance(source, str | os.PathLike):
        return os.fspath(source), load_path(Path(source), os.fspath(source), split)
    if type(source).__module__.split(".")[0] == "ibis":
        return "ibis table", Loaded(read_ibis(source, "ibis table"))
    return name_of(source), load_rows(source, split)
