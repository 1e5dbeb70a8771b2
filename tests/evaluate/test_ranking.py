"""A ranking: ratings, ranks with what is clear, votes to separate neighbours, length, models that cannot be placed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit

from votewise.errors import BadInputError
from votewise.evaluate.battle_rows import BattleOptions
from votewise.evaluate.ranking import POINTS, rank, votes_to_separate
from votewise.evaluate.ranking_fit import RankingOptions, draws
from votewise.evaluate.tally import count_games

COLUMNS = {"model_a": "model_a", "model_b": "model_b", "winner": "winner"}
STRENGTH = np.array([0.8, 0.3, 0.25, -0.3, -1.05])


def votes(seed: int, number: int = 4000, wordy: float = 0.0) -> pa.Table:
    """Votes between five models; with ``wordy``, longer answers win more often, and the last model writes long ones."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 5, number)
    b = (a + rng.integers(1, 5, number)) % 5
    length_a, length_b = (rng.integers(10, 60, number) + 60 * (wordy > 0) * (side == 4) for side in (a, b))
    d = STRENGTH[a] - STRENGTH[b] + wordy * (length_a - length_b) / (length_a + length_b)
    winner = np.where(rng.random(number) < expit(d), "model_a", "model_b")
    texts = {"response_a": ["x" * n for n in length_a], "response_b": ["x" * n for n in length_b]}
    return pa.table(
        {"model_a": [f"m{i}" for i in a], "model_b": [f"m{i}" for i in b], "winner": winner.tolist(), **texts}
    )


def ranked(table: pa.Table, **options: Any) -> Any:
    return rank(count_games(table, COLUMNS), RankingOptions(**options))


def test_a_gap_of_400_points_is_odds_of_ten_to_one() -> None:
    table = pa.table({"model_a": ["x"] * 11, "model_b": ["y"] * 11, "winner": ["model_a"] * 10 + ["model_b"]})
    rows = ranked(table).models.to_pylist()
    assert [row["model"] for row in rows] == ["x", "y"]
    assert rows[0]["rating"] - rows[1]["rating"] == pytest.approx(400)
    assert rows[0]["rating"] + rows[1]["rating"] == pytest.approx(2000)
    assert (rows[0]["won"], rows[0]["lost"], rows[0]["votes"]) == (10, 1, 11)


def test_ranks_say_what_is_clear() -> None:
    found = ranked(votes(0))
    rows = {row["model"]: row for row in found.models.to_pylist()}
    assert rows["m0"]["rank_best"] == rows["m0"]["rank_worst"] == 1
    assert rows["m4"]["rank_best"] == rows["m4"]["rank_worst"] == 5
    assert (rows["m1"]["rank_best"], rows["m1"]["rank_worst"]) == (2, 3)
    assert rows["m0"]["votes_to_separate"] == 0
    assert found.shares[0, 4] == pytest.approx(1 - found.shares[4, 0])
    assert np.isnan(np.diag(found.shares)).all()


def test_as_many_votes_as_said_separate_two_models() -> None:
    """Information adds up: after n more votes the interval's end is at the gap."""
    gap, error = 0.1, 0.08
    n = votes_to_separate(gap, error, 1.96)
    p = expit(gap)
    after = 1 / np.sqrt(1 / error**2 + n * p * (1 - p))
    assert 1.96 * after == pytest.approx(gap, rel=0.01)
    assert votes_to_separate(0.2, 0.08, 1.96) == 0
    assert votes_to_separate(0.0, 0.08, 1.96) > 10**9


def test_the_bootstrap_agrees_with_the_sandwich() -> None:
    """200 draws give a standard deviation to 5%; four of those."""
    one, other = (ranked(votes(1), intervals=name).models for name in ("sandwich", "bootstrap"))
    width = [np.subtract(*(table[name].to_numpy() for name in ("high", "low"))) for table in (one, other)]
    assert width[0] == pytest.approx(width[1], rel=0.2)


def test_length_control_takes_the_effect_of_length_out() -> None:
    """One answer twice as long adds 2.4 / 3 to the log-odds. Without control, the wordy model is rated too high."""
    table = votes(2, number=20_000, wordy=2.4)
    columns = COLUMNS | {"response_a": "response_a", "response_b": "response_b"}
    found = rank(count_games(table, columns, BattleOptions(by_length=True)), RankingOptions())
    plain = ranked(table)
    assert found.effect is not None
    assert found.effect[1] < 0.8 * POINTS < found.effect[2]
    rating, plain_rating = ({row["model"]: row["rating"] for row in one.models.to_pylist()} for one in (found, plain))
    expected = 1000 + POINTS * (STRENGTH - STRENGTH.mean())
    assert rating["m4"] == pytest.approx(expected[4], abs=30)
    assert plain_rating["m4"] > expected[4] + 60


