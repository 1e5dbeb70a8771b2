"""Contests and verdicts -> win rates, the matrix, and their files."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from votewise.data.contests import Contests, Verdicts
from votewise.errors import BadInputError
from votewise.evaluate.estimate import estimate_win_rate, swaps
from votewise.evaluate.evaluation_files import name_of, write_matrix, write_win_rate
from votewise.evaluate.matrix import estimate_matrix
from votewise.evaluate.rates import win_rate
from votewise.evaluate.read_comparisons import read_comparisons

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def contests(n: int = 200, a: str = "new", b: str = "old", **more: Any) -> Contests:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 400, (2, n))
    texts = [["x" * k for k in side] for side in lengths.tolist()]
    usual: dict[str, Any] = {
        "prompts": [f"p{i}" for i in range(n)],
        "answers_a": texts[0],
        "answers_b": texts[1],
        "length_a": lengths[0].astype(float),
        "length_b": lengths[1].astype(float),
    }
    return Contests(a, b, np.arange(n), **usual | more)


def verdicts(n: int = 200, seed: int = 1, **more: Any) -> Verdicts:
    preference = np.random.default_rng(seed).choice([0.0, 0.5, 1.0], n, p=[0.3, 0.2, 0.5])
    return Verdicts("column 'w' (labels)", preference, [None] * n, **more)


def test_failures_are_left_out() -> None:
    known = verdicts()
    preference = known.preference.copy()
    preference[::4] = np.nan
    result = estimate_win_rate(contests(), Verdicts("j", preference, ["no" if p != p else None for p in preference]))
    left = preference[np.isfinite(preference)]
    assert result.failed == 50
    assert result.rate == win_rate(left, np.flatnonzero(np.isfinite(preference)))
    assert result.wins + result.ties + result.losses == 150
    assert sum(part.rate.contests for part in result.by_length) == 150


def test_bins_by_length_are_ordered_disjoint_and_complete() -> None:
    result = estimate_win_rate(contests(), verdicts())
    difference = result.contests.length_difference
    assert difference is not None
    assert len(result.by_length) == 5
    starts, ends = [p.start for p in result.by_length], [p.end for p in result.by_length]
    assert all(e < s for e, s in zip(ends[:-1], starts[1:], strict=True))
    for part in result.by_length:
        inside = (difference >= part.start) & (difference <= part.end)
        assert part.rate == win_rate(result.verdicts.preference[inside], result.contests.prompt[inside])
    assert sum(part.rate.contests for part in result.by_length) == 200
    assert result.by_length[0].name.endswith("shorter")
    assert result.by_length[-1].name.endswith("longer")


@pytest.mark.parametrize("lengths", [np.full(30, 7.0), np.r_[np.full(29, 7.0), 9.0]])
def test_equal_differences_in_length_are_one_group(lengths: Any) -> None:
    result = estimate_win_rate(contests(30, length_a=lengths, length_b=np.full(30, 7.0)), verdicts(30))
    assert sum(part.rate.contests for part in result.by_length) == 30


def test_the_largest_domain_comes_first() -> None:
    names = ["a"] * 50 + ["b"] * 120 + [None] * 30
    result = estimate_win_rate(contests(domain=names), verdicts())
    assert [(part.name, part.rate.contests) for part in result.by_domain] == [("b", 120), ("a", 50), ("(none)", 30)]
    assert result.by_domain[1].rate.value == result.verdicts.preference[:50].mean()


def test_length_control_needs_lengths() -> None:
    bare = contests(answers_a=None, answers_b=None, length_a=None, length_b=None)
    assert estimate_win_rate(bare, verdicts()).by_length == ()
    with pytest.raises(BadInputError, match="cannot control for length: neither the answers nor their lengths"):
        estimate_win_rate(bare, verdicts(), length_controlled=True)


def test_swaps_are_counted_among_contests_judged_both_ways() -> None:
    shown, swapped = np.array([1, 1, 0, 0.5, np.nan]), np.array([1, 0, 0, 0.5, 1.0])
    found = swaps(Verdicts("j", (shown + swapped) / 2, [None] * 5, as_shown=shown, as_swapped=swapped))
    assert found is not None
    assert (found.contests, found.disagreement) == (4, 0.25)
    # Shown first won: A first 1, 1; A second: B first won 0 of (1), 1 of (0), 1 of (0).
    assert found.first == pytest.approx(4 / 6)


def test_a_preference_outside_its_range_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"a preference is outside \[0, 1\], got 1.5"):
        Verdicts("j", np.array([0.5, 1.5]), [None, None])


def test_what_is_written_can_be_evaluated_again(tmp_path: Path) -> None:
    preference = verdicts().preference.copy()
    source = contests(domain=["d"] * 200)
    result = estimate_win_rate(source, Verdicts("j", preference, [None] * 200), length_controlled=True)
    files = write_win_rate(tmp_path / "out", result, report=True, created=NOW, settings={"source": "x"})
    assert [file.name for file in files] == ["new-against-old.html", "evaluation.json", "new-against-old.parquet"]
    rows = read_comparisons(tmp_path / "out" / "new-against-old.parquet")
    again, said = rows.between("new", "old")
    assert said is not None
    repeated = estimate_win_rate(again, said, length_controlled=True)
    assert repeated.rate == result.rate
    assert repeated.length_controlled == result.length_controlled
    figures = json.loads((tmp_path / "out" / "evaluation.json").read_text())["win_rate"]["new against old"]
    assert figures["win_rate"]["value"] == result.rate.value
    assert figures["settings"] == {"source": "x"}
    assert figures["created"].startswith("2026-11-21")


def test_failures_are_written_as_nulls_with_their_reason(tmp_path: Path) -> None:
    preference = np.array([1.0, np.nan])
    found = Verdicts(
        "j", preference, [None, "no reply"], as_shown=preference, as_swapped=preference, comments=[("x", None)] * 2
    )
    result = estimate_win_rate(contests(2), found)
    write_win_rate(tmp_path, result, report=False, created=NOW, settings={})
    assert not list(tmp_path.glob("*.html"))
    rows = pq.read_table(tmp_path / "new-against-old.parquet").to_pylist()
    assert [row["preference"] for row in rows] == [1.0, None]
    assert [row["problem"] for row in rows] == [None, "no reply"]
    assert rows[0]["comment_shown"] == "x"


def test_an_evaluation_keeps_the_others_in_its_file(tmp_path: Path) -> None:
    for name in ("new", "newer"):
        result = estimate_win_rate(contests(a=name), verdicts())
        write_win_rate(tmp_path, result, report=False, created=NOW, settings={})
    found = json.loads((tmp_path / "evaluation.json").read_text())
    assert list(found["win_rate"]) == ["new against old", "newer against old"]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4.1", "gpt-4.1"),
        ("org/model_8b", "org-model_8b"),
        ("./runs/one", "runs-one"),
        ("a b", "a-b-[0-9a-f]{6}"),
        ("../../etc/passwd", "etc-passwd-?[0-9a-f]*"),
        ("模型", "[0-9a-f]{6}"),
        ("x" * 300, "x{53}-[0-9a-f]{6}"),
    ],
)
def test_files_are_named_after_the_models(model: str, name: str) -> None:
    found = name_of(contests(2, a=model))
    assert re.fullmatch(f"{name}-against-old", found)


def matchups() -> list[tuple[Contests, Verdicts]]:
    """Three models: z beats y beats x."""
    wins = {("x", "y"): 0.2, ("x", "z"): 0.1, ("y", "z"): 0.3}
    return [
        (contests(100, a, b), Verdicts("j", (np.arange(100) < 100 * p).astype(float), [None] * 100))
        for (a, b), p in wins.items()
    ]


def test_a_matrix_is_ordered_by_mean_win_rate_and_mirrored() -> None:
    result = estimate_matrix(matchups(), scores={"x": np.zeros(3), "z": np.ones(3)})
    assert result.models == ("z", "y", "x")
    assert result.mean == pytest.approx({"z": 0.8, "y": 0.55, "x": 0.15})
    there, back = result.rate("z", "x"), result.rate("x", "z")
    assert there is not None
    assert back is not None
    assert there.value == 0.9
    assert back.value == pytest.approx(0.1)
    assert (there.low, there.high) == pytest.approx((1 - back.high, 1 - back.low))
    assert result.rate("z", "z") is None
    assert list(result.scores) == ["z", "x"]


def test_the_order_of_the_files_does_not_matter() -> None:
    one, other = estimate_matrix(matchups()), estimate_matrix(matchups()[::-1])
    assert one.models == other.models
    assert one.mean == pytest.approx(other.mean)


def test_models_that_never_met_have_no_cell(tmp_path: Path) -> None:
    result = estimate_matrix([matchups()[0], matchups()[2]], length_controlled=True)
    assert result.rate("x", "z") is None
    files = write_matrix(tmp_path, result, report=True, created=NOW, settings={})
    assert [file.name for file in files] == ["matrix.html", "evaluation.json", "matrix.csv", "matrix.parquet"]
    lines = (tmp_path / "matrix.csv").read_text().splitlines()
    assert lines[0] == "model,opponent,win_rate,low,high,contests,prompts"
    assert len(lines) == 1 + 4
    assert sum(line.startswith("x,y,0.2,") for line in lines) == 1
    assert len(pq.read_table(tmp_path / "matrix.parquet")) == 200
    again = read_comparisons(tmp_path / "matrix.parquet")
    assert sorted(again.models) == ["x", "y", "z"]
    assert "matrix" in json.loads((tmp_path / "evaluation.json").read_text())


def test_a_matrix_without_pairs_is_refused() -> None:
    with pytest.raises(BadInputError, match="there is nothing to compare"):
        estimate_matrix([])
