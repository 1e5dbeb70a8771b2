"""Large text files -> Parquet files that stay as long as somebody uses their rows."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from votewise.sources.containers import stand_ins
from votewise.sources.containers.folders import matching, parts_in, suffix_of
from votewise.sources.containers.loaded import PACKED
from votewise.sources.containers.staged import PARTWISE, stage
from votewise.sources.containers.table_files import RowsInFiles, TableFiles
from votewise.storage.staging import staging_folder

PACKING = 4
"""How many times larger a compressed file is taken to be."""


class TemporaryFolder:
    """A folder that is removed when nobody refers to this object any more, and at the latest at the end of the program."""

    def __init__(self) -> None:
        stack = ExitStack()
        self.path = stack.enter_context(staging_folder(Path(tempfile.gettempdir())))
        weakref.finalize(self, stack.close)


def staged_files(path: Path, name: str, split: str | None) -> RowsInFiles | None:
    """The rows of large CSV and JSON files, parsed part by part; None for what is small or something else.

    Raises:
        BadInputError: they cannot be read.
    """
    files, notes = _files(path, name, split)
    kinds = {suffix_of(file) for file in files}
    if len(kinds) != 1 or not kinds <= PARTWISE.keys() or sum(map(_size, files)) < stand_ins.LARGE:
        return None
    folder = TemporaryFolder()
    staged = stage(files, folder.path, name, for_engine=False)
    found = TableFiles.of(staged.files, "parquet")
    numbers = found.table([staged.number]).column(0).to_numpy()
    consecutive = len(numbers) == 0 or int(numbers[-1]) == len(numbers)
    rows = found.without(staged.number, folder)
    return RowsInFiles(rows, notes, staged.broken, None if consecutive else np.asarray(numbers, np.int64))


def _files(path: Path, name: str, split: str | None) -> tuple[Sequence[Path], tuple[str, ...]]:
    several = matching(name, split)
    if several is not None:
        return several
    if path.is_dir():
        described = (path / "dataset_dict.json").exists() or (path / "state.json").exists()
        return ([], ()) if described else parts_in(path, name, split)
    return ([path] if path.is_file() else []), ()


def _size(file: Path) -> int:
    size = file.stat().st_size
    return size * PACKING if file.suffix.lower() in PACKED else size
