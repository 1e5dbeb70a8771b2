"""The command: files, output, exit codes, parsing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from votewise.cli.printing.filter import curve

End = Callable[..., int]
Shown = pytest.CaptureFixture[str]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    user = np.repeat(np.arange(90), 30)
    rho = np.where(user % 3 == 0, 0.95, 0.2)
    code = rng.random(len(user)) < 0.5
    won = rng.random(len(user)) < 0.5 + rho * np.where(code, 0.2, 0.3)
    path = tmp_path / "june.parquet"
    pq.write_table(
        pa.table(
            {
                "user": user,
                "model_a": ["large"] * len(user),
                "model_b": ["small"] * len(user),
                "winner": np.where(won, "model_a", "model_b").tolist(),
                "topic": np.where(code, "code", "prose").tolist(),
            }
        ),
        path,
    )
    return path


def test_writes_where_it_says(
    end: End, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.chdir(tmp_path)
    assert end("filter", source, "--win-rate", "0.75", "--prior", "two-point") == 0
    shown = capsys.readouterr()
    assert "Written to filtered/june" in shown.out
    assert "A is large, B is small" in shown.out
    assert "2,700 rows by 90 users" in shown.out
    assert shown.err == ""
    assert sorted(path.name for path in Path("filtered/june").iterdir()) == [
        "comparisons.parquet", "report.html", "summary.json", "users.parquet",
    ]  # fmt: skip
    assert "<html" in Path("filtered/june/report.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_fits_the_terminal(
    end: End, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown, options: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert end("filter", source, "--win-rate", "0.75", "--out", tmp_path / "out", "--no-report", *options) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 10
    assert max(len(line.rstrip()) for line in lines) <= 80


@pytest.mark.slow
def test_a_dry_run_writes_nothing_and_tells_what_a_run_would_keep(
    end: End, source: Path, tmp_path: Path, capsys: Shown
) -> None:
    settings = [
        "filter",
        source,
        "--win-rate",
        "0.75",
        "--prior",
        "beta",
        "--out",
        tmp_path / "out",
        "--json",
        "--no-report",
    ]
    assert end(*settings, "--dry-run") == 0
    steps = json.loads(capsys.readouterr().out)
    assert [path.name for path in tmp_path.iterdir()] == ["june.parquet"]
    rules = {"keep": ["--keep"], "threshold": ["--threshold"], "probability": ["--probability", "0.95", "--threshold"]}
    tried = 0
    for step in steps:
        if step["users"] and step["value"] in (0.3, 0.8):
            assert end(*settings, *rules[step["rule"]], step["value"]) == 0
            summary = json.loads(capsys.readouterr().out)
            assert summary["kept"] == {"users": step["users"], "rows": step["rows"]}
            assert pq.read_metadata(tmp_path / "out" / "comparisons.parquet").num_rows == step["rows"]
            tried += 1
    assert tried >= 4


def test_domains_and_quiet(end: End, source: Path, tmp_path: Path, capsys: Shown) -> None:
    rates = ["--win-rate", "code=0.7", "--win-rate", "prose=160/200"]
    options = ["--domain", "topic", "--out", tmp_path / "out", "--quiet", "--no-report", "--prior", "beta"]
    assert end("filter", source, *rates, *options) == 0
    assert capsys.readouterr() == ("", "")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [rate["domain"] for rate in summary["win_rates"]] == ["code", "prose"]
    assert summary["win_rates"][0]["win_rate"] == 0.7
    assert [rate["fitted"] for rate in summary["win_rates"]] == [False, True]


def test_the_win_rate_is_about_the_model_named(end: End, source: Path, tmp_path: Path) -> None:
    kept = []
    for options in (["--win-rate", "0.75"], ["--model", "small", "--win-rate", "0.25"]):
        assert (
            end("filter", source, *options, "--prior", "beta", "--out", tmp_path / "out", "--quiet", "--no-report") == 0
        )
        kept.append(sorted(pq.read_table(tmp_path / "out" / "comparisons.parquet")["user"].to_pylist()))
    assert kept[0] == kept[1]


@pytest.mark.parametrize(
    ("options", "code", "expected"),
    [
        (["--win-rate", "0.5"], 3, "neither model is better"),
        (["--win-rate", "0.4..0.6"], 3, "contain 1/2"),
        (["--win-rate", "often"], 2, "--win-rate"),
        (["--win-rate", "1.2"], 2, "--win-rate: not a win rate"),
        (["--win-rate", "0.7", "--win-rate", "0.8"], 2, "given twice"),
        (["--win-rate", "code=0.7"], 2, "win rates for 'code'"),
        (
            ["--win-rate", "0.75", "--keep", "0.5", "--threshold", "0.5"],
            2,
            "--keep: cannot be combined with a threshold",
        ),
        (["--win-rate", "0.75", "--keep", "2"], 2, "--keep: not a share of users"),
        (["--win-rate", "0.75", "--threshold", "0.9999", "--prior", "beta"], 2, "nobody has"),
        (["--win-rate", "0.75", "--prior", "gauss"], 2, "gauss"),
        (["--win-rate", "0.75", "--user", "who"], 2, "no column 'who'"),
        (["--win-rate", "0.75", "--model", "medium"], 2, "expected 'large' or 'small'"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    end: End, source: Path, tmp_path: Path, capsys: Shown, options: list[str], code: int, expected: str
) -> None:
    assert end("filter", source, "--out", tmp_path / "out", *options) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert expected in shown.err
    assert shown.err.startswith("votewise: ")
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way_is_one_line(end: End, source: Path, capsys: Shown) -> None:
    assert end("filter", source, "--win-rate", "0.75", "--out", source) == 2
    assert "is a file (expected a folder to write to)" in capsys.readouterr().err


def test_unusable_rows_stop_or_are_counted(end: End, tmp_path: Path, capsys: Shown) -> None:
    source = tmp_path / "log.csv"
    good = "".join(f"u{i % 9},x,y,{'xy'[i % 4 == 0]}\n" for i in range(300))
    source.write_text(f"user,model_a,model_b,winner\n{good}u1,x,y,?\n")
    settings = ["filter", source, "--win-rate", "0.8", "--out", tmp_path / "out", "--no-report"]
    assert end(*settings) == 2
    assert "unknown winner in 1 row, e.g. user='u1'" in capsys.readouterr().err
    assert end(*settings, "--on-error", "skip") == 0
    assert "1 unknown winner" in capsys.readouterr().out


def test_shares_are_drawn_as_blocks() -> None:
    assert curve([0, 0.5, 1]) == " ▄█"


@pytest.mark.slow
def test_users_who_changed_are_counted(end: End, source: Path, tmp_path: Path, capsys: Shown) -> None:
    """Attentive for 400 clicks, asleep for 400: five of thirty users."""
    rng = np.random.default_rng(5)
    user = np.repeat(np.arange(30), 800)
    place = np.tile(np.arange(800), 30)
    rho = np.where((user < 5) & (place >= 400), 0.0, 0.9)
    won = rng.random(len(user)) < 0.5 + 0.35 * rho
    winner = np.where(won, "large", "small").tolist()
    columns = {"user": user, "model_a": ["large"] * len(user), "model_b": ["small"] * len(user), "winner": winner}
    pq.write_table(pa.table(columns | {"when": place}), source)
    out = tmp_path / "out"
    assert end("filter", source, "--win-rate", "0.85", "--window", "400", "--time", "when", "--out", out) == 0
    assert "5 of 30 users changed" in capsys.readouterr().out
    drift = pq.read_table(out / "drift.parquet").to_pylist()
    assert {row["user"] for row in drift if row["changed"]} == set(range(5))
    assert len(pq.read_table(out / "stretches.parquet")) == 60
    assert json.loads((out / "summary.json").read_text())["drift"]["changed"] == 5
    assert end("filter", source, "--win-rate", "0.85", "--out", out, "--quiet") == 0
    assert not (out / "drift.parquet").exists()
    assert end("filter", source, "--win-rate", "0.85", "--window", "soon", "--out", out) == 2
    assert "window" in capsys.readouterr().err


def test_a_folder_with_something_else_is_refused(end: End, source: Path, tmp_path: Path, capsys: Shown) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "summary.json").write_text("my own")
    for command in (
        ("filter", source, "--win-rate", "0.75", "--no-report", "--out", mine),
        ("filter", source, "--win-rate", "0.75", "--no-report", "--out", tmp_path),
    ):
        assert end(*command) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "holds something else" in error
    assert [path.name for path in mine.iterdir()] == ["summary.json"]
    (mine / "summary.json").unlink()
    for _ in range(2):  # the second time over the first result
        assert end("filter", source, "--win-rate", "0.75", "--no-report", "--out", mine) == 0
        (mine / "notes.txt").write_text("about the result")
    assert (mine / "comparisons.parquet").exists()
    assert (mine / "notes.txt").exists()
