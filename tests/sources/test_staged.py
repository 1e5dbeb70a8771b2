"""Files that are staged part by part hold the rows that they hold when they are read at once."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.containers import csv_files, json_files
from votewise.sources.containers.file_formats import load_path
from votewise.sources.containers.lazy import open_table
from votewise.sources.containers.loaded import Loaded
from votewise.sources.containers.quoting import QuoteScan, unbalanced_line
from votewise.sources.containers.staged import StagedFiles, stage
from votewise.sources.values import decoded, is_marked

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""

HOSTILE = ["", "a", "007", "7", "2024-01-02", "é\u2028x", 'say "hi"', "two\nlines", "a,b;c\td", "'", " ", "\\", "=1+1"]
TEXT = st.sampled_from(HOSTILE) | st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='"\\'), max_size=8
)
VALUE = st.none() | TEXT | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.booleans()
ONE_KIND = st.sampled_from(
    [TEXT, st.integers(-9, 2**60), st.floats(allow_nan=False), st.lists(TEXT, max_size=2), VALUE]
)  # fmt: skip
FEW = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few rows, pieces and blocks of a few bytes."""
    monkeypatch.setattr(json_files, "PART_ROWS", 3)
    monkeypatch.setattr(csv_files, "PIECE", 7)
    monkeypatch.setattr(csv_files, "BLOCK", 64)


def staged(path: Path, folder: Path, *more: Path) -> tuple[pa.Table, StagedFiles]:
    folder.mkdir()
    found = stage([path, *more], folder, str(path))
    return pa.concat_tables([pq.read_table(file) for file in found.files]), found


def check_equal(path: Path, folder: Path, *, at_once: Loaded | None = None) -> None:
    """The staged table has the columns, types, values and numbers of the table that is read at once."""
    whole = at_once or load_path(path, str(path))
    table, found = staged(path, folder)
    numbers = list(range(1, len(table) + 1)) if whole.numbers is None else whole.numbers.tolist()
    assert table[found.number].to_pylist() == numbers
    assert found.broken == whole.broken
    table = table.drop_columns([found.number])
    assert table.column_names == whole.table.column_names
    for name in table.column_names:
        one, other = table.schema.field(name), whole.table.schema.field(name)
        assert is_marked(one) == is_marked(other)
        if "null" not in str(other.type):  # Parquet calls the items of lists elements
            assert str(one.type).replace("element", "item") == str(other.type)
        assert decoded(table, name) == decoded(whole.table, name)


def read_at_once(path: Path) -> Loaded:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_files, "PART_ROWS", 10**9)
        patch.setattr(csv_files, "PIECE", 1 << 22)
        patch.setattr(csv_files, "BLOCK", 1 << 24)
        return load_path(path, str(path))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".json"])
@FEW
@given(data=st.data())
def test_json_lines_in_parts(suffix: str, data: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("json")
    kinds = {name: data.draw(ONE_KIND) for name in ("user", "x", "y")}
    row = st.fixed_dictionaries(
        {"id": TEXT}, optional={name: st.none() | kind for name, kind in kinds.items()}
    ) | st.just({})
    rows = data.draw(st.lists(row, min_size=1, max_size=12).filter(any))
    text = json.dumps(rows) if suffix == ".json" else "\n".join(map(json.dumps, rows)) + "\n"
    path = folder / f"log{suffix}"
    path.write_bytes(gzip.compress(text.encode()) if suffix.endswith("gz") else text.encode())
    check_equal(path, folder / "staged", at_once=read_at_once(path))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@FEW
@given(rows=st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=12))
def test_tables_in_parts(delimiter: str, rows: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("csv")
    lines = [("user", "x", "y"), *rows]
    quoted = [delimiter.join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines]
    path = folder / "log.csv"
    path.write_text("\n".join(quoted) + "\n", encoding="utf-8", newline="")
    check_equal(path, folder / "staged", at_once=read_at_once(path))
    assert load_path(path, "log").table.to_pylist() == [dict(zip(lines[0], row, strict=True)) for row in rows]


@pytest.mark.usefixtures("small_parts")
def test_rows_that_cannot_be_parsed_keep_their_numbers(tmp_path: Path) -> None:
    lines = [f"u{i},x" if i % 5 else f"u{i},x,more" for i in range(1, 60)]
    bad = [b"u\xff,x" if i % 7 == 3 else line.encode() for i, line in enumerate(lines)]
    for name, content in {
        "ragged.csv": "\n".join(["user,y", *lines]).encode(),
        "invalid.csv": b"\n".join([b"user,y", *(line for line in bad if b"more" not in line)]),
        "broken.jsonl": b"\n".join(b'{"user": ' + (b"1}" if i % 4 else b"1") for i in range(50)),
    }.items():
        (tmp_path / name).write_bytes(content)
        whole = read_at_once(tmp_path / name)
        assert whole.broken
        check_equal(tmp_path / name, tmp_path / f"staged {name}", at_once=whole)
        with pytest.raises(BadInputError, match=f"row {whole.broken[0].number}"):
            stage([tmp_path / name], tmp_path, name, stop=True)


def test_a_row_longer_than_a_block_starts_the_file_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "BLOCK", 1 << 10)
    rows = [f"u{i},{'x' * (5000 if i == 400 else 5)}" for i in range(500)]
    (tmp_path / "log.csv").write_text("\n".join(["user,y", *rows]))
    check_equal(tmp_path / "log.csv", tmp_path / "staged")


