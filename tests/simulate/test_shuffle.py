"""An order looked up piece by piece is a random order."""

from __future__ import annotations

import numpy as np
import pytest

from votewise.errors import BadInputError
from votewise.simulate.shuffle import MOST, Shuffle

pytestmark = pytest.mark.slow
"""Each is fast; together they take five seconds."""


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 16, 17, 1000, 65_537])
def test_everything_has_one_place(size: int) -> None:
    order = Shuffle(size, 1).at(np.arange(size))
    np.testing.assert_array_equal(np.sort(order), np.arange(size))


def test_pieces_are_parts_of_the_whole_and_seeds_differ() -> None:
    whole = Shuffle(1000, 3).at(np.arange(1000))
    np.testing.assert_array_equal(Shuffle(1000, 3).at(np.array([7, 7, 999])), whole[[7, 7, 999]])
    assert not np.array_equal(Shuffle(1000, 4).at(np.arange(1000)), whole)


def test_large_orders_need_no_memory() -> None:
    found = Shuffle(10**12, 5).at(np.arange(10_000))
    assert len(np.unique(found)) == 10_000
    assert found.max() < 10**12


@pytest.mark.parametrize("size", [5, 12, 100])
def test_every_thing_may_stand_anywhere(size: int) -> None:
    """Places of the first and the last thing over 4,000 seeds: chi-square below its 1 - 1e-6 quantile (normal
    approximation, 5.5 standard deviations): false alarm below 1e-5 in all. So for the distance of two neighbours.
    """
    seeds = 4000
    at = np.array([Shuffle(size, seed).at(np.arange(size)) for seed in range(seeds)])
    gaps = (at[:, 1] - at[:, 0]) % size
    for found, kinds in ((at[:, 0], size), (at[:, -1], size), (gaps - 1, size - 1)):
        expected = seeds / kinds
        chi2 = ((np.bincount(found, minlength=kinds) - expected) ** 2 / expected).sum()
        assert chi2 < (kinds - 1) + 5.5 * np.sqrt(2 * (kinds - 1)) + 10


def test_neighbours_do_not_stay_neighbours() -> None:
    """Correlation of place and thing over 100,000 places: within five standard errors, false alarm below 1e-6."""
    order = Shuffle(100_000, 2).at(np.arange(100_000))
    assert abs(np.corrcoef(order, np.arange(100_000))[0, 1]) < 5 / np.sqrt(100_000)
    assert abs(np.corrcoef(order[1:], order[:-1])[0, 1]) < 5 / np.sqrt(100_000)


@pytest.mark.parametrize("size", [0, -1, MOST + 1])
def test_impossible_sizes_are_refused(size: int) -> None:
    with pytest.raises(BadInputError, match="shuffle"):
        Shuffle(size, 0)