def test_a_model_that_won_everything_is_left_out_and_named() -> None:
    table = pa.table(
        {
            "model_a": ["x", "y", "x", "best", "best"],
            "model_b": ["y", "x", "y", "x", "y"],
            "winner": ["model_a", "model_a", "tie", "model_a", "model_a"],
        }
    )
    found = ranked(table)
    assert found.left_out == ("best",)
    assert "best" in found.notes[0]
    assert found.models["model"].to_pylist() in (["x", "y"], ["y", "x"])


def test_what_cannot_be_ranked_is_one_line() -> None:
    table = pa.table({"model_a": ["x"], "model_b": ["y"], "winner": ["model_a"]})
    with pytest.raises(BadInputError, match="no two models can be compared"):
        ranked(table)
    with pytest.raises(BadInputError, match="expected 'half' or 'davidson'"):
        RankingOptions(ties="third")  # type: ignore[arg-type]


def test_annotators_who_toss_coins_are_known() -> None:
    rng = np.random.default_rng(3)
    table = votes(3, number=6000)
    who = rng.integers(0, 20, 6000)
    noisy = np.where(
        who < 8, np.where(rng.random(6000) < 0.5, "model_a", "model_b"), np.array(table["winner"].to_pylist())
    )
    table = table.set_column(2, "winner", pa.array(noisy.tolist())).append_column(
        "who", pa.array([f"p{k}" for k in who])
    )
    found = rank(count_games(table, COLUMNS | {"annotator": "who"}), RankingOptions())
    assert found.annotators is not None
    reliability = {row["annotator"]: row["reliability"] for row in found.annotators.to_pylist()}
    careless = [reliability[f"p{k}"] for k in range(8)]
    assert np.mean(careless) < min(np.mean([reliability[f"p{k}"] for k in range(8, 20)]), 0.65) - 0.1


def of_a_crowd(seed: int) -> pa.Table:
    """Votes of 12 annotators, a third of whom toss coins, with ties."""
    rng = np.random.default_rng(seed)
    table, who = votes(seed, number=2400), rng.integers(0, 12, 2400)
    said = np.where((who < 4) & (rng.random(2400) < 0.5), "model_a", np.array(table["winner"].to_pylist()))
    said = np.where(rng.random(2400) < 0.15, "tie", said)
    return (
        table.select(["model_a", "model_b"])
        .append_column("winner", pa.array(said.tolist()))
        .append_column("who", pa.array([f"p{k}" for k in who]))
    )


@pytest.mark.slow
@pytest.mark.parametrize("ties", ["half", "davidson"])
def test_the_bootstrap_of_a_crowd_agrees_with_its_joint_sandwich(ties: str) -> None:
    """200 draws give a standard deviation to 5%; five of those."""
    tally = count_games(of_a_crowd(4), COLUMNS | {"annotator": "who"})
    one, other = (rank(tally, RankingOptions(ties=ties, intervals=name)) for name in ("sandwich", "bootstrap"))  # type: ignore[arg-type]
    width = [np.subtract(*(found.models[name].to_numpy() for name in ("high", "low"))) for found in (one, other)]
    assert width[0] == pytest.approx(width[1], rel=0.25)
    assert (one.tie is None) == (ties == "half")


@pytest.mark.parametrize("intervals", ["sandwich", "bootstrap"])
def test_five_copies_of_each_vote_on_one_pair_tell_no_more_than_one(intervals: str) -> None:
    """200 draws give a standard deviation to 5%, and those of both draw differently; four of both."""
    table = votes(5, number=1500).select(["model_a", "model_b", "winner"])
    five = pa.concat_tables([table.append_column("pair", pa.array(range(1500)))] * 5)
    once, paired, told_nothing = (
        rank(count_games(rows, COLUMNS), RankingOptions(intervals=intervals))  # type: ignore[arg-type]
        for rows in (table, five, five.drop_columns(["pair"]))
    )
    width = [
        np.subtract(*(r.models[name].to_numpy() for name in ("high", "low"))) for r in (once, paired, told_nothing)
    ]
    close = 1e-6 if intervals == "sandwich" else 0.28
    assert width[1] == pytest.approx(width[0], rel=close)
    assert width[2] == pytest.approx(width[0] / np.sqrt(5), rel=close)
    assert paired.settings["pairs"] == "by column 'pair'"
    assert any("No column says" in note for note in told_nothing.notes) == (intervals == "bootstrap")


def test_a_draw_has_as_many_pairs_as_there_are() -> None:
    """Pairs of three votes: every draw holds 400 x 3 votes, and whole pairs alone."""
    table = votes(6, number=400).select(["model_a", "model_b", "winner"]).append_column("pair", pa.array(range(400)))
    tally = count_games(pa.concat_tables([table] * 3), COLUMNS)
    for games in draws(tally, 0, 5):
        votes_drawn = np.concatenate([games.won, games.lost, games.tied])
        assert votes_drawn.sum() == 1200
        assert (votes_drawn % 3 == 0).all()
