"""Dots of the filter report: few are drawn one by one, many are merged, and a line parts kept from dropped users."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from votewise.data.clicks import Counts
from votewise.report import filter_dots as fd
from votewise.report.filter_summary import JudgedUsers


@pytest.fixture(scope="module")
def judged(one_domain: Any) -> JudgedUsers:
    return JudgedUsers(one_domain.counts, one_domain.result, one_domain.kept)


def made(n: list[int], wins: list[int], kept: list[bool]) -> JudgedUsers:
    """One user in each cell, as attentive as the share of wins."""
    shares = np.array(wins) / n
    result: Any = SimpleNamespace(cells=pa.table({"attentiveness": shares, "low": shares, "high": shares}))
    counts = Counts(np.array(n)[:, None], np.array(wins)[:, None], np.ones(len(n), int))
    return JudgedUsers(counts, result, np.array(kept))


def test_few_cells_are_drawn_one_by_one(judged: JudgedUsers) -> None:
    found = fd.dots(judged)
    some = judged.n > 0
    assert not found.merged
    assert len(found.table) == found.cells == some.sum()
    assert set(found.table["kept"].to_pylist()) == {0.0, 1.0}


def test_many_cells_are_merged_without_losing_anybody(monkeypatch: pytest.MonkeyPatch, judged: JudgedUsers) -> None:
    monkeypatch.setattr(fd, "MAX_DOTS", 50)
    found = fd.dots(judged)
    some = judged.n > 0
    assert found.merged
    assert len(found.table) < found.cells
    assert sum(found.table["users"].to_pylist()) == judged.users[some].sum()
    mean = np.average(found.table["attentiveness"], weights=found.table["users"])
    assert mean == pytest.approx(np.average(judged.rho[some], weights=judged.users[some]), abs=1e-3)


def test_bins_can_never_exceed_what_is_drawn() -> None:
    assert fd.ACTIVITY_BINS * fd.SHARE_BINS <= fd.MAX_DOTS


def test_the_boundary_lies_between_dropped_and_kept() -> None:
    n, wins = [4] * 5 + [8] * 9, [*range(5), *range(9)]
    up = fd.dots(made(n, wins, [w >= 3 if m == 4 else w >= 6 for m, w in zip(n, wins, strict=True)]))
    assert up.boundary.to_pylist() == [{"position": 4.0, "share": 0.625}, {"position": 8.0, "share": 0.6875}]
    down = fd.dots(made(n, wins, [w < 3 if m == 4 else w < 6 for m, w in zip(n, wins, strict=True)]))
    assert down.boundary.equals(up.boundary)


def test_no_boundary_where_no_line_parts_them() -> None:
    assert len(fd.dots(made([4] * 3, [1, 2, 3], [True, False, True])).boundary) == 0
    assert len(fd.dots(made([4] * 2, [1, 2], [True, True])).boundary) == 0


def test_the_axis_is_logarithmic_for_wide_ranges_only() -> None:
    assert fd.dots(made([1, 20], [1, 10], [True, True])).log
    assert not fd.dots(made([180, 220], [100, 150], [True, True])).log
