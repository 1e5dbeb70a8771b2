"""A filtered log on disk: exact, whole or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from votewise.errors import BadInputError
from votewise.users.click_log import open_comparisons
from votewise.users.estimate import estimate_attentiveness
from votewise.users.select import Rule, select_users, user_levels
from votewise.workflows.filter_clicks import summarise_filter, write_filter

COLUMNS = {"user": "who", "a": "model_a", "b": "model_b", "winner": "winner"}


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


def filtered(log: pa.Table, folder: Path, rule: Rule, *, title: str | None = None) -> dict[str, object]:
    with open_comparisons(log, COLUMNS) as comparisons:
        result = estimate_attentiveness(comparisons.counts, win_rate=0.8, prior="two-point")
        kept = select_users(comparisons.counts, result, rule)
        levels = user_levels(comparisons.counts, result)
        summary = summarise_filter(comparisons, result, rule, kept, levels)
        files = write_filter(folder, comparisons, result, kept, levels, summary=summary, title=title)
        assert [file.name for file in files] == [name for name in
            ("report.html", "comparisons.parquet", "users.parquet", "summary.json") if (folder / name).exists()]  # fmt: skip
    return summary


def test_what_is_written_fits_together(tmp_path: Path) -> None:
    log = clicks()
    summary = filtered(log, tmp_path / "out", Rule(keep=0.4))
    users = pq.read_table(tmp_path / "out" / "users.parquet")
    assert users.column_names == ["user", "comparisons", "wins", "attentiveness", "low", "high", "kept", "level"]
    by_user = {row["user"]: row for row in users.to_pylist()}
    assert set(by_user) == set(log["who"].to_pylist())
    rows = pq.read_table(tmp_path / "out" / "comparisons.parquet")
    assert rows.schema.equals(log.schema)
    assert sorted(rows["note"].to_pylist()) == sorted(r["note"] for r in log.to_pylist() if by_user[r["who"]]["kept"])
    assert summary["kept"] == {"users": sum(u["kept"] for u in by_user.values()), "rows": len(rows)}
    assert sum(summary["levels"].values()) == len(by_user)
    assert summary["models"] == {"a": "strong", "b": "weak"}
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == json.loads(json.dumps(summary))
    kept = [u["attentiveness"] for u in by_user.values() if u["kept"]]
    assert min(kept) >= max(u["attentiveness"] for u in by_user.values() if not u["kept"])


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, out = clicks(), tmp_path / "out"
    filtered(log, out, Rule(keep=0.4), title="first")
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def fail(path: Path, value: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("votewise.workflows.filter_clicks.write_json", fail)
        with pytest.raises(BadInputError, match="cannot be written: No space left on device"):
            filtered(log, out, Rule(keep=0.9))
        with pytest.raises(BadInputError, match="No space left"):
            filtered(log, tmp_path / "new", Rule(keep=0.9))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert not (tmp_path / "new").exists()
    filtered(log, out, Rule(keep=0.4))
    assert sorted(path.name for path in out.iterdir()) == ["comparisons.parquet", "summary.json", "users.parquet"]


def test_the_same_log_gives_the_same_summary(tmp_path: Path) -> None:
    first, second = (filtered(clicks(), tmp_path / name, Rule()) for name in "ab")
    assert first == second
    assert first["created"] is None
    with open_comparisons(clicks(), COLUMNS) as log:
        result = estimate_attentiveness(log.counts, win_rate=0.8, prior="beta")
        kept = np.ones(len(log.counts.users), bool)
        levels = user_levels(log.counts, result)
        moment = datetime(2026, 1, 2, tzinfo=UTC)
        assert (
            summarise_filter(log, result, Rule(), kept, levels, created=moment)["created"]
            == "2026-01-02T00:00:00+00:00"
        )


def test_attentive_users_are_the_ones_kept(tmp_path: Path) -> None:
    """From 200 users with 40 clicks on average, the rows kept name the better answer more often (by 10 points here)."""
    log = clicks()
    filtered(log, tmp_path / "out", Rule(threshold=0.5, confidence=0.9))
    rows = pq.read_table(tmp_path / "out" / "comparisons.parquet")

    def right(table: pa.Table) -> float:
        decided = [r for r in table.to_pylist() if r["winner"] != "tie"]
        return sum(r[r["winner"]] == "strong" for r in decided) / len(decided)

    assert right(rows) > right(log) + 0.1
