"""Users who click one of two models' answers: with attention they follow a scorer, without it they toss a coin.

P(click for A) = 1/2 + rho (p - 1/2) with rho the user's attentiveness and p the probability that an attentive user prefers
A's answer [UAA eq. 5].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from votewise.arrays import Bools, Floats
from votewise.data.clicks import Clicks, Counts
from votewise.errors import BadInputError
from votewise.simulate.distributions import read_prior

Codes = npt.NDArray[np.int64]
Follow = Literal["sign", "sampled"]

BLOCK = 2**18
"""Clicks that are drawn at once, about: memory stays at some tens of megabytes however many there are in all."""

DENSE = 4
"""With fewer comparisons per comparison shown than this, subsets come from shuffling them all, not from drawing again."""


@dataclass(frozen=True, eq=False)
class SimulatedUsers:
    """Clicks, and what an estimator should find in them.

    Attributes:
        user: (n,) code of each click's user, 0 to J - 1, ascending.
        comparison: (n,) code of the comparison clicked on, 0 to M - 1; a user sees each at most once.
        for_a: (n,) whether A's answer was clicked.
        attentive: (n,) whether the user paid attention to this one.
        preferred: (n,) whether an attentive user would have clicked A's answer here.
        attentiveness: (J,) true attentiveness of each user.
        probability: (M,) probability that an attentive user prefers A's answer, as it was given.
    """

    user: Codes
    comparison: Codes
    for_a: Bools
    attentive: Bools
    preferred: Bools
    attentiveness: Floats
    probability: Floats

    def __len__(self) -> int:
        return len(self.user)

    @property
    def correct(self) -> Bools:
        """(n,) whether each click is what an attentive user's would have been."""
        return np.asarray(self.for_a == self.preferred)

    def clicks(self) -> Clicks:
        """The clicks with a probability each, for ``estimate_attentiveness``."""
        return Clicks(self.user, self.probability[self.comparison], self.for_a)

    def counts(self) -> tuple[Counts, Codes]:
        """Users collapsed into cells of equal counts, and (J,) the cell of each user."""
        size = len(self.attentiveness)
        wins = np.bincount(self.user[self.for_a], minlength=size)
        return Counts.of_users(np.bincount(self.user, minlength=size), wins)


def simulate_users(
    probability: npt.ArrayLike,
    *,
    users: int = 400,
    prior: Any = "beta:6,2",
    comparisons_per_user: int | tuple[int, int] = 50,
    assignment: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    follow: Follow = "sign",
    seed: int = 0,
) -> SimulatedUsers:
    """Draw clicks from the users' model.

    Args:
        probability: (M,) probability that an attentive user prefers A's answer; sigmoid of a margin between A and B.
        users: number J of users.
        prior: what attentiveness is drawn from: whatever ``read_prior`` takes, or (J,) the attentivenesses themselves.
        comparisons_per_user: how many each user sees, or the fewest and the most, every number in between as likely. Each
            user sees a random subset of their own [UAA sec. 4.2].
        assignment: in place of it, (n,) the user and (n,) the comparison of every click.
        follow: what an attentive user clicks. ``sign``: A's answer where its probability is 1/2 or more, as the paper's
            experiments do with a reward model. ``sampled``: A's answer with its probability [UAA eq. 3].
        seed: seed; the same arguments give the same clicks.

    Raises:
        BadInputError: a setting out of range, or more comparisons per user than there are.
    """
    p = _probabilities(probability)
    if users < 1:
        raise BadInputError("users", value=users, expected="at least 1")
    rho = attentivenesses(prior, users, seed)
    if assignment is None:
        blocks = list(user_blocks(p, rho, comparisons_per_user=comparisons_per_user, follow=follow, seed=seed))
    else:
        user, comparison = (np.asarray(codes, np.int64) for codes in assignment)
        _check_assignment(user, comparison, users, len(p))
        order = np.argsort(user, kind="stable")
        blocks = [_click(user[order], comparison[order], rho, p, follow, np.random.default_rng([seed, 1]))]
    if len(blocks) == 1:
        return blocks[0]
    user, comparison, for_a, attentive, preferred = (
        np.concatenate([getattr(block, name) for block in blocks])
        for name in ("user", "comparison", "for_a", "attentive", "preferred")
    )
    return SimulatedUsers(user, comparison, for_a, attentive, preferred, rho, p)


