"""The commands: what they write is what `votewise audit` and `votewise filter` read, and they find the truth in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

End = Callable[..., int]
Shown = pytest.CaptureFixture[str]


def test_audit_finds_the_kinds_that_were_simulated(end: End, tmp_path: Path, capsys: Shown) -> None:
    """100 annotators of 60 votes on 2,000 pairs, made once. Of those at 0.9 none is flagged as casual or worse: a flag needs
    its whole interval below, five standard errors off (false alarm below 1e-3 for all). All adversaries at 0.1 are found,
    and 9 of 10 who choose the first: with 60 votes at 0.95 their test is 7 standard errors off.
    """
    votes, audit = tmp_path / "votes.parquet", tmp_path / "audit"
    end(
        "simulate", "annotators", "--annotators", 100, "--votes-per-annotator", "60", "--reliability", "0.9",
        "--adversaries", 0.1, "--position-biased", 0.1, "--spammers", 0.1, "--seed", 5, "--out", votes,
    )  # fmt: skip
    shown = capsys.readouterr().out
    assert "6,000 votes on 2,000 pairs" in shown
    assert "position-biased" in shown
    assert end("audit", votes, "--out", audit, "--no-report", "--quiet") == 0
    kind = dict(zip(*(pq.read_table(votes)[name].to_pylist() for name in ("annotator", "annotator_kind")), strict=True))
    found = pq.read_table(audit / "annotators.parquet").to_pylist()
    flags: dict[str, list[str]] = {}
    for row in found:
        flags.setdefault(kind[int(row["annotator"])], []).append(row["flag"])
    assert len(flags["ordinary"]) == 70
    assert not {"casual", "adversarial", "position-biased"} & set(flags["ordinary"])
    assert flags["adversary"] == ["adversarial"] * 10
    assert flags["position-biased"].count("position-biased") >= 9
    assert "reliable" not in flags["spammer"]
    summary = json.loads((audit / "summary.json").read_text("utf-8"))
    assert summary["gold"]["accuracy"] > summary["gold"]["majority_accuracy"]


def test_filter_finds_the_users_that_were_attentive(end: End, tmp_path: Path, capsys: Shown) -> None:
    """400 users of 200 clicks, 60% at 0.1 and 40% at 0.95, win rate 0.9: P(click for A) is 0.54 or 0.88, ten standard
    errors apart, so hardly anybody (1% at most; 0.01% are expected) is on the wrong side of 1/2.
    """
    clicks, out = tmp_path / "clicks.parquet", tmp_path / "filtered"
    end(
        "simulate", "users", "--prior", "two-point:0.6,0.1,0.95", "--win-rate", 0.9, "--comparisons-per-user", "200",
        "--seed", 2, "--out", clicks,
    )  # fmt: skip
    assert "80,000 by 400 users" in capsys.readouterr().out
    assert end("filter", clicks, "--win-rate", 0.9, "--out", out, "--no-report", "--quiet", "--prior", "two-point") == 0
    kept = pq.read_table(out / "comparisons.parquet")
    everyone = pq.read_table(clicks)
    truth = dict(zip(everyone["user"].to_pylist(), everyone["true_attentiveness"].to_pylist(), strict=True))
    inside = set(kept["user"].to_pylist())
    assert np.mean([(user in inside) == (rho > 0.5) for user, rho in truth.items()]) >= 0.99
    assert np.mean(kept["correct"].to_pylist()) > 0.96


def test_profiles_files_and_flags(end: End, tmp_path: Path, capsys: Shown) -> None:
    profile, first, second = tmp_path / "annotators.yaml", tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    profile.write_text("reliability: 1.0\nspammers: 0.5\nvotes_per_annotator: [5, 10]\n", "utf-8")
    assert (
        end("simulate", "annotators", "--profile", profile, "--pairs", 50, "--spammers", 0, "--out", first, "--json")
        == 0
    )
    shown = json.loads(capsys.readouterr().out)
    assert shown["votes"] == shown["correct"] == 150
    assert shown["seed"] == 0
    end(
        "simulate",
        "annotators",
        first,
        "--reliability",
        "0,0,1",
        "--votes-per-pair",
        1,
        "--pairs",
        9,
        "--out",
        second,
        "-q",
    )
    assert capsys.readouterr().out == ""
    rows = [json.loads(line) for line in second.read_text("utf-8").splitlines()]
    assert len(rows) == 9
    truth = {row["pair"]: row["gold"] for row in map(json.loads, first.read_text("utf-8").splitlines())}
    assert all((truth[int(row["pair"])] == row["gold"]) != row["swapped"] for row in rows)
    assert all(row["correct"] == (row["annotator"] == 2) for row in rows)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("annotators", "--out", "x.txt"), "unknown kind of file"),
        (("annotators", "--out", "x.csv", "--reliability", "0.5,x"), "--reliability: not numbers"),
        (("annotators", "--out", "x.csv", "--votes-per-annotator", "5-9"), "--votes-per-annotator: not a range"),
        (
            ("annotators", "--out", "x.csv", "--noise", "0.7"),
            "--noise: out of range, got 0.7 (expected a number from",
        ),
        (("annotators", "missing.csv", "--out", "x.csv"), "there is no such file"),
        (("users", "--out", "x.csv", "--prior", "normal:0,1"), "unknown prior"),
        (
            ("users", "x.csv", "--out", "x.csv", "--win-rate", "0.5"),
            "--win-rate: is only for comparisons that are made up",
        ),
        (("users", "--out", "x.csv", "--comparisons", "10"), "50 to 50 comparisons per user"),
    ],
)
def test_a_mistake_is_one_line(
    end: End, arguments: tuple[str, ...], problem: str, capsys: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert end("simulate", *arguments) == 2
    shown = capsys.readouterr()
    assert problem in shown.err
    assert shown.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
