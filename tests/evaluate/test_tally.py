"""Votes between models, counted in the engine: the same as counted one by one, whatever words winners have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from votewise.errors import BadInputError
from votewise.evaluate.battle_rows import LENGTH_STEPS, BattleOptions, count_battles
from votewise.evaluate.tally import Tally, count_games
from votewise.sources.containers.plain_parquet import plain_parquet

COLUMNS = {"model_a": "model_a", "model_b": "model_b", "winner": "winner"}


def table(rows: list[tuple[Any, ...]], *more: str) -> pa.Table:
    return pa.table(dict(zip(("model_a", "model_b", "winner", *more), map(list, zip(*rows, strict=True)), strict=True)))


def counts(tally: Tally) -> dict[tuple[str, str], tuple[float, float, float]]:
    games, names = tally.games, tally.models
    rows = zip(games.first, games.second, games.won, games.lost, games.tied, strict=True)
    return {(names[i], names[j]): (won, lost, tied) for i, j, won, lost, tied in rows}


def test_sides_and_words_and_names_are_understood() -> None:
    rows = [
        ("x", "y", "model_a"), ("y", "x", "model_a"), ("x", "y", "model_b"), ("y", "x", "x"), ("x", "y", "y"),
        ("x", "y", "tie"), ("y", "x", "both_bad"), ("x", "z", "left"), ("z", "y", "tie"),
    ]  # fmt: skip
    found = counts(count_games(table(rows), COLUMNS, BattleOptions(label={"left": "a"})))
    assert found == {("x", "y"): (2, 3, 2), ("x", "z"): (1, 0, 0), ("y", "z"): (0, 0, 1)}


def test_random_votes_are_counted_as_one_by_one() -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 6, 3000)
    b = (a + rng.integers(1, 6, 3000)) % 6
    winner = rng.choice(["model_a", "model_b", "tie"], 3000)
    expected: dict[tuple[str, str], list[float]] = {}
    for i, j, won in zip(a.tolist(), b.tolist(), winner.tolist(), strict=True):
        cell = expected.setdefault((f"m{min(i, j)}", f"m{max(i, j)}"), [0.0, 0.0, 0.0])
        side = 2 if won == "tie" else int((won == "model_a") != (i < j))
        cell[side] += 1
    rows = [(f"m{i}", f"m{j}", won) for i, j, won in zip(a.tolist(), b.tolist(), winner.tolist(), strict=True)]
    assert counts(count_games(table(rows), COLUMNS)) == {pair: tuple(cell) for pair, cell in expected.items()}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("x", None, "tie"), "no model in 1 row"),
        (("x", " ", "tie"), "no model in 1 row"),
        (("x", "x", "tie"), "the same model on both sides in 1 row"),
        (("x", "y", None), "no winner in 1 row"),
        (("x", "y", "green"), "unknown winner in 1 row"),
        (("x", "y", "z"), "unknown winner in 1 row"),
    ],
)
def test_rows_that_cannot_be_used_stop_or_are_counted(row: tuple[Any, ...], message: str) -> None:
    rows = table([("x", "y", "model_a"), row, ("y", "z", "model_a")])
    with pytest.raises(BadInputError, match=message):
        count_games(rows, COLUMNS)
    tally = count_games(rows, COLUMNS, BattleOptions(skip=True))
    assert list(tally.skipped.values()) == [1]
    assert tally.games.number.sum() == 2


def test_a_word_that_is_also_a_model_is_asked_about() -> None:
    rows = table([("model_b", "y", "model_b"), ("y", "model_b", "tie")])
    with pytest.raises(BadInputError, match="the column or the model"):
        count_games(rows, COLUMNS)
    assert counts(count_games(rows, COLUMNS, BattleOptions(label={"model_b": "b"}))) == {("model_b", "y"): (0, 1, 1)}


def test_a_missing_column_is_named() -> None:
    with pytest.raises(BadInputError, match="there is no column 'user' for annotator"):
        count_games(table([("x", "y", "tie")]), COLUMNS | {"annotator": "user"})


def test_annotators_and_lengths_are_kept_apart() -> None:
    rows = [
        ("x", "y", "model_a", "p", "long answer", "long"),
        ("y", "x", "model_a", "q", "", "abc"),
        ("x", "y", "tie", "p", "", ""),
    ]
    columns = COLUMNS | {"annotator": "who", "response_a": "ra", "response_b": "rb"}
    tally = count_games(table(rows, "who", "ra", "rb"), columns, BattleOptions(by_length=True))
    assert tally.annotators is not None
    assert tally.annotator is not None
    assert tally.games.covariate is not None
    names = tally.annotators.to_pylist()
    found = {
        (names[k], tally.models[i], round(float(x) * LENGTH_STEPS / 2)): (won, tied)
        for k, i, x, won, tied in zip(
            tally.annotator, tally.games.first, tally.games.covariate, tally.games.won, tally.games.tied, strict=True
        )
    }
    # The model whose name comes first is first: y won with the shorter text, so x lost with the longer one.
    assert found == {("p", "x", 9): (1, 0), ("q", "x", 20): (0, 0), ("p", "x", 0): (0, 1)}


KINDS = ("model_a", "model_b", "winner", "pair", "annotator", "rows")


def kinds(rows: pa.Table) -> list[tuple[Any, ...]]:
    return sorted(zip(*(rows[name].to_pylist() for name in KINDS if name in rows.column_names), strict=True), key=str)


def test_parquet_files_are_counted_without_ibis_as_everything_else_is_with_it(tmp_path: Path) -> None:
    """Hostile names, numbers, missing values: DuckDB alone and ibis count the same."""
    rng = np.random.default_rng(0)
    names = np.array(["x", "y'; DROP", 'q"uote', " ", "ümläut", None], object)
    rows = pa.table(
        {
            "model a": names[rng.integers(0, 6, 3000)].tolist(),
            'model "b"': rng.integers(0, 4, 3000),
            "winner": rng.choice(["model_a", "tie", "4"], 3000),
            "who": [None if k == 0 else f"u{k}" for k in rng.integers(0, 9, 3000)],
            "prompt_id": rng.integers(0, 1500, 3000),
            "beside": [f"text {i}" for i in range(3000)],
        }
    )
    columns = {"model_a": "model a", "model_b": 'model "b"', "winner": "winner", "annotator": "who"}
    (tmp_path / "o'[1]").mkdir()
    for part, start in (("a", 0), ("b", 1000)):
        pq.write_table(rows.slice(start, 1000 if part == "a" else 2000), tmp_path / "o'[1]" / f"{part}.parquet")
    with plain_parquet(tmp_path / "o'[1]", None) as plain:
        assert plain is not None
        # It would be printed among the results of a slow query.
        assert plain.table("SELECT current_setting('enable_progress_bar') AS shown")["shown"].to_pylist() == [False]
    found = count_battles(tmp_path / "o'[1]", columns, BattleOptions())
    expected = count_battles(rows, columns, BattleOptions())
    assert kinds(found.kinds) == kinds(expected.kinds)
    assert found.pairs == expected.pairs == "column 'prompt_id'"


def test_votes_on_one_pair_are_known_by_a_column_or_by_their_texts() -> None:
    rows = table(
        [
            ("x", "y", "model_a", "p", "one", "two", "7"),
            ("y", "x", "model_a", "p", "two", "one", "7"),
            ("x", "y", "tie", "q", "one", "two", "8"),
            ("x", "y", "tie", "q", "one", "two", None),
        ],
        "prompt", "response_a", "response_b", "task",
    )  # fmt: skip
    assert count_games(rows, COLUMNS).pairs is None
    by_texts = count_games(rows, COLUMNS, BattleOptions(same_texts=True))
    assert sorted(by_texts.pairs.toarray().tolist()) == [[0, 0, 2], [1, 1, 0]]
    assert by_texts.told == "their texts"
    by_column = count_games(rows, COLUMNS | {"pair": "task"})
    assert sorted(by_column.pairs.toarray().tolist()) == [[0, 0, 1], [0, 0, 1], [1, 1, 0]]
    assert by_column.pairs.sum(axis=0).tolist()[0] == [1, 1, 2]


def test_what_other_columns_say_counts_as_it_does_for_clicks(tmp_path: Path) -> None:
    """Drafts, splits, criteria and weights, in memory and in a Parquet file."""
    rows = [
        ("x", "y", "model_a", "done", "taste"),
        ("x", "y", "model_b", "draft", "taste"),
        ("x", "y", "tie", "done", "color"),
    ]
    rows = rows * 2
    told = table(rows, "status", "criterion")
    pq.write_table(told, tmp_path / "votes.parquet")
    for source in (told, tmp_path / "votes.parquet"):
        with pytest.raises(BadInputError, match="several criteria"):
            count_games(source, COLUMNS)
        tally = count_games(source, COLUMNS, BattleOptions(criterion="taste"))
        assert counts(tally) == {("x", "y"): (2, 0, 0)}
        assert tally.skipped == {"on another question": 2, "no vote": 2}
    weighted = told.select(["model_a", "model_b", "winner"]).append_column("weight", [[1, 2, 3] * 2])
    pq.write_table(weighted, tmp_path / "weighted.parquet")
    with pytest.raises(BadInputError, match="how much rows count"):
        count_games(tmp_path / "weighted.parquet", COLUMNS)
    assert (
        count_games(tmp_path / "weighted.parquet", COLUMNS, BattleOptions(set_aside=("weight",))).games.number.sum()
        == 6
    )


def test_a_vote_without_a_name_is_nobodys() -> None:
    rows = table([("x", "y", "model_a", "p"), ("y", "x", "model_a", None), ("x", "y", "tie", " ")], "who")
    columns = COLUMNS | {"annotator": "who"}
    with pytest.raises(BadInputError, match="no annotator in 2 rows"):
        count_games(rows, columns)
    tally = count_games(rows, columns, BattleOptions(skip=True))
    assert tally.skipped == {"no annotator": 2}
    assert tally.games.number.sum() == 1
    one = count_games(rows, columns, BattleOptions(one_annotator="somebody"))
    assert one.annotators is not None
    assert one.annotators.to_pylist() == ["p", "somebody"]
    assert one.games.number.sum() == 3