def user_blocks(
    probability: Floats,
    attentiveness: Floats,
    *,
    comparisons_per_user: int | tuple[int, int],
    follow: Follow,
    seed: int,
) -> Iterator[SimulatedUsers]:
    """``simulate_users`` in blocks of whole users, which never fill the memory; every block has a seed of its own."""
    low, high = _range(comparisons_per_user, len(probability))
    at_once = max(1, BLOCK // high)
    for block, first in enumerate(range(0, len(attentiveness), at_once)):
        rng = np.random.default_rng([seed, 1, block])
        numbers = rng.integers(low, high + 1, min(at_once, len(attentiveness) - first))
        user = np.repeat(np.arange(first, first + len(numbers)), numbers)
        comparison = _subsets(numbers, len(probability), rng)
        yield _click(user, comparison, attentiveness, probability, follow, rng)


def attentivenesses(prior: Any, users: int, seed: int) -> Floats:
    """(J,) attentiveness of each user: drawn from a prior, or as given."""
    if isinstance(prior, list | tuple | np.ndarray):
        rho = np.asarray(prior, np.float64)
        if rho.shape != (users,) or not ((rho >= 0) & (rho <= 1)).all():
            raise BadInputError(
                f"attentivenesses of shape {rho.shape}", expected=f"{users:,} numbers from 0 to 1, one a user"
            )
        return rho
    return read_prior(prior).draw(users, np.random.default_rng([seed, 0]))


def _click(
    user: Codes, comparison: Codes, rho: Floats, p: Floats, follow: Follow, rng: np.random.Generator
) -> SimulatedUsers:
    chance, draws = p[comparison], rng.random((3, len(user)))
    if follow == "sign":
        preferred = chance >= 0.5
    elif follow == "sampled":
        preferred = draws[0] < chance
    else:
        raise BadInputError("unknown way to follow the scorer", value=follow, expected="sign or sampled")
    attentive = draws[1] < rho[user]
    return SimulatedUsers(
        user, comparison, np.where(attentive, preferred, draws[2] < 0.5), attentive, preferred, rho, p
    )


def _subsets(numbers: Codes, size: int, rng: np.random.Generator) -> Codes:
    """A random subset of ``size`` comparisons for each user, ``numbers`` (J,) of them, end to end."""
    most = int(numbers.max())
    if most * DENSE > size:
        order = np.argsort(rng.random((len(numbers), size)), axis=1)[:, :most]
        return np.asarray(order[np.arange(most) < numbers[:, None]], np.int64)
    owner = np.repeat(np.arange(len(numbers)), numbers) * size
    found = rng.integers(0, size, len(owner))
    while True:
        # Draw again whatever a user has seen already, until nobody sees a comparison twice.
        _, first = np.unique(owner + found, return_index=True)
        if len(first) == len(owner):
            return found
        again = np.ones(len(owner), bool)
        again[first] = False
        found[again] = rng.integers(0, size, int(again.sum()))


def _probabilities(given: npt.ArrayLike) -> Floats:
    p = np.asarray(given, np.float64)
    if p.ndim != 1 or len(p) == 0:
        raise BadInputError(f"probabilities of shape {p.shape}", expected="one a comparison, at least one")
    if not ((p >= 0) & (p <= 1)).all():
        row = int(np.flatnonzero(~((p >= 0) & (p <= 1)))[0])
        raise BadInputError("a probability is outside [0, 1]", row=row + 1, value=float(p[row]))
    return p


def _range(given: int | tuple[int, int], size: int) -> tuple[int, int]:
    low, high = (given, given) if isinstance(given, int) else given
    if not 1 <= low <= high <= size:
        raise BadInputError(
            f"{low:,} to {high:,} comparisons per user",
            expected=f"at least 1, in ascending order, and no more than the {size:,} there are",
        )
    return low, high


def _check_assignment(user: Codes, comparison: Codes, users: int, comparisons: int) -> None:
    if len(user) == 0 or user.shape != comparison.shape or user.ndim != 1:
        raise BadInputError(
            f"an assignment of shapes {user.shape} and {comparison.shape}", expected="one user and comparison a click"
        )
    for name, codes, size in (("user", user, users), ("comparison", comparison, comparisons)):
        if codes.min() < 0 or codes.max() >= size:
            raise BadInputError(f"{name} codes run from {codes.min()} to {codes.max()}", expected=f"0 to {size - 1}")
