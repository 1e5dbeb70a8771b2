"""Users collapse into cells of equal counts."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.data.clicks import Counts
from votewise.errors import BadInputError


def test_equal_users_share_a_cell() -> None:
    counts, cell_of = Counts.of_users([5, 3, 5, 0], [2, 3, 2, 0])
    assert counts.n_users == 4
    assert sorted(zip(counts.comparisons[:, 0], counts.wins[:, 0], counts.users, strict=True)) == [
        (0, 0, 1),
        (3, 3, 1),
        (5, 2, 2),
    ]
    np.testing.assert_array_equal(counts.comparisons[cell_of, 0], [5, 3, 5, 0])
    np.testing.assert_array_equal(counts.wins[cell_of, 0], [2, 3, 2, 0])


def test_domains_make_cells_of_several_counts() -> None:
    counts, cell_of = Counts.of_users([[2, 1], [2, 1], [1, 2]], [[1, 1], [1, 1], [1, 1]], domains=("code", "prose"))
    assert counts.users.tolist() == [1, 2]
    assert cell_of[0] == cell_of[1] != cell_of[2]


@pytest.mark.parametrize(
    ("n", "w", "message"),
    [
        ([], [], "no users"),
        ([3], [4], "4 wins of model A in 3"),
        ([-1], [0], "wins of model A in -1"),
        ([np.nan], [0], "comparisons of user 0 are not a whole number"),
        ([3, 3], [1, 1.5], "wins of user 1 are not a whole number"),
        ([3, 3], [1], "wins of shape"),
        (["a"], ["b"], "not numbers"),
    ],
)
def test_impossible_counts_are_refused(n: list, w: list, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Counts.of_users(n, w)
