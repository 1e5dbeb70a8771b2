"""What is lost in silence where a file or a folder is not whole, or holds something twice, is refused in one line."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import struct
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import votewise
from damage import as_arrow, as_lines, as_parquet, good_rows
from shell import process
from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.containers.table_file import TableFile

ROWS, OTHERS = good_rows(random.Random(1)), good_rows(random.Random(1))


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def test_parquet_files_one_after_the_other_are_no_parquet_file(tmp_path: Path) -> None:
    # With equal layouts the description of the second fits the rows of the first, so that every library reads these.
    path = write(tmp_path / "votes.parquet", as_parquet(ROWS) + as_parquet(OTHERS))
    assert pq.read_table(path).num_rows == len(ROWS)
    with pytest.raises(BadInputError, match="several Parquet files one after the other"):
        read_votes(path)
    with pytest.raises(BadInputError, match="several Parquet files one after the other"):
        TableFile.of(path, "parquet")


def test_a_log_of_clicks_of_two_parquet_files_is_refused(tmp_path: Path) -> None:
    rows = [{"user": f"u{i % 3}", "model_a": "m", "model_b": "n", "winner": "model_a"} for i in range(30)]
    path = write(tmp_path / "clicks.parquet", as_parquet(rows) * 2)
    with pytest.raises(BadInputError, match="several Parquet files one after the other"):
        votewise.filter_clicks(path, win_rate=0.7, out=tmp_path / "kept", report=False)
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("text", ["PAR1PAR1", "\4\0\0\0PAR1", "PAR1" * 99])
def test_texts_like_the_marks_of_files_are_texts(tmp_path: Path, text: str) -> None:
    rows = [row | {"prompt": text} for row in ROWS]
    table, path = pa.Table.from_pylist(rows), tmp_path / "votes.parquet"
    pq.write_table(table, path, compression="none", write_page_index=True)
    assert len(read_votes(path)) == len(read_votes(rows))
    assert TableFile.of(path, "parquet").rows == len(rows)


def test_an_arrow_stream_without_its_end_is_not_whole(tmp_path: Path) -> None:
    whole = as_arrow(ROWS, stream=True)
    assert len(read_votes(write(tmp_path / "votes.arrow", whole))) == len(ROWS)
    path = write(tmp_path / "votes.arrow", whole[:-8])
    assert pa.ipc.open_stream(path).read_all().num_rows == len(ROWS)
    with pytest.raises(BadInputError, match="ends without an end mark"):
        read_votes(path)
    with pytest.raises(BadInputError, match="ends without an end mark"):
        TableFile.of(path, "arrow")


TWICE = '{"annotator": "w", "pair": "p", "label": "a", "label": "b"}'


@pytest.mark.parametrize("offset", [2**30, 10**6, -5])
def test_lists_that_point_out_of_an_arrow_file_are_one_line(tmp_path: Path, offset: int) -> None:
    rows = [row | {"tags": ["s", "t", "u"]} for row in ROWS]
    data = as_arrow(rows)
    ends = struct.pack(f"<{len(rows) + 1}i", *range(0, 3 * len(rows) + 1, 3))
    assert data.count(ends) == 1
    path = write(tmp_path / "votes.arrow", data.replace(ends, ends[:-4] + struct.pack("<i", offset)))
    # In a process of its own, because these have ended it.
    ended = subprocess.run(process("read", path), capture_output=True, text=True, check=False)
    assert (ended.returncode, len(ended.stderr.strip().splitlines())) == (2, 1), ended


def test_an_entry_that_is_there_twice_is_not_read_as_the_last_one(tmp_path: Path) -> None:
    lines = [json.dumps({"annotator": f"w{i}", "pair": "p", "label": "a"}) for i in range(3)]
    path = write(tmp_path / "votes.jsonl", "\n".join([*lines, TWICE]).encode())
    with pytest.raises(BadInputError, match="row 4: has two entries 'label'"):
        read_votes(path)
    left = read_votes(path, on_error="skip")
    assert left.reading is not None
    assert (len(left), left.reading.rejected) == (3, 1)
    with pytest.raises(BadInputError, match="has two entries 'label'"):
        read_votes(write(tmp_path / "votes.json", ("[" + ",".join([*lines, TWICE]) + "]").encode()))


def shards(folder: Path, numbers: list[int]) -> None:
    for number in numbers:
        write(folder / f"train-{number:05}-of-00003.jsonl", as_lines(ROWS[8 * number : 8 * number + 8]))


def test_a_folder_that_lacks_parts_is_refused_and_a_pattern_says_so(tmp_path: Path) -> None:
    shards(tmp_path, [0, 2])
    with pytest.raises(BadInputError, match=r"lacks 1 of the 3 parts .* train-00001-of-00003 .*\*\.jsonl"):
        read_votes(tmp_path)
    votes = read_votes(f"{tmp_path}/*.jsonl")
    assert len(votes) == 16
    assert votes.reading is not None
    assert any("lacks 1 of the 3 parts" in note for note in votes.reading.notes)
    shards(tmp_path, [1])
    assert len(read_votes(tmp_path)) == 24


@pytest.mark.parametrize("how", ["packed", "linked"])
def test_a_file_that_is_there_twice_counts_once_or_not_at_all(tmp_path: Path, how: str) -> None:
    path = write(tmp_path / "in" / "votes.jsonl", as_lines([row | {"annotator": None} for row in ROWS]))
    assert len(read_votes(path.parent)) == len(ROWS)
    if how == "packed":
        path.with_name("votes.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    else:
        path.with_name("again.jsonl").symlink_to(path)
    with pytest.raises(BadInputError, match="holds the same file twice"):
        read_votes(path.parent)
    with pytest.raises(BadInputError, match="holds the same file twice"):
        read_votes(f"{path.parent}/*")
    # Two files of one content are two files.
    shutil.copy(path, tmp_path / "in" / "other.jsonl")
    for file in path.parent.iterdir():
        if file.name not in ("votes.jsonl", "other.jsonl"):
            file.unlink()
    assert len(read_votes(path.parent)) == 2 * len(ROWS)


NAMES = [
    "{}-00000-of-00001-6ef3991c06080e14.jsonl", "votes_{}.jsonl", "{}_0.jsonl", "{}.part-1.jsonl", "my-{}-votes.jsonl.gz",
    "{}-data/votes.jsonl", "a {}/part.jsonl",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_splits_that_names_of_any_make_tell_stay_apart(tmp_path: Path, name: str) -> None:
    for split, rows in (("train", ROWS[:20]), ("test", ROWS[20:])):
        data = as_lines(rows)
        write(tmp_path / name.format(split), gzip.compress(data) if name.endswith(".gz") else data)
    votes = read_votes(tmp_path)
    assert votes.reading is not None
    assert len(votes) == 20
    assert "The split 'train' is read; left out: test." in votes.reading.notes
    assert len(read_votes(tmp_path, split="test")) == 5


def test_words_that_hold_the_name_of_a_split_are_none(tmp_path: Path) -> None:
    for i, name in enumerate(("contest.jsonl", "latest.jsonl", "trains.jsonl", "train_test.jsonl")):
        write(tmp_path / name, as_lines(ROWS[5 * i : 5 * i + 5]))
    assert len(read_votes(tmp_path)) == 20
    write(tmp_path / "votes_test.jsonl", as_lines(ROWS[20:]))
    with pytest.raises(BadInputError, match=r"holds the splits test, files of no split .*--split test"):
        read_votes(tmp_path)


def test_a_folder_of_two_kinds_says_which_it_reads(tmp_path: Path) -> None:
    write(tmp_path / "votes.parquet", as_parquet(ROWS[:20]))
    write(tmp_path / "more.jsonl", as_lines(ROWS[20:]))
    votes = read_votes(tmp_path)
    assert votes.reading is not None
    assert len(votes) == 20
    assert any("left out beside them: the file more.jsonl" in note for note in votes.reading.notes)
