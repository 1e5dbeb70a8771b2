"""Comparisons counted per user: all that the attentiveness of users depends on.

Two models A and B answer, the user clicks the better answer. With a win rate of A that does not depend on the prompt, a
user's clicks enter through two numbers: n comparisons that were no ties, w of them for A. Users with equal (n, w) are
indistinguishable, so that a hundred million users collapse into a few thousand cells. With several domains a cell holds
one (n, w) per domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from votewise.errors import BadInputError

Counted = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Counts:
    """C cells of users with equal counts in D domains.

    Attributes:
        comparisons: (C, D) comparisons that were no ties, per domain.
        wins: (C, D) comparisons in which the user chose model A.
        users: (C,) how many users have these counts.
        domains: (D,) names of the domains; ``("",)`` where there is only one.
        ties: ties among all comparisons, which tell nothing about attentiveness.
        models: names of model A and model B, where known.
    """

    comparisons: Counted
    wins: Counted
    users: Counted
    domains: tuple[str, ...] = ("",)
    ties: int = 0
    models: tuple[str, str] | None = None

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
                f"{w[cell, domain]:,} wins of model A in {n[cell, domain]:,} comparisons", expected="0 to all of them"
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
            wins: of the same shape, those in which the user chose model A.
            domains: names of the domains.

        Returns:
            The counts, and (J,) the cell of each user.

        Raises:
            BadInputError: counts that are no whole numbers, negative, or wins above comparisons.
        """
        n, w = _whole(comparisons, "comparisons"), _whole(wins, "wins")
        if n.shape != w.shape or n.shape[1] != len(domains):
            raise BadInputError(
                f"comparisons of shape {n.shape}, wins of shape {w.shape}", expected="one of each a user"
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
        """J, the number of users, those without a comparison included."""
        return int(self.users.sum())


def _whole(values: npt.ArrayLike, name: str) -> Counted:
    array = np.asarray(values)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.number):
        raise BadInputError(f"{name} are no numbers", expected="one whole number a user")
    whole = np.isfinite(array) & (array == np.floor(array))
    if not whole.all():
        user = int(np.nonzero(~whole)[0][0])
        raise BadInputError(f"{name} of user {user} are no whole number", value=float(array[~whole][0]))
    return array.astype(np.int64)
