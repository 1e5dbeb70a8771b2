"""What ``filter`` is told about columns, winners, questions, splits and unusable rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from contest_files import write

import votewise
from shell import shell
from votewise.errors import BadInputError

pytestmark = pytest.mark.slow
"""Each is fast; together they filter for ten seconds."""

FAST: dict[str, Any] = {"win_rate": 0.8, "prior": "beta", "report": False}


def clicks(n: int = 400, **more: Any) -> list[dict[str, Any]]:
    """Clicks of 20 users; in three of four A is chosen."""
    return [
        {"who": f"u{i % 20}", "model_a": "A", "model_b": "B", "choice": "links" if i // 20 % 4 else "rechts", "i": i}
        | more
        for i in range(n)
    ]


MAPPED: dict[str, Any] = {"columns": {"user": "who", "winner": "choice"}, "label": {"links": "a", "rechts": "b"}}
SHELL = ["--columns", "user=who", "--columns", "winner=choice", "--label", "links=a", "--label", "rechts=b"]


def test_columns_and_winners_are_mapped() -> None:
    found = votewise.filter_clicks(pa.Table.from_pylist(clicks()), **FAST, **MAPPED)
    assert found.counts.users @ found.counts.wins == 300
    assert found.summary["columns"] == {"user": "who", "a": "model_a", "b": "model_b", "winner": "choice"}
    same = votewise.filter_clicks(
        pa.Table.from_pylist(clicks()),
        **FAST,
        user="who",
        columns={"label": "choice"},
        label={"LINKS": "a", "rechts ": "b"},
    )
    assert same.summary["counts"] == found.summary["counts"]


def test_numbers_and_skips_among_winners() -> None:
    rows = [row | {"choice": 3 if row["i"] < 40 else 1 + (row["choice"] == "rechts")} for row in clicks()]
    labels = {"1": "a", "2": "b", "3": "skip"}
    found = votewise.filter_clicks(rows, **FAST, columns=MAPPED["columns"], label=labels)
    assert found.summary["skipped"] == {"no vote": 40}
    assert found.summary["counts"]["comparisons"] == 360
    said = [row | {"choice": "skipped" if row["i"] < 40 else "model_a"} for row in clicks()]
    found = votewise.filter_clicks(said, **FAST, columns=MAPPED["columns"])
    assert found.summary["skipped"] == {"no vote": 40}, "as read_votes does"


def test_labels_hold_among_matchups() -> None:
    rows = [*clicks(), *(row | {"model_b": "C"} for row in clicks())]
    rates = {"A:B": 0.75, "A:C": 0.75}
    found = votewise.filter_clicks(rows, **FAST | {"win_rate": rates}, **MAPPED)
    assert (found.counts.users @ found.counts.wins).tolist() == [300, 300]
    assert found.summary["columns"]["winner"] == "choice"


def test_models_called_like_sides_are_told_apart_by_a_label() -> None:
    rows = [row | {"model_a": "b", "model_b": "a", "choice": "a" if i % 4 else "b"} for i, row in enumerate(clicks())]
    with pytest.raises(BadInputError, match=r"could mean the column or the model of that name.*--label 'a'=a"):
        votewise.filter_clicks(rows, **FAST, columns=MAPPED["columns"])
    found = votewise.filter_clicks(rows, **FAST, columns=MAPPED["columns"], label={"a": "a", "b": "b"}, model="b")
    assert found.counts.users @ found.counts.wins == 300


def test_one_question_and_one_split(tmp_path: Path) -> None:
    for split, n in (("train", 400), ("test", 200)):
        rows = [*clicks(n, criterion="color"), *clicks(n, criterion="taste")]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{split}-00000-of-00001.parquet")
    found = votewise.filter_clicks(tmp_path, **FAST, **MAPPED, split="test", criterion="color", out=tmp_path / "out")
    assert found.summary["counts"]["rows"] == 200
    assert found.summary["skipped"] == {"on another question": 200}
    assert set(pq.read_table(tmp_path / "out" / "comparisons.parquet")["criterion"].to_pylist()) == {"color"}
    with pytest.raises(BadInputError, match=r"unknown criterion, got 'smell' .expected one of: color, taste"):
        votewise.filter_clicks(tmp_path, **FAST, **MAPPED, criterion="smell")


@pytest.mark.parametrize("in_memory", [1 << 30, 0])
@pytest.mark.parametrize("kind", ["jsonl", "parquet", "folder"])
def test_unusable_rows_are_kept_with_their_reasons(
    kind: str, in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("votewise.sources.containers.lazy.IN_MEMORY", in_memory)
    rows = clicks()
    rows[3]["who"], rows[5]["choice"], rows[7]["model_a"], rows[9]["choice"] = None, "?", None, None
    source: Any = tmp_path / "log"
    if kind == "jsonl":
        source = write(tmp_path / "log.jsonl", rows)
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), source := tmp_path / "log.parquet")
    else:
        source.mkdir()
        for i in range(2):
            pq.write_table(pa.Table.from_pylist(rows[200 * i : 200 * i + 200]), source / f"{i}.parquet")
    with pytest.raises(BadInputError, match=r"in 1 row, e\.g\. who="):
        votewise.filter_clicks(source, **FAST, **MAPPED)
    found = votewise.filter_clicks(source, **FAST, **MAPPED, on_error="skip", out=tmp_path / "out")
    assert sum(found.summary["skipped"].values()) == 4
    lines = [json.loads(line) for line in (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()]
    assert sorted((line["row"], line["column"]) for line in lines) == [
        (4, "who"), (6, "choice"), (8, "model_a"), (10, "choice"),
    ]  # fmt: skip
    assert all(line["record"] == rows[line["row"] - 1] for line in lines)
    unknown = next(line for line in lines if line["row"] == 6)
    assert (unknown["value"], unknown["reason"].partition(" (")[0]) == ("?", "unknown winner")
    assert unknown["source"] == str(source / "0.parquet" if kind == "folder" else source)
    written = pq.read_table(tmp_path / "out" / "comparisons.parquet")
    assert written.column_names == ["who", "model_a", "model_b", "choice", "i"]
    again = votewise.filter_clicks(source, **FAST, **MAPPED, on_error="skip", out=tmp_path / "out")
    assert again.files == found.files
    assert tmp_path / "out" / "rejected.jsonl" in found.files


def test_rows_that_cannot_be_parsed_are_kept_too(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "log.jsonl", clicks()))
    path.write_text("{broken\n" + path.read_text())
    with pytest.raises(BadInputError, match="row 1: is not JSON"):
        votewise.filter_clicks(path, **FAST, **MAPPED)
    words = [
        "--win-rate",
        "0.8",
        "--prior",
        "beta",
        "--no-report",
        "--out",
        str(tmp_path / "out"),
        "--on-error",
        "skip",
    ]
    ended = shell("filter", path, *words, *SHELL)
    assert ended.code == 0, ended
    (line,) = (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()
    assert json.loads(line)["record"] == "{broken"


def test_users_of_different_types_are_refused(tmp_path: Path) -> None:
    rows = clicks()
    rows[0]["who"] = 7
    with pytest.raises(BadInputError, match="column 'who': holds values of different types"):
        votewise.filter_clicks(write(tmp_path / "log.jsonl", rows), **FAST, **MAPPED)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": {"prompt": "ask"}}, "columns: plays no part in a log of clicks, got 'prompt'"),
        ({"columns": {"user": ""}}, "columns: is needed, got 'user='"),
        ({"columns": {"user": "who"}, "user": "i"}, "user: is named twice, got 'i'"),
        ({"label": {"links": "left"}}, "label: unknown meaning"),
        ({}, "there is no column 'user' for user .expected --columns user=NAME with one of who,"),
        ({"columns": {"user": "who", "winner": "choice"}}, "unknown winner.* or --label '(links|rechts)'=a"),
    ],
)
def test_refusals_name_the_option(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        votewise.filter_clicks(pa.Table.from_pylist(clicks()), **FAST, **options)


@pytest.mark.parametrize("name", ["a:b", "x\ty", "x\ny", "back\\slash", "it's", "a[1]*"])
def test_any_name_of_a_folder(name: str, tmp_path: Path) -> None:
    found = votewise.filter_clicks(pa.Table.from_pylist(clicks()), **FAST, **MAPPED, out=tmp_path / name)
    assert pq.read_metadata(tmp_path / name / "comparisons.parquet").num_rows == found.summary["kept"]["rows"]
    assert {file.name for file in (tmp_path / name).iterdir()} == {
        "comparisons.parquet",
        "summary.json",
        "users.parquet",
    }


def test_users_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    rows = [row | {"who": f"u{row['i'] * 7919 % 5000}"} for row in clicks(20_000)]
    votewise.filter_clicks(pa.Table.from_pylist(rows), **FAST, **MAPPED, out=tmp_path / "out")
    names = pq.read_table(tmp_path / "out" / "users.parquet")["user"].to_pylist()
    assert names == sorted(names)
    assert len(names) == 5000


@pytest.mark.parametrize("swap", [False, True])
def test_columns_of_one_value_are_written_as_they_came(swap: bool, tmp_path: Path) -> None:
    rows = [
        row | ({"model_a": "B", "model_b": "A"} if swap and row["i"] % 2 else {}) | {"domain": "it's 'one'"}
        for row in clicks()
    ]
    rows[7]["model_a"] = None
    table = pa.Table.from_pylist(rows)
    options = FAST | MAPPED | {"on_error": "skip", "domain": "domain", "keep": 1.0, "win_rate": {"it's 'one'": 0.8}}
    votewise.filter_clicks(table, **options, out=tmp_path / "out")
    written = pq.read_table(tmp_path / "out" / "comparisons.parquet")
    assert sorted(written.to_pylist(), key=lambda row: row["i"]) == [row for row in rows if row["i"] != 7]
