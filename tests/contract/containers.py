"""The same rows in everything that can hold them: files of every kind and encoding, folders, globs, tables in memory."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
from written import Row

Container = Callable[[list[Row], Path], Any]
"""Rows and an empty folder -> what to give to ``read_votes``."""


def table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows)


def json_lines(rows: list[Row], *, ascii_only: bool = False) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows).encode()


def csv_text(rows: list[Row], delimiter: str = ",", *, line_end: str = "\n") -> str:
    """A CSV: every text is quoted, and what is null is an empty field."""

    def field(value: Any) -> str:
        return "" if value is None else '"' + value.replace('"', '""') + '"' if isinstance(value, str) else str(value)

    lines = [list(rows[0]), *(row.values() for row in rows)]
    return "".join(delimiter.join(map(field, line)) + line_end for line in lines)


def file(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def parquet(rows: list[Row], folder: Path) -> Path:
    pq.write_table(table(rows), folder / "votes.parquet", row_group_size=2)
    return folder / "votes.parquet"


def arrow(rows: list[Row], folder: Path) -> Path:
    found = table(rows)
    with pa.ipc.new_file(folder / "votes.arrow", found.schema) as out:
        out.write_table(found, max_chunksize=2)
    return folder / "votes.arrow"


def arrow_stream(rows: list[Row], folder: Path) -> Path:
    found = table(rows)
    with pa.ipc.new_stream(folder / "votes.ipc", found.schema) as out:
        out.write_table(found, max_chunksize=2)
    return folder / "votes.ipc"


def feather_file(rows: list[Row], folder: Path) -> Path:
    feather.write_feather(table(rows), folder / "votes.feather", compression="lz4")
    return folder / "votes.feather"


def two_parts(rows: list[Row]) -> list[list[Row]]:
    half = (len(rows) + 1) // 2
    return [part for part in (rows[:half], rows[half:]) if part]


def parquet_parts(rows: list[Row], folder: Path) -> Path:
    """Parts with the schema of the whole, as every writer of data sets makes them."""
    whole, start = table(rows), 0
    (folder / "deep").mkdir()
    for number, part in enumerate(two_parts(rows)):
        pq.write_table(whole.slice(start, len(part)), folder / "deep" / f"part-{number:05}.parquet")
        start += len(part)
    return folder


def text_parts(suffix: str, write: Callable[[list[Row]], bytes], pattern: str = "") -> Container:
    """Text files of some rows each, in a folder or found by a pattern."""

    def parts(rows: list[Row], folder: Path) -> str:
        for number, part in enumerate(two_parts(rows)):
            file(folder, f"part-{number}{suffix}", write(part))
        return str(folder / pattern) if pattern else str(folder)

    return parts


def parquet_glob(rows: list[Row], folder: Path) -> str:
    return str(parquet_parts(rows, folder) / "*" / "part-*.parquet")


def saved_data_set(rows: list[Row], folder: Path) -> Path:
    """What ``save_to_disk`` writes, made by hand: its own takes a fifth of a second."""
    whole = table(rows)
    names = []
    for number, part in enumerate(two_parts(rows)):
        names.append({"filename": f"data-{number:05}-of-00002.arrow"})
        with pa.ipc.new_stream(folder / names[-1]["filename"], whole.schema) as out:
            out.write_table(whole.slice(sum(map(len, two_parts(rows)[:number])), len(part)))
    (folder / "state.json").write_text(json.dumps({"_data_files": names, "_split": "train"}), "utf-8")
    (folder / "dataset_info.json").write_text("{}", "utf-8")
    return folder


def split_data_set(rows: list[Row], folder: Path) -> Path:
    (folder / "train").mkdir()
    (folder / "test").mkdir()
    saved_data_set(rows, folder / "train")
    saved_data_set(rows[:1], folder / "test")
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}', "utf-8")
    return folder


def pandas_frame(rows: list[Row], _: Path) -> Any:
    import pandas as pd

    return pd.DataFrame(rows, columns=list(rows[0]))


def polars_frame(rows: list[Row], _: Path) -> Any:
    import polars as pl

    return pl.from_arrow(table(rows))


def data_set(rows: list[Row], _: Path) -> Any:
    import datasets

    return datasets.Dataset(table(rows))


def json_file(rows: list[Row], folder: Path) -> Path:
    return file(folder, "votes.json", json.dumps(rows, indent=1, ensure_ascii=False).encode())


TYPED: dict[str, Container] = {
    "list": lambda rows, _: rows,
    "generator": lambda rows, _: iter(rows),
    "jsonl": lambda rows, folder: file(folder, "votes.jsonl", json_lines(rows)),
    "jsonl, ASCII": lambda rows, folder: file(folder, "votes.ndjson", json_lines(rows, ascii_only=True)),
    "jsonl, BOM": lambda rows, folder: file(folder, "votes.jsonl", b"\xef\xbb\xbf" + json_lines(rows)),
    "jsonl, UTF-16": lambda rows, folder: file(folder, "votes.jsonl", json_lines(rows).decode().encode("utf-16")),
    "jsonl, Windows": lambda rows, folder: file(folder, "votes.jsonl", json_lines(rows).replace(b"\n", b"\r\n")),
    "jsonl.gz": lambda rows, folder: file(folder, "votes.jsonl.gz", gzip.compress(json_lines(rows))),
    "jsonl.gz, two members": lambda rows, folder: file(
        folder, "votes.jsonl.gz", b"".join(gzip.compress(json_lines(part)) for part in two_parts(rows))
    ),
    "jsonl.zst": lambda rows, folder: file(
        folder, "votes.jsonl.zst", pa.compress(json_lines(rows), "zstd", asbytes=True)
    ),
    "json": json_file,
    "json, UTF-16": lambda rows, folder: file(
        folder, "votes.json", json.dumps(rows, ensure_ascii=False).encode("utf-16")
    ),
    "json, one object": lambda rows, folder: file(
        folder, "votes.json", json.dumps({"version": 1, "rows": rows}).encode()
    ),
    "json, one object after the other": lambda rows, folder: file(folder, "votes.json", json_lines(rows)),
    "json.gz": lambda rows, folder: file(folder, "votes.json.gz", gzip.compress(json.dumps(rows).encode())),
    "json.zst": lambda rows, folder: file(
        folder, "votes.json.zst", pa.compress(json.dumps(rows).encode(), "zstd", asbytes=True)
    ),
    "parquet": parquet,
    "arrow": arrow,
    "arrow stream": arrow_stream,
    "feather": feather_file,
    "folder of parquet": parquet_parts,
    "glob of parquet": parquet_glob,
    "folder of jsonl": text_parts(".jsonl", json_lines),
    "folder of jsonl.gz": text_parts(".jsonl.gz", lambda rows: gzip.compress(json_lines(rows))),
    "glob of json": text_parts(".json", lambda rows: json.dumps(rows).encode(), "part-*.json"),
    "saved data set": saved_data_set,
    "saved data set with splits": split_data_set,
    "pyarrow": lambda rows, _: table(rows),
    "pandas": pandas_frame,
    "polars": polars_frame,
    "datasets": data_set,
}
"""Containers with types."""


def csv_container(name: str, delimiter: str, encode: Callable[[str], bytes], **style: Any) -> Container:
    return lambda rows, folder: file(folder, name, encode(csv_text(rows, delimiter, **style)))


UNTYPED: dict[str, Container] = {
    "csv": csv_container("votes.csv", ",", str.encode),
    "csv, Windows": csv_container("votes.csv", ",", str.encode, line_end="\r\n"),
    "csv, semicolons": csv_container("votes.csv", ";", str.encode),
    "csv, tabs": csv_container("votes.csv", "\t", str.encode),
    "tsv": csv_container("votes.tsv", "\t", str.encode),
    "csv, BOM": csv_container("votes.csv", ",", lambda text: text.encode("utf-8-sig")),
    "csv, UTF-16": csv_container("votes.csv", ";", lambda text: text.encode("utf-16")),
    "csv, UTF-16 big-endian": csv_container("votes.csv", "\t", lambda text: b"\xfe\xff" + text.encode("utf-16-be")),
    "csv.gz": csv_container("votes.csv.gz", ",", lambda text: gzip.compress(text.encode())),
    "csv.zst": csv_container("votes.csv.zst", ",", lambda text: pa.compress(text.encode(), "zstd", asbytes=True)),
}
UNTYPED |= {
    "folder of csv": text_parts(".csv", lambda rows: csv_text(rows).encode()),
    "glob of csv.gz": text_parts(".csv.gz", lambda rows: gzip.compress(csv_text(rows).encode()), "*.csv.gz"),
}
"""Containers without types; an empty text is quoted, and nothing is null."""
