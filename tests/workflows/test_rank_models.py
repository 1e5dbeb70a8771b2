"""``rank_models``: files, page, and the shell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from votewise import rank_models
from votewise.cli import main
from votewise.errors import BadInputError

HOSTILE = "<script>alert(1)</script>"


def arena(seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    names = ["one", "two", "three", HOSTILE]
    a = rng.integers(0, 4, 800)
    b = (a + rng.integers(1, 4, 800)) % 4
    winner = rng.choice(["model_a", "model_b", "tie"], 800)
    who = [f"p{k}" for k in rng.integers(0, 9, 800)]
    return pa.table({"model_a": [names[i] for i in a], "model_b": [names[i] for i in b], "winner": winner, "who": who})


def test_files_fit_together(tmp_path: Path) -> None:
    result = rank_models(arena(), out=tmp_path / "r", annotator="who")
    assert [file.name for file in result.files] == ["ranking.html", "ranking.csv", "ranking.json", "annotators.parquet"]
    figures = json.loads((tmp_path / "r" / "ranking.json").read_text())
    table = pacsv.read_csv(tmp_path / "r" / "ranking.csv")
    assert table["model"].to_pylist() == [row["model"] for row in figures["models"]]
    assert pq.read_table(tmp_path / "r" / "annotators.parquet").num_rows == 9
    page = (tmp_path / "r" / "ranking.html").read_text()
    assert HOSTILE not in page
    assert "Who beat whom" in page


def test_an_earlier_ranking_is_replaced_whole(tmp_path: Path) -> None:
    rank_models(arena(), out=tmp_path / "r", annotator="who")
    rank_models(arena(1), out=tmp_path / "r", report=False)
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["ranking.csv", "ranking.json"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.doc").write_text("mine")
    with pytest.raises(BadInputError, match="holds something else"):
        rank_models(arena(), out=tmp_path / "other")


def test_from_the_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pq.write_table(arena(), tmp_path / "arena.parquet")
    with pytest.raises(SystemExit) as ended:
        main(["rank", str(tmp_path / "arena.parquet"), "--out", str(tmp_path / "r"), "--ties", "davidson"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "800 votes between 4 models, all believed" in shown
    assert "To the next" in shown
    with pytest.raises(SystemExit):
        main(["rank", str(tmp_path / "arena.parquet"), "--out", str(tmp_path / "r"), "--json", "--no-report"])
    assert len(json.loads(capsys.readouterr().out)["models"]) == 4
