"""Logs of more than two models: every pair is a domain with a win rate of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import votewise
from votewise.errors import BadInputError
from votewise.users.read_clicks import count_comparisons

pytestmark = pytest.mark.slow
"""Each is fast; together they take five seconds."""

RATES = {("big", "small"): 0.75, ("big", "probe"): 0.95, ("small", "probe"): 0.85}


def clicks(users: int = 60, each: int = 90, seed: int = 0) -> tuple[pa.Table, np.ndarray[Any, Any]]:
    """Clicks on three matchups, sides at random, and the attentiveness of every user: 0.1 or 0.9."""
    rng = np.random.default_rng(seed)
    rho = np.where(np.arange(users) % 2, 0.9, 0.1)
    rows = []
    for user in range(users):
        for i in range(each):
            (one, other), rate = list(RATES.items())[i % len(RATES)]
            won = one if rng.random() < 0.5 + rho[user] * (rate - 0.5) else other
            left, right = (one, other) if rng.random() < 0.5 else (other, one)
            winner = won if i % 2 else ("model_a" if won == left else "model_b")
            rows.append({"user": f"u{user:02}", "model_a": left, "model_b": right, "winner": winner, "n": i})
    return pa.Table.from_pylist(rows), rho


def test_every_pair_is_a_domain_and_attentiveness_is_shared(tmp_path: Path) -> None:
    log, rho = clicks()
    rates = {f"{a}:{b}": rate for (a, b), rate in RATES.items()}
    result = votewise.filter_clicks(log, win_rate=rates, prior="two-point", out=tmp_path, report=False)
    users = pq.read_table(tmp_path / "users.parquet").sort_by("user")
    np.testing.assert_array_equal(users["attentiveness"].to_numpy() > 0.5, rho > 0.5)
    assert result.counts.domains == tuple(sorted(rates))
    kept = pq.read_table(tmp_path / "comparisons.parquet")
    assert kept.schema.equals(log.schema)
    assert set(kept["user"].to_pylist()) == {f"u{i:02}" for i in range(1, 60, 2)}
    assert result.summary["columns"] == {"user": "user", "a": "model_a", "b": "model_b", "winner": "winner"}


def test_counts_do_not_depend_on_how_sides_and_winners_are_written() -> None:
    log, _ = clicks(users=6)
    swapped = pa.table(
        {
            "user": log["user"],
            "model_a": log["model_b"],
            "model_b": log["model_a"],
            "winner": [{"model_a": "model_b", "model_b": "model_a"}.get(w, w) for w in log["winner"].to_pylist()],
        }
    )
    one, other = count_comparisons(log), count_comparisons(swapped)
    assert one.domains == other.domains == ("big:probe", "big:small", "probe:small")
    np.testing.assert_array_equal(one.wins, other.wins)
    np.testing.assert_array_equal(one.comparisons, other.comparisons)


def test_a_pair_named_the_other_way_round_has_the_other_win_rate() -> None:
    log, _ = clicks()
    straight = votewise.filter_clicks(log, win_rate={f"{a}:{b}": rate for (a, b), rate in RATES.items()}, prior="beta")
    turned = votewise.filter_clicks(
        log, win_rate={f"{b}:{a}": 1 - rate for (a, b), rate in RATES.items()}, prior="beta"
    )
    for name in ("comparisons", "attentiveness"):
        one, other = (np.sort(found.attentiveness.cells[name].to_numpy()) for found in (straight, turned))
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_pair_without_a_win_rate_gets_an_estimate() -> None:
    """Within five standard errors of the truth, some 0.02: false alarm below 1e-5."""
    log, _ = clicks(users=200)
    result = votewise.filter_clicks(log, win_rate={"big:small": 0.75, "big:probe": 0.95}, prior="two-point")
    rates = dict(
        zip(*(result.attentiveness.win_rates[name].to_pylist() for name in ("domain", "win_rate")), strict=True)
    )
    assert rates["probe:small"] == pytest.approx(1 - RATES["small", "probe"], abs=0.1)


@pytest.mark.parametrize("prior", ["two-point", "beta"])
def test_with_a_gold_sample_the_objective_never_falls_and_intervals_stay_between_0_and_1(prior: str) -> None:
    log, _ = clicks(users=200)
    found = votewise.filter_clicks(log, win_rate={"big:small": "30/40"}, prior=prior).attentiveness
    assert (np.diff(found.history) >= -1e-9 * np.abs(found.history[:-1])).all()
    rates = found.win_rates.to_pydict()
    for low, rate, high in zip(rates["low"], rates["win_rate"], rates["high"], strict=True):
        assert 0 <= low <= rate <= high <= 1


@pytest.mark.parametrize(
    ("win_rate", "message"),
    [
        (0.7, r"win_rate: one win rate for 3 matchups, got 0.7 .expected one for each .* big:probe=0.7"),
        (
            {"big:tiny": 0.7},
            r"no such matchup, got 'big:tiny' .expected one of big:probe, big:small, probe:small",
        ),
    ],
)
def test_what_is_missing_is_said(win_rate: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        votewise.filter_clicks(clicks(users=4)[0], win_rate=win_rate)
