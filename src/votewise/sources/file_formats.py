"""Files and folders -> tables: JSON, JSON lines, CSV, Parquet, Arrow, Parquet folders, saved ``datasets`` folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from votewise.errors import BadInputError
from votewise.sources.csv_files import load_csv
from votewise.sources.json_files import load_json, load_json_lines
from votewise.sources.loaded import Loaded


def load_path(path: Path, name: str) -> Loaded:
    """Read a file or a folder; raises BadInputError with one clear line where that is not possible."""
    if not path.exists():
        raise BadInputError("there is no such file or folder", source=name)
    try:
        if path.is_dir():
            return Loaded(_folder(path, name))
        if path.stat().st_size == 0:
            raise BadInputError("the file is empty", source=name)
        return _reader(path, name)(path, name)
    except pa.ArrowException as error:
        raise BadInputError(f"cannot be read: {_first_line(error)}", source=name) from error
    except (OSError, EOFError) as error:
        raise BadInputError(f"cannot be read: {_first_line(error)}", source=name) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _reader(path: Path, name: str) -> Callable[[Path, str], Loaded]:
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
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
    raise BadInputError(f"unknown kind of file '{suffix}'", source=name, expected=f"{known} or .gz of these")


def _parquet(path: Path, name: str) -> Loaded:
    try:
        return Loaded(pq.ParquetFile(path).read())
    except (pa.ArrowException, OSError) as error:
        raise BadInputError(f"is not a complete Parquet file: {_first_line(error)}", source=name) from error


def _arrow(path: Path, name: str) -> Loaded:
    with pa.memory_map(str(path)) as file:
        try:
            return Loaded(pa.ipc.open_file(file).read_all())
        except pa.ArrowInvalid:
            file.seek(0)
        try:
            return Loaded(pa.ipc.open_stream(file).read_all())
        except (pa.ArrowException, OSError) as error:
            raise BadInputError(f"is not a complete Arrow file: {_first_line(error)}", source=name) from error


def _folder(path: Path, name: str) -> pa.Table:
    if (path / "dataset_dict.json").is_file():
        splits = json.loads((path / "dataset_dict.json").read_text("utf-8")).get("splits", [])
        if len(splits) != 1:
            found = f"contains the splits {', '.join(splits)}"
            raise BadInputError(found, source=name, expected=f"one, e.g. {name}/train")
        return _folder(path / splits[0], f"{name}/{splits[0]}")
    if (path / "state.json").is_file():
        files = [path / f["filename"] for f in json.loads((path / "state.json").read_text("utf-8"))["_data_files"]]
        tables = [_arrow(file, str(file)).table for file in files]
    else:
        tables = [_parquet(file, str(file)).table for file in sorted(path.rglob("*.parquet"))]
    if not tables:
        raise BadInputError(
            "is a folder without data", source=name, expected="Parquet files, or what datasets' save_to_disk writes"
        )
    # Metadata may differ from file to file (pandas writes row ranges there), and columns of nulls have a type of their own.
    return pa.concat_tables([t.replace_schema_metadata() for t in tables], promote_options="permissive")


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
