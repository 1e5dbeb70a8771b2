"""An ibis table of a source's rows, and what it cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from votewise.sources.containers.exact_rows import ExactRows
from votewise.sources.containers.loaded import Broken


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

    @property
    def own(self) -> tuple[str, ...]:
        """The source's own columns."""
        return tuple(name for name in self.rows.columns if name not in (self.number, self.file))
