"""An ibis table of a source's rows, and what it cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from votewise.sources.containers.exact_rows import ExactRows
from votewise.sources.containers.loaded import Broken

ARRAYS = 1 << 28
"""Bytes of the arrays of all threads in which an engine counts."""

FEWEST_BITS, MOST_BITS = 12, 24
"""Bits of the numbers that are counted in arrays: at least what the engine does unasked."""


@dataclass(frozen=True)
class OpenTable:
    """An ibis table and what it cannot tell.

    Attributes:
        rows: the table.
        name: what messages call it.
        number: the column with the number that a row has in the source, from 1; None for tables in databases.
        file: the column with the file that a row is from, whose rows are numbered by themselves; None for one file.
        broken: rows that could not be parsed.
        marked: columns that hold JSON text, because their values have different types.
        notes: what to say about the choice of files.
        classes: the names of the classes of columns of class numbers.
        exact: the rows as they are, where the engine would give them other types; None where it does not.
        typed: the types and metadata of the source's own columns, as the engine can write them; None where it cannot, and
            for tables whose engine has types of its own.
        files: the Parquet files that the rows are read from as they are; empty for other sources.
        engine: the embedded engine that reads the rows; None where they are in a database, or are the caller's own table.
    """

    rows: Any
    name: str
    number: str | None = None
    file: str | None = None
    broken: tuple[Broken, ...] = ()
    marked: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    classes: Mapping[str, list[str]] = field(default_factory=dict)
    exact: ExactRows | None = None
    typed: pa.Schema | None = None
    files: tuple[Path, ...] = ()
    engine: Any = None

    @property
    def own(self) -> tuple[str, ...]:
        """The source's own columns."""
        return tuple(name for name in self.rows.columns if name not in (self.number, self.file))

    def count_in_arrays(self, bytes_a_key: int) -> None:
        """Have the embedded engine count whole numbers of a small range in arrays, in half the time of a hash table.

        Every thread has an array of its own, and together they have at most ``ARRAYS`` bytes.

        Args:
            bytes_a_key: bytes of all sums of one number.
        """
        if self.engine is not None:
            threads = self.engine.con.execute("SELECT current_setting('threads')").fetchone()[0]
            bits = (ARRAYS // (threads * bytes_a_key)).bit_length() - 1
            self.engine.con.execute(f"SET perfect_ht_threshold = {min(max(bits, FEWEST_BITS), MOST_BITS)}")
