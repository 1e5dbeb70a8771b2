"""Streams of rows, and lists of them, batch by batch: no row stays in memory as a Python object.

What is large goes to a temporary file as it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.errors import BadInputError
from votewise.sources.containers import stand_ins
from votewise.sources.containers.loaded import Loaded
from votewise.sources.containers.parts import join_parts
from votewise.sources.containers.parts_writer import PartsWriter
from votewise.sources.containers.table_files import TableFiles
from votewise.sources.containers.temporary import TemporaryFolder
from votewise.sources.values import BytesAmongOthersError, table_of

BATCH = 5_000
"""Rows that are converted at a time."""


def table_of_stream(rows: Iterable[Any], name: str) -> pa.Table:
    """Convert dicts batch by batch; the types are those that all rows at once would have.

    Raises:
        BadInputError: a row is not a dict.
    """
    return join_parts(_batches(iter(rows), name)).table


def stream_in_parts(rows: Iterable[Any], name: str) -> Loaded | TableFiles:
    """The same rows as one table where they are few, and in a temporary file where they are many.

    Raises:
        BadInputError: a row is not a dict.
        NoRoomError: the disk is full.
    """
    batches, first, size = _batches(iter(rows), name), list[Loaded](), 0
    for batch in batches:
        first.append(batch)
        size += batch.table.nbytes
        if size >= stand_ins.LARGE:
            break
    else:
        return Loaded(join_parts(first).table)
    folder = TemporaryFolder()
    writer = PartsWriter(folder.path, name, kind="arrow")
    with folder.writing():
        writer.take(chain(_taken_out(first), batches))
        staged = writer.finish(for_engine=False)
    return TableFiles.of(staged.files, "arrow").without(staged.number, folder)


def _taken_out(items: list[Loaded]) -> Iterator[Loaded]:
    """The items, which are let go one by one."""
    while items:
        yield items.pop(0)


def _batches(rows: Iterator[Any], name: str) -> Iterator[Loaded]:
    done = 0
    while batch := list(islice(rows, BATCH)):
        for number, row in enumerate(batch, done + 1):
            if not isinstance(row, dict):
                raise BadInputError("is not a dict", source=name, row=number, value=row, expected="a dict")
        try:
            table = table_of(batch)
        except BytesAmongOthersError as error:
            raise error.of(str(error.column), name, done) from error
        # Objects without any entry are no rows of a table.
        yield Loaded(table, numbers=np.arange(done + 1, done + len(table) + 1))
        done += len(batch)
