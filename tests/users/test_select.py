"""Levels and selection rules, on cells of users made by hand."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest

from votewise.data.clicks import Counts
from votewise.errors import BadInputError
from votewise.users.estimate import estimate_attentiveness
from votewise.users.results import AttentivenessResult
from votewise.users.select import USER_FLAGS, Rule, ladder, select_users, user_flags

COUNTS = Counts(
    np.array([[0], [100], [100], [100], [1000]]),
    np.array([[0], [50], [65], [80], [790]]),
    np.array([10, 40, 20, 20, 10]),
)
ROWS = COUNTS.users * (COUNTS.comparisons[:, 0] + 5)


class Believed(AttentivenessResult):
    """Beliefs made by hand: P(attentiveness >= threshold) is 1 where the interval says so, else 0."""

    def exceeds(self, threshold: float) -> np.ndarray:
        return (self.cells["low"].to_numpy() >= threshold).astype(float)


def believed(mean: list[float], low: list[float], high: list[float]) -> AttentivenessResult:
    """A result with these beliefs about the cells of ``COUNTS``, under a flat prior."""
    real = estimate_attentiveness(COUNTS, win_rate=0.8, prior="two-point")
    cells = real.cells.set_column(3, "attentiveness", pa.array(mean))
    cells = cells.set_column(5, "low", pa.array(low)).set_column(6, "high", pa.array(high))
    values = {field.name: getattr(real, field.name) for field in fields(real)}
    return Believed(**values | {"cells": cells, "prior_width": 0.95})


RESULT = believed([0.6, 0.1, 0.5, 0.9, 0.95], [0.05, 0.0, 0.3, 0.8, 0.9], [0.97, 0.3, 0.7, 1.0, 1.0])


def test_levels_follow_the_interval() -> None:
    assert user_flags(COUNTS, RESULT) == ["new", "inattentive", "unsure", "attentive", "attentive"]
    assert set(USER_FLAGS) == {"new", "inattentive", "unsure", "attentive"}


def test_a_wide_interval_after_many_clicks_is_not_new() -> None:
    wide = believed([0.6] * 5, [0.05] * 5, [0.95] * 5)
    assert user_flags(COUNTS, wide) == ["new", "unsure", "unsure", "unsure", "unsure"]


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (Rule(), [True, False, True, True, True]),
        (Rule(threshold=0.55), [True, False, False, True, True]),
        (Rule(threshold=0.5, probability=0.95), [False, False, False, True, True]),
        (Rule(threshold=0.5, probability=0.95, keep_new=True), [True, False, False, True, True]),
        (Rule(keep=0.1), [False, False, False, False, True]),
        (Rule(keep=0.11), [False, False, False, True, True]),
        (Rule(keep=0.3), [False, False, False, True, True]),
        (Rule(keep=0.31), [True, False, False, True, True]),
        (Rule(keep=1.0), [True] * 5),
    ],
)
def test_rules(rule: Rule, kept: list[bool]) -> None:
    assert select_users(COUNTS, RESULT, rule).tolist() == kept


def test_equal_users_are_kept_together() -> None:
    same = believed([0.6, 0.1, 0.1 + 1e-15, 0.1, 0.1], [0.0] * 5, [1.0] * 5)
    assert select_users(COUNTS, same, Rule(keep=0.2)).tolist() == [True] * 5
    assert select_users(COUNTS, same, Rule(keep=0.1)).tolist() == [True, False, False, False, False]


def test_the_top_share_is_at_least_what_was_asked() -> None:
    for share in np.linspace(0.01, 1, 34):
        kept = select_users(COUNTS, RESULT, Rule(keep=float(share)))
        assert COUNTS.users[kept].sum() >= share * COUNTS.n_users - 1e-9


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep": 0.0}, "not a share of users"), ({"keep": 1.5}, "keep"), ({"threshold": 1.0}, "threshold"),
        ({"probability": 0.0}, "probability"), ({"keep": 0.5, "probability": 0.9}, "cannot be combined"),
        ({"threshold": float("nan")}, "not an attentiveness"),
    ],
)  # fmt: skip
def test_bad_rules(settings: dict[str, float], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Rule(**settings)


def test_keeping_nobody_is_an_error() -> None:
    with pytest.raises(
        BadInputError, match=r"nobody has attentiveness of at least 0.99; the highest estimate is 0.950"
    ):
        select_users(COUNTS, RESULT, Rule(threshold=0.99))


def test_the_ladder_says_what_the_rules_do() -> None:
    for row in ladder(COUNTS, RESULT, ROWS, probability=0.9).to_pylist():
        settings = {
            "keep": {"keep": row["value"]},
            "threshold": {"threshold": row["value"]},
            "probability": {"threshold": row["value"], "probability": 0.9},
        }
        kept = select_users(COUNTS, RESULT, Rule(**settings[row["rule"]]))
        assert (row["users"], row["rows"]) == (COUNTS.users[kept].sum(), ROWS[kept].sum())
        assert row["row_share"] == pytest.approx(row["rows"] / ROWS.sum())


@pytest.mark.slow
def test_all_users_identical_and_one_user() -> None:
    for users in (1, 500):
        counts = Counts(np.array([[40]]), np.array([[32]]), np.array([users]))
        result = estimate_attentiveness(counts, win_rate=0.8)
        assert select_users(counts, result, Rule(keep=0.1)).tolist() == [True]
        assert user_flags(counts, result)[0] in ("attentive", "unsure")
