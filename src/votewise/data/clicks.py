"""Comparisons counted per user, or single clicks: everything that the attentiveness of users depends on.

Two models A and B answer, the user clicks the better answer. If the win rate of A does not depend on the prompt, only two
numbers of each user matter: n, the comparisons that were not ties, and w, the clicks for A among them. Users with equal
(n, w) cannot be told apart, so a hundred million users become a few thousand cells. With several domains a cell holds one
(n, w) per domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from votewise.arrays import Counted, Floats
from votewise.errors import BadInputError, many

CLICKS_AT_ONCE = 50_000
"""Clicks whose likelihoods are in memory at a time."""

LEAST = 1e-300
"""Probabilities below this count as this much, because log(0) is not a number to add up."""


@dataclass(frozen=True, eq=False)
class Counts:
    """C cells of users with equal counts in D domains.

    Attributes:
        comparisons: (C, D) comparisons that were not ties, per domain.
        wins: (C, D) comparisons in which the user clicked model A's answer.
        users: (C,) how many users have these counts.
        domains: (D,) names of the domains; ``("",)`` where there is only one.
        ties: ties among all comparisons; they say nothing about attentiveness.
        models: names of model A and model B, where known.
        together: (C,) sum over the user's judgements of m (m - 1), m the clicks of one; None where every click is its own.
        correlation: of two clicks of one judgement.
    """

    comparisons: Counted
    wins: Counted
    users: Counted
    domains: tuple[str, ...] = ("",)
    ties: int = 0
    models: tuple[str, str] | None = None
    together: Counted | None = None
    correlation: float = 0.0

    def __post_init__(self) -> None:
        n, w = self.comparisons, self.wins
        if n.ndim != 2 or n.shape != w.shape or n.shape[1] != len(self.domains) or len(n) != len(self.users):
            raise BadInputError(
                f"counts of shapes {n.shape}, {w.shape} and {self.users.shape} for {len(self.domains)} domains",
                expected="cells by domains, cells by domains, cells",
            )
        if len(n) == 0 or self.users.sum() == 0:
            raise BadInputError("there are no users", expected="at least one")
        bad = (n < 0) | (w < 0) | (w > n)
        if bad.any():
            cell, domain = (int(i[0]) for i in np.nonzero(bad))
            raise BadInputError(
                f"{w[cell, domain]:,} wins of model A in {many(n[cell, domain], 'comparison')}",
                expected="0 to all of them",
            )
        if (self.users < 0).any():
            raise BadInputError("a cell has a negative number of users", expected="0 or more")

    @classmethod
    def of_users(
        cls, comparisons: npt.ArrayLike, wins: npt.ArrayLike, *, domains: Sequence[str] = ("",)
    ) -> tuple[Counts, Counted]:
        """Collapse users into cells.

        Args:
            comparisons: (J,) or (J, D) comparisons per user (and domain).
            wins: of the same shape, those in which the user clicked model A's answer.
            domains: names of the domains.

        Returns:
            The counts, and (J,) the cell of each user.

        Raises:
            BadInputError: counts that are negative or not whole numbers, or more wins than comparisons.
        """
        n, w = _whole(comparisons, "comparisons"), _whole(wins, "wins")
        if n.shape != w.shape or n.shape[1] != len(domains):
            raise BadInputError(
                f"comparisons of shape {n.shape}, wins of shape {w.shape}", expected="one of each per user"
            )
        if len(n) == 0:
            raise BadInputError("there are no users", expected="at least one")
        cells, cell_of, users = np.unique(
            np.concatenate([n, w], axis=1), axis=0, return_inverse=True, return_counts=True
        )
        d = n.shape[1]
        return cls(cells[:, :d], cells[:, d:], users, tuple(domains)), cell_of.reshape(-1)

    @property
    def n_users(self) -> int:
        """J, the number of users, including those without a comparison."""
        return int(self.users.sum())

    @property
    def totals(self) -> tuple[Counted, Counted]:
        """(C,) comparisons and (C,) wins, over all domains."""
        return self.comparisons.sum(axis=1), self.wins.sum(axis=1)

    @property
    def worth(self) -> Floats:
        """(C,) how many independent clicks one click counts for: 1, or less where clicks of one judgement err together."""
        n = self.comparisons.sum(axis=1)
        if self.together is None:
            return np.ones(len(n))
        return np.asarray(n / np.maximum(n + self.correlation * self.together, 1))

    def log_likelihood(self, nodes: Floats, edge: Floats) -> Floats:
        """(C, S) log-likelihood of a user of each cell at each attentiveness.

        Args:
            nodes: (S,) attentiveness.
            edge: (D,) win rate minus 1/2: P(click for A) = 1/2 + attentiveness * edge.
        """
        lean = np.outer(edge, nodes)
        # At win rate 0 or 1 full attention makes some clicks impossible; a large loss keeps 0 * log 0 at 0.
        for_a, for_b = np.log(np.maximum(0.5 + lean, LEAST)), np.log(np.maximum(0.5 - lean, LEAST))
        found = self.wins @ for_a + (self.comparisons - self.wins) @ for_b
        return np.asarray(found if self.together is None else found * self.worth[:, None])

    def score(self, rho: float, weight: Floats, edge: Floats) -> float:
        """Derivative at attentiveness ``rho`` of the log-likelihood of all cells, ``weight`` (C,) users in each."""
        weight = weight if self.together is None else weight * self.worth
        wins, losses = weight @ self.wins, weight @ (self.comparisons - self.wins)
        lean = rho * edge
        return float((edge * (wins / np.maximum(0.5 + lean, 1e-12) - losses / np.maximum(0.5 - lean, 1e-12))).sum())


@dataclass(frozen=True, eq=False)
class Clicks:
    """Single clicks with a probability each, where a win rate per domain is too coarse.

    Attributes:
        user: (n,) code of the user, 0 to J - 1.
        p: (n,) probability that A's answer is truly better, for example from a reward model's margin.
        for_a: (n,) whether the user clicked A's answer. The caller leaves out ties.
    """

    user: npt.NDArray[np.int64]
    p: Floats
    for_a: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        if len(self.user) == 0 or len({len(self.user), len(self.p), len(self.for_a)}) > 1:
            raise BadInputError("clicks", expected="user, p and for_a of one length, at least one click")
        if self.user.min() < 0:
            raise BadInputError("a user code is negative", value=int(self.user.min()), expected="0 or more")
        if not ((self.p >= 0) & (self.p <= 1)).all():
            raise BadInputError("a probability is outside [0, 1]", column="p", value=float(np.min(self.p)))
        order = np.argsort(self.user, kind="stable")
        for name in ("user", "p", "for_a"):
            object.__setattr__(self, name, np.asarray(getattr(self, name))[order])

    @property
    def users(self) -> Counted:
        """(J,) ones: every user is a separate cell."""
        return np.ones(self.n_users, np.int64)

    @property
    def n_users(self) -> int:
        """J, the number of users."""
        return int(self.user[-1]) + 1

    @property
    def totals(self) -> tuple[Counted, Counted]:
        """(J,) comparisons and (J,) clicks for A."""
        number = np.bincount(self.user, minlength=self.n_users)
        return number, np.bincount(self.user, self.for_a, minlength=self.n_users).astype(np.int64)

    @property
    def tilt(self) -> Floats:
        """(n,) how strongly attention favours what was clicked: P(click) = (1 + rho tilt) / 2."""
        return np.where(self.for_a, 2 * self.p - 1, 1 - 2 * self.p)

    def log_likelihood(self, nodes: Floats, edge: Floats) -> Floats:
        """(J, S) as ``Counts.log_likelihood``; ``edge`` is not used."""
        tilt, found = self.tilt, np.zeros((self.n_users, len(nodes)))
        starts = np.searchsorted(self.user, np.arange(self.n_users + 1))
        first = 0
        while first < self.n_users:
            # Blocks of users, because all clicks by all nodes could fill the memory.
            last = max(first + 1, int(np.searchsorted(starts, starts[first] + CLICKS_AT_ONCE)) - 1)
            part = slice(starts[first], starts[last])
            each = np.log(np.maximum((1 + np.outer(tilt[part], nodes)) / 2, LEAST))
            occupied = np.flatnonzero(np.diff(starts[first : last + 1]))
            if len(occupied):
                found[first + occupied] = np.add.reduceat(each, starts[first + occupied] - starts[first], axis=0)
            first = last
        return found

    @property
    def worth(self) -> Floats:
        """(J,) ones: every click counts for itself."""
        return np.ones(self.n_users)

    def score(self, rho: float, weight: Floats, edge: Floats) -> float:
        """As ``Counts.score``."""
        tilt = self.tilt
        return float((weight[self.user] * tilt / np.maximum(1 + rho * tilt, 1e-12)).sum())


def _whole(values: npt.ArrayLike, name: str) -> Counted:
    array = np.asarray(values)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.number):
        raise BadInputError(f"{name} are not numbers", expected="one whole number per user")
    whole = np.isfinite(array) & (array == np.floor(array))
    if not whole.all():
        user = int(np.nonzero(~whole)[0][0])
        raise BadInputError(f"{name} of user {user} are not a whole number", value=float(array[~whole][0]))
    return array.astype(np.int64)
