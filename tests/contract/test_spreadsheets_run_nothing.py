"""Point 9 of the contract, spreadsheets: no cell of a CSV that we write is a formula, and we read it back unchanged."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest
from containers import csv_text, json_lines
from containers import file as write
from flat_shapes import FLAT
from hostile import names, texts
from hypothesis import given
from hypothesis import strategies as st
from kept_contract import Table, empty_folder, examples, tables
from written import Row

import votewise
from shell import refused, shell
from votewise.sources import read_votes
from votewise.storage.spreadsheet_cells import FORMULA, quoted_cells, unquoted_cells

pytestmark = pytest.mark.slow

cells = (
    texts() | names() | st.builds("".join, st.lists(st.sampled_from([*FORMULA, "'", "1", "\n", '"', ","]), max_size=4))
)


@examples(60)
@given(st.lists(cells, min_size=1, max_size=5))
def test_a_quoted_cell_is_no_formula_and_is_read_back_as_it_was(values: list[str]) -> None:
    name = values[0]
    written = quoted_cells(pa.table({name: [*values, None]}))
    assert not any(text.startswith(FORMULA) for text in [*written.column_names, *written[0].to_pylist()[:-1]])
    back = unquoted_cells(written)
    assert (back.column_names, back[0].to_pylist()) == ([name], [*values, None])


@examples(8)
@given(tables(FLAT["plain, every column"]))
def test_a_csv_of_simulated_votes_holds_no_formula_and_reads_back_unchanged(drawn: Table) -> None:
    rows = [row | {"domain": f"={row['domain']}", "model_a": "=m(1)", "model_b": "'@n"} for row in drawn[0]]
    with empty_folder() as folder:
        path = write(folder, "votes.jsonl", json_lines(rows))
        found = {}
        for suffix in ("csv", "parquet"):
            out = folder / f"made.{suffix}"
            ended = shell("simulate", "annotators", path, "--out", out, "--votes-per-pair", 2, "--annotators", 2)
            if ended.code:
                refused(ended)
                return
            found[suffix] = read_votes(out)
        check_cells(folder / "made.csv")
        csv_votes, votes = found["csv"], found["parquet"]
        assert csv_votes.texts.to_pylist() == votes.texts.to_pylist()  # type: ignore[union-attr]
        assert list(csv_votes.domain_ids) == list(votes.domain_ids)
        assert csv_votes.sign.tolist() == votes.sign.tolist()
        columns = ["prompt", "response_a", "response_b", "model_a", "model_b", "domain"]
        assert csv_votes.table.select(columns).to_pylist() == votes.table.select(columns).to_pylist()  # type: ignore[union-attr]


@examples(8)
@given(st.lists(names(), min_size=2, max_size=2, unique=True), st.lists(cells, min_size=1, max_size=3, unique=True))
def test_csv_files_of_clicks_and_of_matrices_hold_no_formula(models: list[str], columns: list[str]) -> None:
    rows = [
        {"prompt": f"={i}", "model_a": models[0], "model_b": models[1], "response_a": "+a", "response_b": "-b",
         "winner": "ab"[i % 2], "probability": 0.5 + i / 20}
        | {f"{name}note": f"{'=+-@'[i % 4]}{i}" for name in columns}
        for i in range(6)
    ]  # fmt: skip
    with empty_folder() as folder:
        path = write(folder, "rows.jsonl", json_lines(rows))
        ended = shell("evaluate", "matrix", path, "--column", "winner", "--out", folder / "m", "--no-report")
        if ended.code:
            refused(ended)
        else:
            check_cells(folder / "m" / "matrix.csv")
        words = ["--users", 3, "--comparisons-per-user", 4, "--texts", "--out"]
        for suffix in ("csv", "parquet"):
            ended = shell("simulate", "users", path, *words, folder / f"clicks.{suffix}")
            if ended.code:
                refused(ended)
                return
        check_cells(folder / "clicks.csv")
        both = [votewise.read(str(folder / f"clicks.{suffix}")).votes.table for suffix in ("csv", "parquet")]
        texts = [name for name in both[0].column_names if pa.types.is_large_string(both[1].schema.field(name).type)]  # type: ignore[union-attr]
        assert both[0].select(texts).to_pylist() == both[1].select(texts).to_pylist()  # type: ignore[union-attr]


def check_cells(path: Path) -> None:
    """No text in a CSV begins as a formula does; numbers may be negative."""
    lines = csv.reader(io.StringIO(path.read_text("utf-8"), newline=""))
    for cell in (cell for line in lines for cell in line if cell.startswith(FORMULA)):
        float(cell)


def test_only_our_own_csv_files_are_read_without_apostrophes() -> None:
    rows: list[Row] = [{"annotator": "'=w", "pair": "'-1", "label": "a", "note": "'@x"}]
    with empty_folder() as folder:
        votes = read_votes(write(folder, "votes.csv", csv_text(rows).encode()))
        assert votes.annotator_ids.to_pylist() == ["'=w"]
        assert votes.table is not None
        assert votes.table["note"].to_pylist() == ["'@x"]
