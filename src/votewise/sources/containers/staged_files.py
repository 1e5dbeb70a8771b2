"""Large text files -> Parquet files that stay as long as somebody uses their rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from votewise.sources.containers import stand_ins
from votewise.sources.containers.folders import files_of, suffix_of, unpacked_size
from votewise.sources.containers.staged import PARTWISE, stage
from votewise.sources.containers.table_files import RowsInFiles, TableFiles
from votewise.sources.containers.temporary import TemporaryFolder


def staged_files(path: Path, name: str, split: str | None) -> RowsInFiles | None:
    """The rows of large CSV and JSON files, parsed part by part; None for what is small or something else.

    Raises:
        BadInputError: they cannot be read.
    """
    files, notes = files_of(path, name, split)
    kinds = {suffix_of(file) for file in files}
    if len(kinds) != 1 or not kinds <= PARTWISE.keys() or sum(map(unpacked_size, files)) < stand_ins.LARGE:
        return None
    folder = TemporaryFolder()
    with folder.writing():
        staged = stage(files, folder.path, name, for_engine=False)
    found = TableFiles.of(staged.files, "parquet")
    numbers = found.table([staged.number]).column(0).to_numpy()
    consecutive = len(numbers) == 0 or int(numbers[-1]) == len(numbers)
    rows = found.without(staged.number, folder)
    return RowsInFiles(
        rows, (*notes, *staged.notes), staged.broken, None if consecutive else np.asarray(numbers, np.int64)
    )