@pytest.mark.usefixtures("small_parts")
def test_several_files_are_numbered_on(tmp_path: Path) -> None:
    for name, rows in (("a", ["1,x", "2,y"]), ("b", ["3,z", "4,w,more", "5,v"])):
        (tmp_path / f"{name}.csv").write_text("\n".join(["user,t", *rows]))
    table, found = staged(tmp_path / "a.csv", tmp_path / "staged", tmp_path / "b.csv")
    assert table["user"].to_pylist() == ["1", "2", "3", "5"]
    assert table[found.number].to_pylist() == [1, 2, 3, 5]
    assert [row.number for row in found.broken] == [4]
    whole = load_path(tmp_path / "*.csv", str(tmp_path / "*.csv"))
    assert whole.numbers is not None
    assert (whole.numbers.tolist(), whole.broken) == ([1, 2, 3, 5], found.broken)


@pytest.mark.usefixtures("small_parts")
def test_utf16_is_converted_piece_by_piece(tmp_path: Path) -> None:
    rows = [f"u{i},é𝄞{i}" for i in range(30)]
    (tmp_path / "log.csv").write_text("\n".join(["user,t", *rows]), encoding="utf-16")
    check_equal(tmp_path / "log.csv", tmp_path / "staged")
    content = (tmp_path / "log.csv").read_bytes()
    (tmp_path / "odd.csv").write_bytes(content[:-1])
    with pytest.raises(BadInputError, match="begins as UTF-16 and goes on otherwise"):
        load_path(tmp_path / "odd.csv", "odd")


@FEW
@given(content=st.text(st.sampled_from('"\\,\n\rab'), max_size=40), cuts=st.lists(st.integers(0, 40), max_size=5))
def test_quotes_in_pieces(content: str, cuts: list[int]) -> None:
    data = content.encode()
    for escape in (False, True):
        scan = QuoteScan(b",", escape=escape)
        edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
        for start, end in pairwise(edges):
            scan.feed(data[start:end])
        assert scan.finish() == unbalanced_line(data, b",", escape=escape)


def as_csv(rows: list[dict[str, Any]], delimiter: str) -> str:
    names = list(rows[0])
    quoted = ['"' + str(row[name]).replace('"', '""') + '"' for row in rows for name in names]
    lines = [delimiter.join(quoted[i : i + len(names)]) for i in range(0, len(quoted), len(names))]
    return "\n".join([delimiter.join(names), *lines]) + "\n"


