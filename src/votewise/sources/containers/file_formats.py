"""Files and folders -> tables: JSON, JSON lines, CSV, Parquet, Arrow, Parquet folders, saved ``datasets`` folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from votewise.errors import BadInputError
from votewise.sources.containers.csv_files import load_csv
from votewise.sources.containers.folders import PARQUET, matching, parts_in, suffix_of
from votewise.sources.containers.json_files import load_json, load_json_lines
from votewise.sources.containers.loaded import Loaded, first_line
from votewise.sources.containers.parts import join_parts
from votewise.sources.containers.plain_types import check_texts, common_metadata
from votewise.sources.containers.splits import choose_split
from votewise.sources.containers.table_files import RowsInFiles, TableFiles
from votewise.sources.containers.whole_files import check_one_parquet, check_stream_ends


def load_path(path: Path, name: str, split: str | None = None) -> Loaded:
    """Read a file or a folder; raises BadInputError with one clear line where that is not possible."""
    several = matching(name, split)
    if several is None and not path.exists():
        raise BadInputError("there is no such file or folder", source=name)
    try:
        if several is not None:
            return _several(*several)
        if path.is_dir():
            return _folder(path, name, split)
        if path.stat().st_size == 0:
            raise BadInputError("the file is empty", source=name)
        return _reader(path, name)(path, name)
    except pa.ArrowException as error:
        raise BadInputError(f"cannot be read: {first_line(error)}", source=name) from error
    except (OSError, EOFError) as error:
        raise BadInputError(f"cannot be read: {first_line(error)}", source=name) from error


def _reader(path: Path, name: str) -> Callable[[Path, str], Loaded]:
    suffix = suffix_of(path)
    if suffix in READERS:
        return READERS[suffix]
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"PAR1"):
        return _parquet
    if head.startswith(b"ARROW1"):
        return _arrow
    if head.startswith(b"SQLite") or b"DUCK" in head:
        raise BadInputError(
            "is a database", source=name, expected="a connection URL such as duckdb://file.db?table=votes"
        )
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return load_json
    known = ", ".join(READERS)
    raise BadInputError(f"unknown kind of file '{suffix}'", source=name, expected=f"{known} or .gz or .zst of these")


def _parquet(path: Path, name: str) -> Loaded:
    try:
        found = _checked(pq.ParquetFile(path).read())
        check_one_parquet(path, name)
        return found
    except (pa.ArrowException, OSError) as error:
        raise BadInputError(f"is not a complete Parquet file: {first_line(error)}", source=name) from error


def _arrow(path: Path, name: str) -> Loaded:
    with pa.memory_map(str(path)) as file:
        try:
            reader = pa.ipc.open_file(file)
        except pa.ArrowInvalid:
            file.seek(0)
            reader = None
        try:
            if reader is not None:
                return _checked(reader.read_all())
            table = pa.ipc.open_stream(file).read_all()
            if file.tell() < file.size():
                raise BadInputError(
                    f"goes on after its last row, at byte {file.tell() + 1:,}",
                    source=name,
                    expected="one Arrow stream; several of them in files of their own",
                )
            check_stream_ends(path, name)
            return _checked(table)
        except (pa.ArrowException, OSError) as error:
            raise BadInputError(f"is not a complete Arrow file: {first_line(error)}", source=name) from error


def _checked(table: pa.Table) -> Loaded:
    """A table that is safe to use: offsets of a damaged file may point anywhere, which would end the process."""
    table.validate(full=True)
    return Loaded(table)


def table_files(path: Path, name: str, split: str | None) -> RowsInFiles | None:
    """The Parquet or Arrow files of a path, without reading their rows; None for what is something else."""
    if path.is_dir():
        found = _files_of(path, name, split)
        return None if found.kind == "text" else RowsInFiles(TableFiles.of(found.files, found.kind), found.notes)
    several = matching(name, split)
    if several is not None:
        files, notes = several
        parquet = {suffix_of(file) for file in files} <= set(PARQUET)
        return RowsInFiles(TableFiles.of(files, "parquet"), notes) if parquet else None
    reader = _reader(path, name)
    if reader is not _parquet and reader is not _arrow:
        return None
    return RowsInFiles(TableFiles.of([path], "parquet" if reader is _parquet else "arrow"))


@dataclass(frozen=True)
class _Folder:
    """What is read of a folder: its files, all of one kind."""

    files: tuple[Path, ...]
    kind: str
    notes: tuple[str, ...] = ()


def _folder(path: Path, name: str, split: str | None) -> Loaded:
    found = _files_of(path, name, split)
    if found.kind == "text":
        return _several(found.files, found.notes)
    read = _parquet if found.kind == "parquet" else _arrow
    tables = [read(file, str(file)).table for file in found.files]
    # Metadata may differ from file to file (pandas writes row ranges there), and null columns have other types.
    table = pa.concat_tables([t.replace_schema_metadata() for t in tables], promote_options="permissive")
    check_texts([t.schema for t in tables], table.schema)
    same = common_metadata([t.schema.metadata for t in tables])
    return Loaded(table.replace_schema_metadata(same or None), notes=found.notes)


def _files_of(path: Path, name: str, split: str | None) -> _Folder:
    if (path / "dataset_dict.json").is_file():
        splits = _list_in(path / "dataset_dict.json", "splits")
        if not splits or not all(isinstance(s, str) and _is_name(s) for s in splits):
            raise BadInputError(
                "does not name its splits", source=f"{name}/dataset_dict.json", expected="names of folders"
            )
        chosen, notes = choose_split(splits, split, name)
        if not (path / chosen).is_dir() or (path / chosen / "dataset_dict.json").exists():
            raise BadInputError("is not the folder of a split", source=f"{name}/{chosen}", expected="a saved data set")
        inner = _files_of(path / chosen, f"{name}/{chosen}", None)
        return replace(inner, notes=(*notes, *inner.notes))
    if (path / "state.json").is_file():
        listed = _list_in(path / "state.json", "_data_files")
        names = [file.get("filename") if isinstance(file, dict) else None for file in listed]
        if not all(isinstance(n, str) and _is_name(n) for n in names):
            raise BadInputError("does not name its files", source=f"{name}/state.json", expected="filename of each")
        return _some([path / str(n) for n in names], "arrow", name)
    found, notes = parts_in(path, name, split)
    return _some(found, "text" if found and suffix_of(found[0]) not in PARQUET else "parquet", name, notes)


def _some(files: Sequence[Path], kind: str, name: str, notes: tuple[str, ...] = ()) -> _Folder:
    if not files:
        raise BadInputError(
            "is a folder without data",
            source=name,
            expected="files of Parquet, JSON lines or CSV, or what datasets' save_to_disk writes",
        )
    return _Folder(tuple(files), kind, notes)


def _several(files: Sequence[Path], notes: tuple[str, ...]) -> Loaded:
    """Several files as one table; rows are numbered on from file to file."""
    parts, said, before = [], [], 0
    for file in files:
        part = _reader(file, str(file))(file, str(file))
        said.append(part.table.schema.metadata)
        numbers = np.arange(1, len(part.table) + 1) if part.numbers is None else part.numbers
        broken = tuple(replace(row, number=row.number + before) for row in part.broken)
        parts.append(Loaded(part.table.replace_schema_metadata(), broken, numbers + before, part.notes))
        before = max([before, *(int(n) + before for n in numbers[-1:]), *(row.number for row in broken)])
    joined = join_parts(parts)
    table = joined.table.replace_schema_metadata(common_metadata(said) or None)
    return replace(joined, table=table, notes=(*notes, *joined.notes))


def _list_in(path: Path, key: str) -> list[Any]:
    """The list under a key of a JSON file that ``datasets`` wrote."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"is not JSON: {first_line(error)}", source=str(path)) from error
    found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, list):
        raise BadInputError(f"has no list '{key}'", source=str(path), expected="what datasets' save_to_disk writes")
    return found


def _is_name(text: str) -> bool:
    """Whether a text is the name of something in a folder, not a way out of it."""
    return text not in ("", ".", "..") and not set(text) & set("/\\\0")


READERS: dict[str, Callable[[Path, str], Loaded]] = {
    ".jsonl": load_json_lines,
    ".ndjson": load_json_lines,
    ".json": load_json,
    ".csv": load_csv,
    ".tsv": load_csv,
    ".parquet": _parquet,
    ".pq": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".ipc": _arrow,
}
