"""The numbers behind the filter report: shares add up, curves hold what they claim, dots keep the users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from votewise.data.clicks import Counts
from votewise.inference.priors import Beta, Grid
from votewise.report import filter_summary as fs


@pytest.fixture(scope="module")
def judged(one_domain: Any) -> fs.JudgedUsers:
    return fs.JudgedUsers(one_domain.counts, one_domain.result, one_domain.kept)


def made(n: list[int], wins: list[int], kept: list[bool], rho: list[float] | None = None) -> fs.JudgedUsers:
    """One user in each cell, as attentive as ``rho``, by default as the share of wins."""
    shares = np.array(wins) / np.maximum(n, 1) if rho is None else np.array(rho)
    result: Any = SimpleNamespace(cells=pa.table({"attentiveness": shares, "low": shares, "high": shares}))
    counts = Counts(np.array(n)[:, None], np.array(wins)[:, None], np.ones(len(n), int))
    return fs.JudgedUsers(counts, result, np.array(kept))


def test_flags_and_activity_divide_the_users(judged: fs.JudgedUsers, one_domain: Any) -> None:
    everybody = judged.everybody()
    for parts in (judged.by_flag(one_domain.flags), [part for part, _ in judged.by_activity()]):
        assert sum(part.users for part in parts) == everybody.users == 400
        assert sum(part.rows for part in parts) == everybody.rows
        assert sum(part.row_share for part in parts) == pytest.approx(1)
    assert [part.name for part in judged.by_flag(one_domain.flags)] == ["attentive", "unsure", "inattentive", "new"]


def test_a_click_is_right_with_half_of_one_plus_attentiveness() -> None:
    part = made([10, 30], [0, 0], [True, False], rho=[1.0, 0.2]).everybody()
    assert part.right == pytest.approx((10 * 1.0 + 30 * 0.6) / 40)
    assert part.attentiveness == pytest.approx(0.6)
    assert part.kept_share == 0.5


def test_activity_goes_up_a_ladder() -> None:
    names = [part.name for part, _ in made([0, 1, 3, 9, 10, 1234], [0] * 6, [False] * 6).by_activity()]
    assert names == ["0", "1", "2–4", "5–9", "10–19", "1,000–1,234"]


def test_histogram_holds_everybody(judged: fs.JudgedUsers) -> None:
    bins = fs.histogram(judged)
    assert sum(bins["all"].to_pylist()) == pytest.approx(1, abs=1e-4)
    assert sum(bins["kept_users"].to_pylist()) == judged.users @ judged.kept
    last = fs.histogram(made([5], [5], [True]))
    assert (last["low"][0].as_py(), last["high"][0].as_py()) == (0.96, 1.0)


def test_a_smooth_prior_is_drawn_as_its_density() -> None:
    grid, prior = Grid.of_size(160), Beta(3, 5)
    curve = fs.prior_curve(pa.table({"attentiveness": grid.x, "mass": np.exp(grid.log_mass(prior))}))
    x = curve["attentiveness"].to_numpy()
    expected = 105 * x**2 * (1 - x) ** 4 / fs.BINS
    np.testing.assert_allclose(curve["share"].to_numpy(), expected, atol=2e-4)


def test_atoms_are_steps_as_high_as_their_mass() -> None:
    curve = fs.prior_curve(pa.table({"attentiveness": [0.9, 0.4], "mass": [0.3, 0.7]}))
    x, share = curve["attentiveness"].to_numpy(), curve["share"].to_numpy()
    assert share[np.abs(x - 0.4) < 0.0199].tolist() == pytest.approx([0.7] * int((np.abs(x - 0.4) < 0.0199).sum()))
    assert sorted(set(np.round(share, 6))) == [0.0, 0.3, 0.7]
    assert np.diff(x).min() > 0


def test_retention_falls_and_right_clicks_rise(judged: fs.JudgedUsers) -> None:
    curve = fs.retention_curve(judged)
    users, right = curve["users"].to_numpy(), curve["right"].to_pylist()
    assert users[0] == 1
    assert (np.diff(users) <= 0).all()
    known = [value for value in right if value is not None]
    assert right[0] == pytest.approx(judged.everybody().right, abs=1e-4)
    assert known == sorted(known)
    at_half = curve["rows"][50].as_py()
    assert at_half == pytest.approx(judged.rows @ (judged.rho >= 0.5) / judged.rows.sum(), abs=1e-4)


def test_equal_threshold_keeps_as_many_users(judged: fs.JudgedUsers) -> None:
    threshold = fs.equal_threshold(judged)
    assert threshold == judged.rho[judged.kept].min()
    nobody_kept = made([5, 5], [1, 2], [False, False])
    assert fs.equal_threshold(nobody_kept) is None


def test_domains_come_with_the_share_of_clicks(users_of: Callable[..., Any]) -> None:
    result = users_of(rates={"a": 0.8, "b": 0.8}).result
    rates = result.win_rates.set_column(result.win_rates.column_names.index("comparisons"), "comparisons", [[0, 100]])
    rates = rates.set_column(rates.column_names.index("wins"), "wins", [[0, 60]])
    first, second = fs.domain_rows(replace(result, win_rates=rates), ["A", "B"])
    assert (first["name"], first["share"], first["share_low"]) == ("A", None, None)
    assert second["share"] == 0.6
    assert second["share_low"] < 0.6 < second["share_high"]
