"""Streams of rows -> one Arrow table, batch by batch: no row stays in memory as a Python object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pyarrow as pa

from votewise.errors import BadInputError
from votewise.sources.containers.loaded import Loaded
from votewise.sources.containers.parts import join_parts
from votewise.sources.values import table_of

BATCH = 5_000
"""Rows that are converted at a time."""


def table_of_stream(rows: Iterable[Any], name: str) -> pa.Table:
    """Convert dicts batch by batch; the types are those that all rows at once would have.

    Raises:
        BadInputError: a row is not a dict.
    """
    return join_parts(_batches(iter(rows), name)).table


def _batches(rows: Iterator[Any], name: str) -> Iterator[Loaded]:
    done = 0
    while batch := list(islice(rows, BATCH)):
        for number, row in enumerate(batch, done + 1):
            if not isinstance(row, dict):
                raise BadInputError("is not a dict", source=name, row=number, value=row, expected="a dict")
        done += len(batch)
        yield Loaded(table_of(batch))
