"""Point 8 of the contract: splits stay apart. A data set with train and test is read one split at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from containers import csv_text, file, json_lines, saved_data_set, table
from facts import check_votes, found_facts
from flat_shapes import FLAT
from kept_contract import empty_folder
from nested_shapes import NESTED
from test_one_path import on_read_tables
from truth import TrueVote
from written import Row

from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.sources import read_votes

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""

SHAPES = FLAT | NESTED


def saved(rows: list[Row], folder: Path) -> None:
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}', "utf-8")
    for split in ("train", "test"):
        (folder / split).mkdir()
        saved_data_set(rows if split == "train" else rows[:1], folder / split)


def shards(rows: list[Row], folder: Path) -> None:
    (folder / "data").mkdir()
    pq.write_table(table(rows), folder / "data" / "train-00000-of-00001.parquet")
    pq.write_table(table(rows[:1]), folder / "data" / "test-00000-of-00001.parquet")


def named_files(rows: list[Row], folder: Path) -> None:
    file(folder, "train.jsonl", json_lines(rows))
    file(folder, "test.jsonl", json_lines(rows[:1]))


def named_folders(rows: list[Row], folder: Path) -> None:
    for split, part in (("train", rows), ("test", rows[:1])):
        (folder / split).mkdir()
        file(folder / split, "part.jsonl", json_lines(part))


def named_tables(rows: list[Row], folder: Path) -> None:
    file(folder, "train.csv", csv_text(rows).encode())
    file(folder, "test.csv", csv_text(rows[:1]).encode())


@pytest.mark.parametrize("lay_out", [saved, shards, named_files, named_folders, named_tables])
@pytest.mark.parametrize("name", SHAPES)
def test_one_split_is_read_and_the_others_are_named(name: str, lay_out: Callable[[list[Row], Path], None]) -> None:
    shape = SHAPES[name]
    if lay_out is named_tables and not shape.flat:
        return

    def apart(rows: list[Row], expected: list[TrueVote], _: Votes) -> None:
        with empty_folder() as folder:
            lay_out(rows, folder)
            votes = read_votes(folder)
            check_votes(votes, expected, joined=shape.joined)
            assert votes.reading is not None
            assert "The split 'train' is read; left out: test." in votes.reading.notes
            assert found_facts(read_votes(folder, split="train")) == found_facts(votes)
            with pytest.raises(BadInputError, match="there is no split 'dev'"):
                read_votes(folder, split="dev")

    on_read_tables(shape, 1, apart)
