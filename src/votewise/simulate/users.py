"""Users who click one of two models' answers: attentive ones follow a scorer, inattentive ones toss a coin.

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
from votewise.defaults import SIMULATED_ATTENTIVENESS, SIMULATED_COMPARISONS_PER_USER, SIMULATED_USERS
from votewise.errors import BadInputError
from votewise.simulate.distributions import read_prior
from votewise.simulate.shown import Codes, check_assignment, fewest_and_most, random_subsets

Follow = Literal["sign", "sampled"]

BLOCK = 2**18
"""About how many clicks are drawn at once: memory stays at some tens of megabytes, however many clicks there are."""


@dataclass(frozen=True)
class ClickOptions:
    """Who clicks, and how; see ``simulate_users``. Raises BadInputError unless there is a user."""

    users: int = SIMULATED_USERS
    prior: Any = SIMULATED_ATTENTIVENESS
    comparisons_per_user: int | tuple[int, int] = SIMULATED_COMPARISONS_PER_USER
    follow: Follow = "sign"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.users < 1:
            raise BadInputError("out of range", parameter="users", value=self.users, expected="at least 1")


@dataclass(frozen=True, eq=False)
class SimulatedUsers:
    """Clicks, and the truth that an estimator should find in them.

    Attributes:
        user: (n,) code of each click's user, 0 to J - 1, ascending.
        comparison: (n,) code of the comparison clicked on, 0 to M - 1; a user sees each at most once.
        for_a: (n,) whether A's answer was clicked.
        attentive: (n,) whether the user paid attention to this comparison.
        preferred: (n,) whether an attentive user would have clicked A's answer here.
        attentiveness: (J,) true attentiveness of each user.
        probability: (M,) probability that an attentive user prefers A's answer, as given.
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
    users: int = SIMULATED_USERS,
    prior: Any = SIMULATED_ATTENTIVENESS,
    comparisons_per_user: int | tuple[int, int] = SIMULATED_COMPARISONS_PER_USER,
    assignment: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    follow: Follow = "sign",
    seed: int = 0,
) -> SimulatedUsers:
    """Draw clicks from the users' model.

    Args:
        probability: (M,) probability that an attentive user prefers A's answer; sigmoid of a margin between A and B.
        users: number J of users.
        prior: what attentiveness is drawn from: whatever ``read_prior`` takes, or (J,) the attentivenesses themselves.
        comparisons_per_user: how many each user sees, or the fewest and the most, all numbers in between equally likely.
            Each user sees another random subset [UAA sec. 4.2].
        assignment: instead of that, (n,) the user and (n,) the comparison of every click.
        follow: what an attentive user clicks. ``sign``: A's answer where its probability is 1/2 or more, as in the paper's
            experiments with a reward model. ``sampled``: A's answer with its probability [UAA eq. 3].
        seed: seed; the same arguments give the same clicks.

    Raises:
        BadInputError: a setting out of range, or more comparisons per user than there are.
    """
    p = _probabilities(probability)
    options = ClickOptions(users, prior, comparisons_per_user, follow, seed)
    rho = attentivenesses(options)
    if assignment is None:
        blocks = list(user_blocks(p, rho, options))
    else:
        user, comparison = (np.asarray(codes, np.int64) for codes in assignment)
        check_assignment(user, comparison, users, len(p))
        order = np.argsort(user, kind="stable")
        blocks = [_click(user[order], comparison[order], rho, p, follow, np.random.default_rng([seed, 1]))]
    if len(blocks) == 1:
        return blocks[0]
    user, comparison, for_a, attentive, preferred = (
        np.concatenate([getattr(block, name) for block in blocks])
        for name in ("user", "comparison", "for_a", "attentive", "preferred")
    )
    return SimulatedUsers(user, comparison, for_a, attentive, preferred, rho, p)


def user_blocks(probability: Floats, attentiveness: Floats, options: ClickOptions) -> Iterator[SimulatedUsers]:
    """``simulate_users`` in blocks of whole users, which never fill the memory; every block has its own seed.

    Args:
        probability: (M,) as for ``simulate_users``.
        attentiveness: (J,) from ``attentivenesses``.
        options: how many comparisons each user sees, and what attentive users click.
    """
    low, high = fewest_and_most(options.comparisons_per_user, len(probability))
    at_once = max(1, BLOCK // high)
    for block, first in enumerate(range(0, len(attentiveness), at_once)):
        rng = np.random.default_rng([options.seed, 1, block])
        numbers = rng.integers(low, high + 1, min(at_once, len(attentiveness) - first))
        user = np.repeat(np.arange(first, first + len(numbers)), numbers)
        comparison = random_subsets(numbers, len(probability), rng)
        yield _click(user, comparison, attentiveness, probability, options.follow, rng)


def attentivenesses(options: ClickOptions) -> Floats:
    """(J,) attentiveness of each user: drawn from a prior, or as given."""
    prior, users = options.prior, options.users
    if isinstance(prior, list | tuple | np.ndarray):
        rho = np.asarray(prior, np.float64)
        if rho.shape != (users,) or not ((rho >= 0) & (rho <= 1)).all():
            raise BadInputError(
                f"attentivenesses of shape {rho.shape}", expected=f"{users:,} numbers from 0 to 1, one for each user"
            )
        return rho
    return read_prior(prior).draw(users, np.random.default_rng([options.seed, 0]))


def _click(
    user: Codes, comparison: Codes, rho: Floats, p: Floats, follow: Follow, rng: np.random.Generator
) -> SimulatedUsers:
    chance, draws = p[comparison], rng.random((3, len(user)))
    if follow == "sign":
        preferred = chance >= 0.5
    elif follow == "sampled":
        preferred = draws[0] < chance
    else:
        raise BadInputError(
            "unknown way to follow the scorer", parameter="follow", value=follow, expected="sign or sampled"
        )
    attentive = draws[1] < rho[user]
    return SimulatedUsers(
        user, comparison, np.where(attentive, preferred, draws[2] < 0.5), attentive, preferred, rho, p
    )


def _probabilities(given: npt.ArrayLike) -> Floats:
    p = np.asarray(given, np.float64)
    if p.ndim != 1 or len(p) == 0:
        raise BadInputError(f"probabilities of shape {p.shape}", expected="one for each comparison, at least one")
    if not ((p >= 0) & (p <= 1)).all():
        row = int(np.flatnonzero(~((p >= 0) & (p <= 1)))[0])
        raise BadInputError("a probability is outside [0, 1]", row=row + 1, value=float(p[row]))
    return p
