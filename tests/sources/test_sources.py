"""Files, folders and tables of every kind, good and bad."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from votewise.errors import BadInputError
from votewise.sources import read_votes

REAL = Path(__file__).parents[3] / "shared" / "data" / "convincing_arguments.parquet"
ROWS = [
    {
        "pair": "p1",
        "prompt": "Hi, you",
        "response_a": 'say "x"\nor',
        "response_b": "y",
        "annotator": "007",
        "label": "a",
    },
    {
        "pair": "p1",
        "prompt": "Hi, you",
        "response_a": 'say "x"\nor',
        "response_b": "y",
        "annotator": "008",
        "label": "b",
    },
    {"pair": "p2", "prompt": "Hi", "response_a": "ü", "response_b": "z", "annotator": "007", "label": "tie"},
]
TABLE = pa.Table.from_pylist(ROWS)


def write_csv(path: Path, rows: list[dict[str, Any]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def expect(source: Any, message: str, **settings: Any) -> BadInputError:
    """Reading must fail with one line that matches."""
    with pytest.raises(BadInputError, match=message) as error:
        read_votes(source, **settings)
    assert "\n" not in str(error.value)
    return error.value


@pytest.mark.parametrize(
    "kind",
    ["csv", "tsv", "semicolons", "csv.gz", "jsonl.gz", "json lines in .json", "one list in an object", "bom",
     "parquet", "feather", "ipc stream", "folder", "saved dataset", "saved dict", "no suffix"],
)  # fmt: skip
def test_files_and_folders(kind: str, tmp_path: Path) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    path = tmp_path / "votes"
    match kind:
        case "csv" | "tsv":
            path = write_csv(tmp_path / f"votes.{kind}", ROWS, {"csv": ",", "tsv": "\t"}[kind])
        case "semicolons":
            path = write_csv(tmp_path / "votes.csv", ROWS, ";")
        case "csv.gz":
            path = tmp_path / "votes.csv.gz"
            path.write_bytes(gzip.compress(write_csv(tmp_path / "votes.csv", ROWS).read_bytes()))
        case "jsonl.gz":
            path = tmp_path / "votes.jsonl.gz"
            path.write_bytes(gzip.compress(lines.encode()))
        case "json lines in .json":
            path = tmp_path / "votes.json"
            path.write_text(lines, "utf-8")
        case "one list in an object":
            path = tmp_path / "votes.json"
            path.write_text(json.dumps({"version": 1, "votes": ROWS}), "utf-8")
        case "bom":
            path = tmp_path / "votes.jsonl"
            path.write_text(lines, "utf-8-sig")
        case "parquet":
            path = tmp_path / "votes.parquet"
            pq.write_table(TABLE, path)
        case "feather":
            path = tmp_path / "votes.feather"
            feather.write_feather(TABLE, str(path))
        case "ipc stream":
            path = tmp_path / "votes.arrow"
            with pa.ipc.new_stream(path, TABLE.schema) as file:
                file.write_table(TABLE)
        case "folder":
            (path / "data").mkdir(parents=True)
            pq.write_table(TABLE[:1], path / "data" / "a-0.parquet")
            pq.write_table(TABLE[1:], path / "data" / "a-1.parquet")
        case "saved dataset":
            datasets.Dataset.from_list(ROWS).save_to_disk(path)
        case "saved dict":
            datasets.DatasetDict({"train": datasets.Dataset.from_list(ROWS)}).save_to_disk(path)
        case "no suffix":
            path.write_text(lines, "utf-8")
    check(read_votes(path))
    check(read_votes(str(path)))


def check(votes: Any) -> None:
    assert votes.annotator_ids.to_pylist() == ["007", "008"]
    assert votes.pair_ids.to_pylist() == ["p1", "p2"]
    assert votes.sign.tolist() == [1, -1, 0]
    assert votes.texts.to_pylist()[0] == {k: ROWS[0][k] for k in ("prompt", "response_a", "response_b")}
    assert votes.table.select(TABLE.column_names).to_pylist() == ROWS


class Stream:
    """Something that has Arrow's C stream interface and nothing else."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return TABLE.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        ROWS,
        pd.DataFrame(ROWS),
        pd.DataFrame(ROWS).astype("category"),
        pl.DataFrame(ROWS),
        pl.DataFrame(ROWS).lazy(),
        pl.DataFrame(ROWS).with_columns(pl.col("label").cast(pl.Categorical)),
        datasets.Dataset.from_list(ROWS),
        datasets.Dataset.from_list([*ROWS[1:], ROWS[0]]).select([2, 0, 1]),
        datasets.DatasetDict({"train": datasets.Dataset.from_list(ROWS)}),
        Stream(),
        TABLE.cast(pa.schema([(f.name, pa.string_view()) for f in TABLE.schema])),
    ],
    ids=lambda table: type(table).__name__,
)
def test_tables(table: Any) -> None:
    check(read_votes(table))


