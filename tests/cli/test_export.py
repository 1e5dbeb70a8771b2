import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from votewise.demo import make_demo_data

End = Callable[..., int]
Shown = pytest.CaptureFixture[str]


def numbers(text: str) -> list[int]:
    return [int(line.split()[0].replace(",", "")) for line in text.splitlines()[:-1]]


def test_audit_then_export(end: End, tmp_path: Path, capsys: Shown) -> None:
    source = tmp_path / "votes.parquet"
    table = make_demo_data(pairs=100).table
    pq.write_table(table, source)
    assert end("audit", source, "--out", tmp_path / "audit", "--quiet", "--no-report") == 0

    out = tmp_path / "train.jsonl"
    assert end("export", tmp_path / "audit", "--flip-below", "0.2", "--out", out) == 0
    shown = capsys.readouterr().out
    kept, flipped, dropped, ties = numbers(shown)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == kept + flipped
    assert kept + flipped + dropped + ties == len(table)
    assert ties == table["label"].to_pylist().count("tie")
    assert min(row["confidence"] for row in rows) >= 0.5
    assert shown.endswith(f"Written to {out}\n")
    right = {r["prompt"]: r["response_a" if r["gold"] == "a" else "response_b"] for r in table.to_pylist()}
    assert sum(row["chosen"] == right[row["prompt"]] for row in rows) / len(rows) > 0.85

    assert end("export", tmp_path / "audit", "--one-per-pair", "--out", tmp_path / "pairs.parquet", "--quiet") == 0
    assert capsys.readouterr().out == ""
    assert len(pq.read_table(tmp_path / "pairs.parquet")) == 100


@pytest.mark.parametrize(
    ("options", "expected"),
    [(["--out", "x.csv"], "ending in .jsonl"), (["--out", "x.jsonl"], "summary.json is missing"),
     (["--out", "x.parquet", "--to", "openai"], "JSON lines")],
)  # fmt: skip
def test_mistakes_are_one_line(end: End, tmp_path: Path, capsys: Shown, options: list[str], expected: str) -> None:
    assert end("export", tmp_path, *options) == 2
    shown = capsys.readouterr().err
    assert expected in shown
    assert shown.count("\n") == 1
