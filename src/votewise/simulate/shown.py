"""Which comparisons each user is shown."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from votewise.errors import BadInputError, many

Codes = npt.NDArray[np.int64]

DENSE = 4
"""A user who sees more than one in so many comparisons gets a random order of all of them; others are drawn one by one."""


def random_subsets(numbers: Codes, size: int, rng: np.random.Generator) -> Codes:
    """A random subset of ``size`` comparisons for each user, ``numbers`` (J,) of them, end to end."""
    most = int(numbers.max())
    if most * DENSE > size:
        order = np.argsort(rng.random((len(numbers), size)), axis=1)[:, :most]
        return np.asarray(order[np.arange(most) < numbers[:, None]], np.int64)
    owner = np.repeat(np.arange(len(numbers)), numbers) * size
    found = rng.integers(0, size, len(owner))
    while True:
        # Draw again what a user has seen already, until nobody sees a comparison twice.
        _, first = np.unique(owner + found, return_index=True)
        if len(first) == len(owner):
            return found
        again = np.ones(len(owner), bool)
        again[first] = False
        found[again] = rng.integers(0, size, int(again.sum()))


def fewest_and_most(given: int | tuple[int, int], size: int) -> tuple[int, int]:
    """The fewest and the most comparisons of a user, of ``size`` that there are; BadInputError where they do not fit."""
    low, high = (given, given) if isinstance(given, int) else given
    if not 1 <= low <= high <= size:
        raise BadInputError(
            f"{low:,} to {many(high, 'comparison')} per user",
            parameter="comparisons_per_user",
            expected=f"at least 1, in ascending order, and no more than the {size:,} there are",
        )
    return low, high


def check_assignment(user: Codes, comparison: Codes, users: int, comparisons: int) -> None:
    """Raise BadInputError unless these are codes of users and of comparisons, (n,) each."""
    if len(user) == 0 or user.shape != comparison.shape or user.ndim != 1:
        raise BadInputError(
            f"an assignment of shapes {user.shape} and {comparison.shape}",
            expected="a user and a comparison for each click",
        )
    for name, codes, size in (("user", user, users), ("comparison", comparison, comparisons)):
        if codes.min() < 0 or codes.max() >= size:
            raise BadInputError(f"{name} codes run from {codes.min()} to {codes.max()}", expected=f"0 to {size - 1}")