def test_annotators_may_be_numbers_with_gaps_beside_them() -> None:
    frame = pd.DataFrame(ROWS).assign(annotator=[1.0, np.nan, 2.0])
    votes = read_votes(frame)
    assert votes.annotator_ids.to_pylist() == ["1", "(unknown)", "2"]


@pytest.mark.slow
def test_a_csv_with_huge_fields(tmp_path: Path) -> None:
    rows = [row | {"response_a": "x" * 10_000_000} for row in ROWS[:2]] + [ROWS[2] | {"response_a": "y" * 30_000_000}]
    votes = read_votes(write_csv(tmp_path / "votes.csv", rows))
    assert len(votes.texts.column("response_a")[1].as_py()) == 30_000_000


def test_missing_empty_and_useless_paths(tmp_path: Path) -> None:
    expect(tmp_path / "none.csv", "none.csv: there is no such file or folder")
    expect(tmp_path, "is a folder without data")
    for name in ("a.jsonl", "a.json", "a.csv", "a.parquet", "a.arrow"):
        (tmp_path / name).touch()
        expect(tmp_path / name, "the file is empty")
    (tmp_path / "head.csv").write_text("annotator,label,pair\n", "utf-8")
    expect(tmp_path / "head.csv", "there are no rows")
    (tmp_path / "blank.jsonl").write_text("\n\n", "utf-8")
    expect(tmp_path / "blank.jsonl", "there are no rows")
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04")
    expect(tmp_path / "a.xlsx", r"unknown kind of file '.xlsx' \(expected .jsonl")
    (tmp_path / "db").write_bytes(b"SQLite format 3\0")
    expect(tmp_path / "db", "is a database .expected a connection URL")
    datasets.DatasetDict({"train": datasets.Dataset.from_list(ROWS), "test": datasets.Dataset.from_list(ROWS)}
                         ).save_to_disk(tmp_path / "both")  # fmt: skip
    assert read_votes(tmp_path / "both").reading.notes[0] == "The split 'train' is read; left out: test."
    expect(tmp_path / "both", "there is no split 'dev' .expected one of them: --split test", split="dev")
    expect(3, "cannot read votes from a builtins.int")
    expect([1], "row 1: is not a dict, got 1")
    expect([], "there are no rows")


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "csv.gz"])
def test_truncated_files(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"votes.{suffix}"
    match suffix:
        case "parquet":
            pq.write_table(TABLE, path)
        case "arrow":
            feather.write_feather(TABLE, str(path), compression="uncompressed")
        case _:
            path.write_bytes(gzip.compress(write_csv(tmp_path / "votes.csv", ROWS * 100).read_bytes()))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    expect(path, f"votes.{suffix}: (is not a complete|cannot be read)")


def test_invalid_utf8_says_where(tmp_path: Path) -> None:
    line = json.dumps(ROWS[0]).encode()
    path = tmp_path / "votes.jsonl"
    path.write_bytes(line + b"\n" + line.replace(b"Hi", b"\xff\xfe") + b"\n")
    expect(path, "row 2: invalid UTF-8 at byte 27 of the line")
    assert read_votes(path, on_error="skip").reading.rejected == 1
    path = tmp_path / "votes.json"
    path.write_bytes(b"[" + line + b",\n" + line.replace(b"Hi", b"\xff\xfe") + b"]")
    expect(path, "invalid UTF-8 at byte [0-9]+, line 2")
    path = write_csv(tmp_path / "votes.csv", ROWS)
    path.write_bytes(path.read_bytes().replace("ü".encode(), b"\xfc"))
    expect(path, "row 3, column 'response_a': invalid UTF-8 at byte 1 of the field")
    votes = read_votes(path, on_error="skip")
    assert (votes.reading.read, votes.reading.kept, votes.reading.rejected) == (3, 2, 1)
    path.write_bytes("frägé,label\nu,a\n".encode("cp1252"))
    expect(path, "invalid UTF-8 at byte 3 of the header .*cp1252")


@pytest.mark.parametrize("name", ["votes.csv", "votes.csv.gz", "votes.csv.zst", "votes.jsonl", "votes.jsonl.ZST"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_compressed_and_utf16_files_are_read(tmp_path: Path, name: str, encoding: str) -> None:
    line = '{"annotator": "Zoë", "label": "a", "pair": "p"}\n' if "json" in name else "annotator,label,pair\nZoë,a,p\n"
    data = line.encode(encoding)
    if name.endswith("gz"):
        data = gzip.compress(data)
    elif name.lower().endswith("zst"):
        data = pa.compress(data, "zstd", asbytes=True)
    path = tmp_path / name
    path.write_bytes(data)
    votes = read_votes(path)
    assert (votes.reading.kept, votes.table.column("annotator").to_pylist()) == (1, ["Zoë"])


def test_broken_lines_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    lines = [json.dumps(ROWS[0]), "{broken", "", "[1, 2]", json.dumps(ROWS[2])]
    path.write_text("\n".join(lines), "utf-8")
    expect(path, "row 2: is not JSON: .* at character 2")
    rejects = tmp_path / "rejected.jsonl"
    votes = read_votes(path, on_error="skip", rejects=rejects)
    assert votes.row.tolist() == [0, 4]
    assert (votes.reading.read, votes.reading.kept, votes.reading.rejected) == (4, 2, 2)
    entries = [json.loads(line) for line in rejects.read_text("utf-8").splitlines()]
    assert [(e["row"], e["record"]) for e in entries] == [(2, "{broken"), (4, "[1, 2]")]


def test_csv_rows_of_a_different_length_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text('annotator,label,pair\nu1,a,"p\n1"\nu2,b\nu3,b,p2,x\nu4,c,p2\nu5,b,p2\n', "utf-8")
    expect(path, "row 2: has 2 fields, got .u2,b. .expected 3")
    votes = read_votes(path, on_error="skip")
    assert votes.row.tolist() == [0, 4]
    assert votes.reading.rejected == 3


def test_json_that_is_not_a_list_of_objects(tmp_path: Path) -> None:
    path = tmp_path / "votes.json"
    for text, message in (
        ("[1", "is not JSON: .* at line 1"),
        ("3", "does not contain a list"),
        ('{"a": [{"x": 1}], "b": [{"x": 1}]}', "several lists of objects: a, b"),
        ("[3]", "row 1: is not an object, got .3."),
    ):
        path.write_text(text, "utf-8")
        expect(path, message)


def test_column_names_that_repeat(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text("annotator,label,pair,label\nu1,a,p,b\n", "utf-8")
    expect(path, "column 'label': several columns have this name")
    expect(pd.DataFrame([["u", "a", "a"]], columns=["annotator", "label", "label"]), "several columns have this name")
    parquet = tmp_path / "votes.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["u"])] * 2, names=["x", "x"]), parquet)
    expect(parquet, "several columns have this name")


def test_reading_imports_no_database_or_dataframe_library(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    path.write_text(json.dumps(ROWS[0]), "utf-8")
    code = (
        f"import sys; from votewise.sources import read_votes; read_votes({str(path)!r});"
        "print([m for m in ('ibis', 'duckdb', 'polars', 'datasets', 'altair', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(not REAL.is_file(), reason="the folder with the real votes is not beside the repository")
def test_the_real_votes() -> None:
    votes = read_votes(REAL)
    reading = votes.reading
    assert (len(votes), votes.n_annotators, votes.n_pairs) == (41_742, 3_487, 8_369)
    assert (reading.ties, reading.repeated, reading.rejected, reading.skipped) == (9_248, 0, 0, 0)
    assert votes.table.num_rows == 41_742
    assert np.isfinite(votes.time).all()
    by_topic = read_votes(REAL, columns={"domain": "topic"})
    assert len(by_topic.domain_ids) == 16
