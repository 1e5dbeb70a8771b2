"""Users who change are found, users who do not are not flagged, and every engine gives the same answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from votewise.errors import BadInputError
from votewise.users.drift import FALSE_FLAGS, STEPS, e_bh, find_drift
from votewise.users.estimate import estimate_attentiveness
from votewise.users.read_clicks import open_log
from votewise.users.windows import Window

COLUMNS = {"user": "user", "a": "model_a", "b": "model_b", "winner": "winner"}
DAY = 86_400
START = 1_750_000_000 // (30 * DAY) * (30 * DAY)


def log(users: int = 120, changing: int = 12, per_month: int = 150, months: int = 3, seed: int = 0) -> pa.Table:
    """Clicks of users over some months; the first ``changing`` users fall asleep in the last month."""
    rng = np.random.default_rng(seed)
    rho = rng.beta(6, 3, users)
    rho[:changing] = 0.95
    n = users * months * per_month
    user = np.repeat(np.arange(users), months * per_month)
    month = np.tile(np.repeat(np.arange(months), per_month), users)
    attention = np.where((user < changing) & (month == months - 1), 0.0, rho[user])
    for_a = rng.random(n) < 0.5 + attention * 0.35
    seconds = START + month * 30 * DAY + rng.integers(0, 30 * DAY, n)
    order = rng.permutation(n)
    return pa.table(
        {
            "user": pa.array([f"u{u}" for u in user[order]]),
            "model_a": pa.array(["big"] * n),
            "model_b": pa.array(["small"] * n),
            "winner": pa.array(np.where(for_a, "model_a", "model_b")[order]),
            "time": pa.array(seconds[order].astype("datetime64[s]")),
            "seconds": pa.array(seconds[order].astype(np.float64)),
            "note": pa.array(["x"] * n),
        }
    )


def drift_of(table: pa.Table, window: str, time: str, folder: Path) -> tuple[object, dict[str, dict], pa.Table]:
    """The drift, its users by name, and its stretches."""
    with open_log(table, COLUMNS) as opened:
        result = estimate_attentiveness(opened.counts, win_rate=0.85, prior="beta")
        with find_drift(opened, result, Window.parse(window), time) as drift:
            drift.write_users(folder / "users.parquet")
            drift.write_stretches(folder / "stretches.parquet")
            rows = pq.read_table(folder / "users.parquet").to_pylist()
            return drift, {row["user"]: row for row in rows}, pq.read_table(folder / "stretches.parquet")


@pytest.mark.parametrize(("window", "time"), [("30d", "time"), ("30d", "seconds"), ("150", "time")])
def test_who_changed_is_found(window: str, time: str, tmp_path: Path) -> None:
    """12 users lose all attentiveness for 150 clicks; at most 5% of those flagged are expected to be wrong, and with this
    seed none is."""
    drift, users, stretches = drift_of(log(), window, time, tmp_path)
    flagged = {name for name, row in users.items() if row["changed"]}
    assert flagged == {f"u{i}" for i in range(12)}
    assert drift.changed == 12  # type: ignore[attr-defined]
    assert drift.users == 120  # type: ignore[attr-defined]
    assert all(row["stretches"] == 3 for row in users.values())
    assert users["u0"]["first"] > 0.7
    assert users["u0"]["last"] < 0.5
    assert len(stretches) == 360
    assert stretches["comparisons"].to_numpy().sum() == 120 * 450


@pytest.mark.slow
def test_times_are_texts_or_smaller_units_as_well(tmp_path: Path) -> None:
    table = log(users=20, changing=2, per_month=60)
    seconds = table["seconds"].to_numpy()
    moments = table["time"].to_numpy()
    other = {
        "iso": np.char.add(np.datetime_as_string(moments), "Z"),
        "text": seconds.astype(str),
        "milli": seconds * 1e3,
        "nano": (seconds * 1e9).astype(np.int64),
    }
    for name, values in other.items():
        table = table.append_column(name, pa.array(values.tolist()))
    _, users, stretches = drift_of(table, "30d", "time", tmp_path)
    for name in other:
        _, there, stretches_there = drift_of(table, "30d", name, tmp_path)
        for user, row in there.items():
            assert row == pytest.approx(users[user]), name
        assert stretches_there["comparisons"].equals(stretches["comparisons"])


def test_steady_users_are_not_flagged(tmp_path: Path) -> None:
    """400 users who never change: e-BH flags any with probability at most 0.05, and far less in practice."""
    drift, users, _ = drift_of(log(users=400, changing=0, per_month=40), "30d", "time", tmp_path)
    assert drift.changed == 0  # type: ignore[attr-defined]
    assert not any(row["changed"] for row in users.values())
    assert np.isinf(drift.least)  # type: ignore[attr-defined]


def test_bayes_factors_are_those_of_single_users(tmp_path: Path) -> None:
    from votewise.data.clicks import Counts

    table = log(users=20, changing=2, per_month=50)
    _, users, stretches = drift_of(table, "30d", "time", tmp_path)
    with open_log(table, COLUMNS) as opened:
        result = estimate_attentiveness(opened.counts, win_rate=0.85, prior="beta")
    mine = [row for row in stretches.to_pylist() if row["user"] == "u1"]
    n, w = [row["comparisons"] for row in mine], [row["wins"] for row in mine]
    counts, cell_of = Counts.of_users([*n, sum(n)], [*w, sum(w)])
    evidence = result.beliefs(counts)["log_evidence"].to_numpy()[cell_of]
    assert users["u1"]["log_bayes_factor"] == pytest.approx(evidence[:-1].sum() - evidence[-1])


def test_e_values_have_mean_one_where_nothing_changes(tmp_path: Path) -> None:
    """The mean Bayes factor of 3,000 steady users; heavy-tailed, so only a mean above 3 would be a false alarm (less
    than one in 100 by Markov's inequality for the mean of many, far less in simulation)."""
    _, users, _ = drift_of(log(users=3000, changing=0, per_month=10, seed=2), "30d", "time", tmp_path)
    factors = np.exp([row["log_bayes_factor"] for row in users.values()])
    assert 0.2 < factors.mean() < 3
    assert (factors >= 20).mean() <= FALSE_FLAGS


def test_e_bh_by_hand() -> None:
    """Ten users; 5%: one flag needs e >= 200, two need e >= 100 each."""
    step = {e: int(np.floor(np.log(e) * STEPS)) + 1 for e in (100, 200)}
    assert e_bh({step[100]: 1, 0: 9}, 0.05)[:2] == (10, 0)
    assert e_bh({step[100]: 2, 0: 8}, 0.05)[:2] == (10, 2)
    assert e_bh({step[200]: 1, 0: 9}, 0.05)[:2] == (10, 1)
    assert e_bh({}, 0.05) == (0, 0, np.inf)


@pytest.mark.parametrize(
    ("text", "window"),
    [("30d", Window(30 * DAY)), ("12h", Window(43_200)), ("2w", Window(14 * DAY)), ("500", Window(every=500))],
)
def test_windows_are_lengths_or_numbers(text: str, window: Window) -> None:
    assert Window.parse(text) == window


@pytest.mark.parametrize("text", ["", "0d", "-3", "3 months", "d", "1.5d"])
def test_other_windows_are_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="window"):
        Window.parse(text)


@pytest.mark.parametrize(
    ("column", "message"), [("when", "no column 'when'"), ("note", "'note': cannot be read as a time, got 'x'")]
)
def test_no_time_is_a_clear_error(column: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=message):
        drift_of(log(users=5, changing=0, per_month=10), "30d", column, tmp_path)


def test_postgres_gives_the_same(postgres_url: str, tmp_path: Path) -> None:
    import ibis

    table = log(users=30, changing=3, per_month=100).drop_columns(["note"])
    backend = ibis.connect(postgres_url)
    backend.create_table("drift_clicks", table, overwrite=True)
    try:
        _, there, _ = drift_of(f"{postgres_url}?table=drift_clicks", "30d", "time", tmp_path)  # type: ignore[arg-type]
    finally:
        backend.drop_table("drift_clicks")
        backend.disconnect()
    (tmp_path / "duckdb").mkdir()
    _, here, _ = drift_of(table, "30d", "time", tmp_path / "duckdb")
    assert there.keys() == here.keys()
    for name, row in here.items():
        assert there[name]["log_bayes_factor"] == pytest.approx(row["log_bayes_factor"])
        assert there[name]["changed"] == row["changed"]
