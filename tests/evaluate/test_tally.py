"""Votes between models, counted in the engine: the same as counted one by one, whatever words winners have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from votewise.errors import BadInputError
from votewise.evaluate.tally import LENGTH_STEPS, Tally, count_games

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
    found = counts(count_games(table(rows), COLUMNS, label={"left": "a"}))
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
    tally = count_games(rows, COLUMNS, skip=True)
    assert list(tally.skipped.values()) == [1]
    assert tally.games.number.sum() == 2


def test_a_word_that_is_also_a_model_is_asked_about() -> None:
    rows = table([("model_b", "y", "model_b"), ("y", "model_b", "tie")])
    with pytest.raises(BadInputError, match="the column or the model"):
        count_games(rows, COLUMNS)
    assert counts(count_games(rows, COLUMNS, label={"model_b": "b"})) == {("model_b", "y"): (0, 1, 1)}


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
    tally = count_games(table(rows, "who", "ra", "rb"), columns, by_length=True)
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
    assert found == {("p", "x", 9): (1, 0), ("q", "y", -20): (1, 0), ("p", "x", 0): (0, 1)}