def click_files(folder: Path) -> Iterator[tuple[str, Path | str]]:
    """The same clicks, with hostile names, in every kind of file."""
    rng = random.Random(3)
    users = [
        "007",
        "7",
        "2024-01-02",
        "3f2b8c1e-1111-4222-8333-444455556666",
        "a,b",
        'x "y"',
        "é",
        " lead",
        "1e5",
        "NULL",
    ]
    rows = [
        {
            "user": rng.choice(users),
            "model_a": "m",
            "model_b": "n",
            "winner": rng.choice(["model_a", "n", "tie"]),
            "t": str(i),
            "response_a": f"yes {i}",
            "response_b": f"no {i}",
        }
        for i in range(60)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    contents: dict[str, bytes] = {
        "x.jsonl": lines,
        "x.jsonl.gz": gzip.compress(lines),
        "x.json": json.dumps(rows).encode(),
        "comma.csv": as_csv(rows, ",").encode(),
        "semicolon.csv": as_csv(rows, ";").encode(),
        "tab.tsv": as_csv(rows, "\t").encode(),
        "bom.csv": as_csv(rows, ",").encode("utf-8-sig"),
        "utf16.csv": as_csv(rows, ",").encode("utf-16"),
        "x.csv.gz": gzip.compress(as_csv(rows, ",").encode()),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        yield name, folder / name
    pq.write_table(pa.Table.from_pylist(rows), folder / "x.parquet")
    yield "x.parquet", folder / "x.parquet"
    for kind in ("parquet", "csv", "jsonl"):
        (folder / kind).mkdir()
        for i in range(3):
            part = rows[20 * i : 20 * i + 20]
            if kind == "parquet":
                pq.write_table(pa.Table.from_pylist(part), folder / kind / f"{i}.parquet")
            else:
                text = as_csv(part, ",") if kind == "csv" else "".join(json.dumps(row) + "\n" for row in part)
                (folder / kind / f"{i}.{kind}").write_text(text, encoding="utf-8")
        (folder / kind / ".hidden").mkdir()
        (folder / kind / ".hidden" / f"9.{kind}").write_text("user\n?\n")
        yield f"folder of {kind}", folder / kind
        yield f"glob of {kind}", str(folder / kind / f"*.{kind}")


@pytest.mark.parametrize("in_memory", [1 << 30, 0])
def test_the_same_clicks_from_every_kind_of_file(
    in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("votewise.sources.containers.lazy.IN_MEMORY", in_memory)
    monkeypatch.setattr(json_files, "PART_ROWS", 7)
    monkeypatch.setattr(csv_files, "BLOCK", 400)
    found = {}
    votes = {}
    for name, source in click_files(tmp_path):
        with open_table(source) as opened:
            table = opened.rows.to_pyarrow().select(["user", "model_a", "model_b", "winner", "t"])
            found[name] = table.cast(pa.schema([(column, pa.string()) for column in table.column_names])).to_pylist()
        read = read_votes(source)
        votes[name] = (read.annotator_ids.to_pylist(), read.sign.tolist()) if hasattr(read, "annotator_ids") else None
    expected = found["x.jsonl"]
    assert len({row["user"] for row in expected}) == 10
    for name in found:
        assert found[name] == expected, name
        assert votes[name] == votes["x.jsonl"], name


@pytest.mark.parametrize("write", [lambda rows: as_csv(rows, ","), lambda rows: "".join(map(json.dumps, rows))])
def test_splits_of_a_folder_stay_apart(write: Callable[[Any], str], tmp_path: Path) -> None:
    suffix = "csv" if write([{"a": 1}]).startswith("a") else "jsonl"
    for split in ("train", "test"):
        (tmp_path / f"{split}.{suffix}").write_text(write([{"user": split}]) + "\n")
    for source in (tmp_path, str(tmp_path / "*")):
        with open_table(source) as opened:
            assert opened.rows.to_pyarrow()["user"].to_pylist() == ["train"]
            assert opened.notes == ("The split 'train' is read; left out: test.",)
        with open_table(source, split="test") as opened:
            assert opened.rows.to_pyarrow()["user"].to_pylist() == ["test"]


def test_staged_files_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("votewise.sources.containers.lazy.IN_MEMORY", 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "log.csv").write_text("user\nu\n")
    told: list[str] = []
    with open_table(tmp_path / "log.csv", told=told.append) as opened:
        assert opened.rows.to_pyarrow()["user"].to_pylist() == ["u"]
        assert len(list(tmp_path.iterdir())) == 2
    assert told == ["Staging log.csv"]
    assert [file.name for file in tmp_path.iterdir()] == ["log.csv"]
