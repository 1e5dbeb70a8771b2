"""Text files that are too large for memory -> Parquet files in a temporary folder, part by part.

The parts come from the readers that read smaller files at once, so there is one set of rules.

From there on an engine reads them as it reads other Parquet files. Every row has the number that it has in its file, in a
column of its own; the rows of several files are numbered on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from votewise.sources.containers.csv_files import use_csv
from votewise.sources.containers.folders import suffix_of
from votewise.sources.containers.json_files import use_json, use_json_lines
from votewise.sources.containers.loaded import Loaded
from votewise.sources.containers.parts_writer import PartsWriter, StagedFiles

PARTWISE: dict[str, Callable[[Path, str, Callable[[Iterator[Loaded]], None]], None]] = {
    ".jsonl": use_json_lines,
    ".ndjson": use_json_lines,
    ".json": use_json,
    ".csv": use_csv,
    ".tsv": use_csv,
}
"""Suffix of a text file -> what reads such a file part by part."""


def stage(
    files: Sequence[Path], folder: Path, name: str, *, stop: bool = False, for_engine: bool = True
) -> StagedFiles:
    """Write text files to Parquet files.

    Args:
        files: of the kinds in ``PARTWISE``, also compressed; one data set in parts.
        folder: an existing folder for the Parquet files.
        name: what messages call the source.
        stop: raise at the first row that could not be parsed.
        for_engine: give columns without any value a type that engines know.

    Raises:
        BadInputError: a file cannot be read, there are no rows, or, with ``stop``, a row cannot be parsed.
    """
    writer = PartsWriter(folder, name, stop=stop)
    for file in files:
        writer.begin_file()
        PARTWISE[suffix_of(file)](file, str(file) if len(files) > 1 else name, writer.take)
    return writer.finish(for_engine)
