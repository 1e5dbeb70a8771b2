"""Which files are read where a source is a folder, or a pattern such as ``logs/*.csv.gz``."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from votewise.errors import BadInputError, many
from votewise.sources.containers.loaded import PACKED
from votewise.sources.containers.shards import check_for_copies, incomplete
from votewise.sources.containers.splits import choose_split, split_of

PARQUET = (".parquet", ".pq")
LINES = (".jsonl", ".ndjson", ".csv", ".tsv")
"""Suffixes of files that are parts of a data set where they are together in a folder. A .json may be its description."""

PACKING = 8
"""How many times larger a compressed file is taken to be."""

Files = tuple[list[Path], tuple[str, ...]]
"""Files in the order in which they are read, and what to say about the choice."""


def suffix_of(path: Path) -> str:
    """The suffix that says what a file holds, in lower case: that before .gz or .zst."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def parts_in(folder: Path, name: str, split: str | None) -> Files:
    """The Parquet files in a folder, however deep, or where there are none, the tables or JSON lines in it.

    Hidden files do not count. Of several splits one is read.

    Raises:
        BadInputError: text files of several kinds, no such split, parts that are missing, or a file that is there twice.
    """
    found = [file for file in sorted(folder.rglob("*")) if not _hidden(file, folder)]
    parquet = [file for file in found if file.suffix.lower() in PARQUET]
    texts = [file for file in found if suffix_of(file) in LINES]
    kinds = sorted({suffix_of(file) for file in texts})
    if not parquet and len(kinds) > 1:
        raise BadInputError(
            f"holds files of several kinds: {', '.join(kinds)}", source=name, expected=f"one, as in {name}/*{kinds[0]}"
        )
    files, notes = _of_split(parquet or texts, folder, name, split)
    if parquet and texts:
        left = many(len(texts), "file") if len(texts) > 1 else f"the file {texts[0].name}"
        notes = (*notes, f"The Parquet files are read; left out beside them: {left} ({', '.join(kinds)}).")
    for fault in incomplete(files):
        raise BadInputError(
            fault, source=name, expected=f"all parts; '{name}/*{suffix_of(files[0])}' reads those that are there"
        )
    return files, notes


def matching(name: str, split: str | None) -> Files | None:
    """The files that a pattern matches; None for the name of something that exists, or a name that is no pattern.

    Raises:
        BadInputError: it matches nothing, or a file that is there twice.
    """
    if not re.search(r"[*?\[]", name) or Path(name).exists():
        return None
    # Path.glob takes no absolute pattern.
    found = [Path(file) for file in sorted(glob.glob(name, recursive=True)) if Path(file).is_file()]  # noqa: PTH207
    if not found:
        raise BadInputError("matches no file", source=name, expected="at least one")
    parts = Path(name).parts
    fixed = [part for i, part in enumerate(parts) if not any(re.search(r"[*?\[]", p) for p in parts[: i + 1])]
    files, notes = _of_split(found, Path(*fixed) if fixed else Path(), name, split)
    return files, (*notes, *(f"What is read {fault}." for fault in incomplete(files)))


def files_of(path: Path, name: str, split: str | None) -> Files:
    """The files of a path or pattern; none where it does not exist, or is a data set that has its own list of files.

    Raises:
        BadInputError: as ``matching`` and ``parts_in``.
    """
    several = matching(name, split)
    if several is not None:
        return several
    if path.is_dir():
        described = (path / "dataset_dict.json").exists() or (path / "state.json").exists()
        return ([], ()) if described else parts_in(path, name, split)
    return ([path] if path.is_file() else []), ()


def unpacked_size(file: Path) -> int:
    """Bytes of a file, or roughly those that it has when it is unpacked."""
    size = file.stat().st_size
    return size * PACKING if file.suffix.lower() in PACKED else size


def _of_split(files: list[Path], folder: Path, name: str, split: str | None) -> Files:
    if not files:
        return files, ()
    check_for_copies(files, name)
    splits = {file: split_of(_unpacked(file), folder) or "" for file in files}
    if len(set(splits.values())) <= 1 and split is None:
        return files, ()
    chosen, notes = choose_split(sorted(set(splits.values())), split, name)
    return [file for file in files if splits[file] == chosen], notes


def _unpacked(file: Path) -> Path:
    return file.with_suffix("") if file.suffix.lower() in PACKED else file


def _hidden(file: Path, folder: Path) -> bool:
    """Whether a file, or a folder above it, is hidden: checkpoints of notebooks and the like."""
    return any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
