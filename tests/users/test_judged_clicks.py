"""Several clicks of one judgement count for fewer independent ones: counted in the engine, and coverage in simulations."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from votewise import filter_clicks
from votewise.data.clicks import Counts
from votewise.errors import BadInputError
from votewise.users.log_options import LogOptions
from votewise.users.read_clicks import open_log

COLUMNS = {"user": "user", "a": "model_a", "b": "model_b", "winner": "winner"}
STRENGTH = (1.5, 0.7, 0.0, -0.8)


def ratings(
    seed: int, *, users: int = 60, each: int = 20, models: int = 3
) -> tuple[pa.Table, np.ndarray, dict[str, float]]:
    """Every rating compares all models' answers: attentive as a whole, or a random order.

    Returns the log, (J,) the attentiveness of users u0, u1, ..., and the matchups' win rates.
    """
    rng = np.random.default_rng(seed)
    rho = rng.beta(3, 3, users)
    strength = np.array(STRENGTH[:models])
    user = np.repeat(np.arange(users), each)
    quality = strength + rng.gumbel(size=(len(user), models))
    seen = np.where(rng.random(len(user))[:, None] < rho[user, None], quality, rng.random(quality.shape))
    parts, rates = [], {}
    for a, b in combinations(range(models), 2):
        parts.append(
            pa.table(
                {
                    "user": [f"u{u}" for u in user],
                    "model_a": [f"m{a}"] * len(user),
                    "model_b": [f"m{b}"] * len(user),
                    "winner": np.where(seen[:, a] > seen[:, b], "model_a", "model_b"),
                    "rating": np.arange(len(user)),
                }
            )
        )
        rates[f"m{a}:m{b}"] = float(1 / (1 + np.exp(strength[b] - strength[a])))
    return pa.concat_tables(parts), rho, rates


def counts_of(log: pa.Table, judgement: str | None) -> Counts:
    with open_log(log, COLUMNS, LogOptions(judgement=judgement)) as opened:
        return opened.counts


def test_clicks_of_one_judgement_are_counted_together() -> None:
    rows = [("u", "m1", "m2", "model_a", 1), ("u", "m1", "m3", "model_a", 1), ("u", "m2", "m3", "tie", 1)]
    rows += [("u", "m1", "m2", "model_b", 2), ("v", "m1", "m2", "model_a", None), ("v", "m1", "m3", "model_a", None)]
    names = (*COLUMNS.values(), "rating")
    log = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
    found = counts_of(log, "rating")
    assert found.together is not None
    by_clicks = dict(zip(found.comparisons.sum(axis=1).tolist(), found.together.tolist(), strict=True))
    # u: two clicks of the first rating (ties are none) and one of the second; v: two clicks on their own.
    assert by_clicks == {3: 2, 2: 0}
    assert found.worth[found.together == 0].tolist() == [1.0]
    assert found.worth[found.together == 2][0] < 1


def test_judgements_of_one_click_change_no_number() -> None:
    log, _, rates = ratings(1, models=2, each=40)
    alone = filter_clicks(log, win_rate=rates["m0:m1"], prior="beta")
    marked = filter_clicks(log, win_rate=rates["m0:m1"], prior="beta", judgement="rating")
    assert marked.attentiveness.cells.equals(alone.attentiveness.cells)


def test_the_correlation_is_found_and_users_who_differ_do_not_count_for_it() -> None:
    """Attention of whole ratings: measured 0.13 to 0.15 over seeds; with marks drawn at random it is nothing but noise
    (0.02 is four standard errors)."""
    log, _, _ = ratings(2, users=120, each=40)
    assert counts_of(log, "rating").correlation == pytest.approx(0.14, abs=0.05)
    order = np.random.default_rng(0).permutation(len(log))
    users = log["user"].to_numpy(zero_copy_only=False)
    # The same sizes of judgements, each with clicks of one user, but of different ratings.
    by_user = order[np.argsort(users[order], kind="stable")]
    shuffled = log.take(by_user).set_column(4, "rating", pa.array(np.arange(len(log)) // 3))
    assert counts_of(shuffled, "rating").correlation < 0.06


@pytest.mark.slow
def test_kept_rows_and_users_are_written_whole(tmp_path: Path) -> None:
    log, _, rates = ratings(3)
    result = filter_clicks(log, win_rate=rates, judgement="rating", keep=0.5, out=tmp_path / "out", report=False)
    users = pq.read_table(tmp_path / "out" / "users.parquet")
    rows = pq.read_table(tmp_path / "out" / "comparisons.parquet")
    assert len(users) == 60
    kept = set(rows["user"].to_pylist())
    assert 0 < len(kept) < 60
    assert len(rows) == 60 * len(kept) == result.summary["kept"]["rows"]
    assert "judgements" in {d.code for d in result.attentiveness.diagnostics}


def test_what_cannot_be_done_is_refused() -> None:
    log, _, rates = ratings(4)
    with pytest.raises(BadInputError, match="no column 'mark' for judgement"):
        filter_clicks(log, win_rate=rates, judgement="mark")
    with pytest.raises(BadInputError, match="cannot be combined with a judgement column"):
        filter_clicks(log, win_rate=rates, judgement="rating", window="10")


@pytest.mark.slow
def test_intervals_of_attentiveness_cover(tmp_path: Path) -> None:
    """8 logs of 120 users with 30 ratings of four answers: measured 0.948 marked and 0.888 unmarked, standard errors over 8
    logs below 0.01, so either bound is four of them away: a false alarm in fewer than 1 in 10^4 seeds."""
    inside: dict[str | None, list[float]] = {"rating": [], None: []}
    for seed in range(8):
        log, rho, rates = ratings(seed, users=120, each=30, models=4)
        for judgement, found in inside.items():
            out = tmp_path / f"{seed}{judgement}"
            filter_clicks(log, win_rate=rates, prior="beta", judgement=judgement, out=out, report=False)
            users = pq.read_table(out / "users.parquet")
            truth = rho[[int(name[1:]) for name in users["user"].to_pylist()]]
            low, high = (users[name].to_numpy() for name in ("low", "high"))
            found.append(float(((low <= truth) & (truth <= high)).mean()))
    assert 0.91 < np.mean(inside["rating"]) < 0.985
    assert np.mean(inside[None]) < 0.92
