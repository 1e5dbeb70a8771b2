"""A filtered log on disk: exact, whole or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from votewise.errors import BadInputError
from votewise.inference.priors import Beta
from votewise.workflows.filter_clicks import FilterResult, filter_clicks


def clicks(users: int = 200, seed: int = 0) -> pa.Table:
    """Two fifths of the users are attentive; sides swap; 5% ties."""
    rng = np.random.default_rng(seed)
    rho = np.where(rng.random(users) < 0.6, 0.1, 0.98)
    user = np.repeat(np.arange(users), rng.integers(0, 80, users))
    n = len(user)
    better = rng.random(n) < 0.5 + rho[user] * 0.3
    swapped = rng.random(n) < 0.5
    winner = np.where(rng.random(n) < 0.05, "tie", np.where(better != swapped, "model_a", "model_b"))
    return pa.table(
        {
            "who": [f"u{i}" for i in user],
            "model_a": np.where(swapped, "weak", "strong").tolist(),
            "model_b": np.where(swapped, "strong", "weak").tolist(),
            "winner": winner.tolist(),
            "note": [f"row {i}" for i in range(n)],
        }
    )


def filtered(log: pa.Table, folder: Path | None, **settings: Any) -> FilterResult:
    settings = {"win_rate": 0.8, "prior": "two-point", "user": "who", "report": False} | settings
    result = filter_clicks(log, out=folder, **settings)
    if folder is not None:
        names = ("report.html", "comparisons.parquet", "users.parquet", "summary.json")
        assert [file.name for file in result.files] == [name for name in names if (folder / name).exists()]
    return result


def test_what_is_written_fits_together(tmp_path: Path) -> None:
    log = clicks()
    summary = filtered(log, tmp_path / "out", keep=0.4).summary
    users = pq.read_table(tmp_path / "out" / "users.parquet")
    assert users.column_names == ["user", "comparisons", "wins", "attentiveness", "low", "high", "kept", "flag"]
    by_user = {row["user"]: row for row in users.to_pylist()}
    assert set(by_user) == set(log["who"].to_pylist())
    rows = pq.read_table(tmp_path / "out" / "comparisons.parquet")
    assert rows.schema.equals(log.schema)
    assert sorted(rows["note"].to_pylist()) == sorted(r["note"] for r in log.to_pylist() if by_user[r["who"]]["kept"])
    assert summary["kept"] == {"users": sum(u["kept"] for u in by_user.values()), "rows": len(rows)}
    assert sum(summary["flags"].values()) == len(by_user)
    assert summary["models"] == {"a": "strong", "b": "weak"}
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == json.loads(json.dumps(summary))
    kept = [u["attentiveness"] for u in by_user.values() if u["kept"]]
    assert min(kept) >= max(u["attentiveness"] for u in by_user.values() if not u["kept"])


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, out = clicks(), tmp_path / "out"
    filtered(log, out, keep=0.4, report=True)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def fail(path: Path, value: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("votewise.report.filter_files.write_json", fail)
        with pytest.raises(BadInputError, match="cannot be written: No space left on device"):
            filtered(log, out, keep=0.9)
        with pytest.raises(BadInputError, match="No space left"):
            filtered(log, tmp_path / "new", keep=0.9)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert not (tmp_path / "new").exists()
    filtered(log, out, keep=0.4)
    assert sorted(path.name for path in out.iterdir()) == ["comparisons.parquet", "summary.json", "users.parquet"]


def test_the_same_log_gives_the_same_summary(tmp_path: Path) -> None:
    first, second = (filtered(clicks(), tmp_path / name).summary for name in "ab")
    for summary in (first, second):
        age = datetime.now(UTC) - datetime.fromisoformat(summary.pop("created"))
        assert -1 <= age.total_seconds() < 600
    assert first == second


def test_without_a_folder_the_answer_is_the_same_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    written = filtered(clicks(), tmp_path / "in" / "out", keep=0.4)
    kept = filtered(clicks(), None, keep=0.4)
    assert kept.files == ()
    assert kept.summary["kept"] == written.summary["kept"]
    assert kept.attentiveness.cells.equals(written.attentiveness.cells)
    assert kept.flags == written.flags
    assert (kept.kept == written.kept).all()
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_dry_run_tells_what_rules_would_keep(tmp_path: Path) -> None:
    result = filtered(clicks(), tmp_path / "out", dry_run=True)
    assert result.ladder is not None
    assert result.kept is None
    assert result.summary["kept"] is None
    assert not (tmp_path / "out").exists()
    (half,) = [row for row in result.ladder.to_pylist() if (row["rule"], row["value"]) == ("keep", 0.4)]
    kept = filtered(clicks(), None, keep=0.4).summary["kept"]
    assert kept == {"users": half["users"], "rows": half["rows"]}


@pytest.mark.parametrize(("text", "value"), [("0.8", 0.8), ("beta:8,2", Beta(8, 2)), (["0.8"], 0.8)])
def test_win_rates_may_be_texts_or_values(text: Any, value: Any) -> None:
    one, other = (filtered(clicks(60), None, win_rate=rate).attentiveness for rate in (text, value))
    assert one.cells.equals(other.cells)


def test_settings_are_called_by_their_parameters() -> None:
    with pytest.raises(BadInputError, match=r"^keep: cannot be combined with a threshold") as error:
        filtered(clicks(60), None, keep=0.5, threshold=0.5)
    assert error.value.in_shell().startswith("--keep: ")
    with pytest.raises(BadInputError, match=r"^win_rate: not a win rate"):
        filtered(clicks(60), None, win_rate="often")


def test_attentive_users_are_the_ones_kept(tmp_path: Path) -> None:
    """From 200 users with 40 clicks on average, the rows kept name the better answer more often (by 10 points here)."""
    log = clicks()
    filtered(log, tmp_path / "out", threshold=0.5, probability=0.9)
    rows = pq.read_table(tmp_path / "out" / "comparisons.parquet")

    def right(table: pa.Table) -> float:
        decided = [r for r in table.to_pylist() if r["winner"] != "tie"]
        return sum(r[r["winner"]] == "strong" for r in decided) / len(decided)

    assert right(rows) > right(log) + 0.1
