"""Beliefs about users -> which users to keep, and which flag each user gets.

Everything is decided per cell of users with equal counts, so equal users are always treated alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools, Floats
from votewise.data.clicks import Counts
from votewise.defaults import INFORMED, THRESHOLD
from votewise.errors import BadInputError

if TYPE_CHECKING:
    from votewise.users.results import AttentivenessResult  # types only, because it imports much of scipy

USER_FLAGS = ("new", "inattentive", "unsure", "attentive")
LADDER = tuple(i / 10 for i in range(1, 10))
PROBABILITY = 0.95
"""Least probability of the rules on the ladder unless another one is given."""

EQUAL = 12
"""Decimal places to which posterior means must agree to count as equal: cells may reach the same mean by other sums."""

FEW = 12 * (1 / INFORMED**2 - 1)
"""Information about attentiveness below which even an interval under a flat prior, of variance 1/12, stays ``INFORMED`` as
wide as before any click."""


@dataclass(frozen=True)
class Rule:
    """Which users to keep: the top share, or those above a threshold, by the estimate or with a least probability.

    Attributes:
        keep: share of the users to keep, those with the highest posterior means. Users with equal means are kept
            together, so it may be a little more.
        threshold: least attentiveness; users' flags depend on it, too.
        probability: least probability that the attentiveness reaches ``threshold``; None for the posterior mean alone.
        keep_new: whether to keep users with the flag ``new``, too, even if the rest of the rule does not.
    """

    keep: float | None = None
    threshold: float = THRESHOLD
    probability: float | None = None
    keep_new: bool = False

    def __post_init__(self) -> None:
        if self.keep is not None and not 0 < self.keep <= 1:
            raise BadInputError(
                "not a share of users", parameter="keep", value=self.keep, expected="above 0, at most 1"
            )
        if not 0 < self.threshold < 1:
            raise BadInputError(
                "not an attentiveness", parameter="threshold", value=self.threshold, expected="between 0 and 1"
            )
        if self.probability is not None and not 0 < self.probability < 1:
            raise BadInputError(
                "not a probability", parameter="probability", value=self.probability, expected="between 0 and 1"
            )
        if self.keep is not None and self.probability is not None:
            raise BadInputError(
                "cannot be combined with a least probability", parameter="keep", expected="one rule or the other"
            )

    def __str__(self) -> str:
        if self.keep is not None:
            words = f"the {self.keep:.4g} of users with the highest attentiveness"
        elif self.probability is not None:
            words = f"attentiveness of at least {self.threshold:g} with probability {self.probability:g}"
        else:
            words = f"attentiveness of at least {self.threshold:g}"
        return words + (", and new users" if self.keep_new else "")


def user_flags(counts: Counts, result: AttentivenessResult) -> list[str]:
    """The flag of the users of each cell (C), from the interval of their attentiveness and the estimate's threshold.

    - ``new``: their clicks say hardly anything. The interval is at least 0.8 times as wide as the prior's, and would be so
      under a flat prior, too. Being new says nothing against them.
    - ``inattentive``: the whole interval lies below the threshold.
    - ``attentive``: the whole interval lies at or above it.
    - ``unsure``: the interval contains the threshold, so either may be true.
    """
    low, high = (_floats(result.cells, name) for name in ("low", "high"))
    threshold = result.threshold
    edge = _floats(result.win_rates, "win_rate") - 0.5
    # A click tells 4 (mu - 1/2)^2 or more about rho [UAA lemma 1].
    information = counts.worth * (counts.comparisons @ (4 * edge**2))
    new = (high - low >= INFORMED * result.prior_width) & (information < FEW)
    code = np.where(new, 0, np.where(low >= threshold, 3, np.where(high < threshold, 1, 2)))
    return [USER_FLAGS[i] for i in code]


def select_users(counts: Counts, result: AttentivenessResult, rule: Rule) -> Bools:
    """(C,) whether the rule keeps the users of each cell.

    Raises:
        BadInputError: when it keeps nobody.
    """
    kept = _kept(counts, result, rule)
    if rule.keep_new:
        kept |= np.array(user_flags(counts, result)) == "new"
    if not counts.users[kept].sum():
        best = float(_floats(result.cells, "attentiveness").max())
        raise BadInputError(
            f"nobody has {rule}; the highest estimate is {best:.3f}", expected="a rule that keeps somebody"
        )
    return kept


def ladder(
    counts: Counts, result: AttentivenessResult, rows: npt.NDArray[np.int64], *, probability: float = PROBABILITY
) -> pa.Table:
    """What each of many rules would keep.

    Args:
        counts: the users' counts.
        result: what was estimated from them.
        rows: (C,) rows of all users of each cell.
        probability: of the rules ``probability``.

    Returns:
        ``rule`` (``threshold``, ``probability`` or ``keep``), ``value``, ``users``, ``user_share``, ``rows``, ``row_share``
        and the mean ``attentiveness`` of the users kept, null where there are none.
    """
    mean = _floats(result.cells, "attentiveness")
    rules = [("threshold", value, Rule(threshold=value)) for value in LADDER]
    rules += [("probability", value, Rule(threshold=value, probability=probability)) for value in LADDER]
    rules += [("keep", value, Rule(keep=value)) for value in (*LADDER, 1.0)]
    found = []
    for name, value, rule in rules:
        kept = _kept(counts, result, rule)
        users = int(counts.users[kept].sum())
        found.append(
            {
                "rule": name,
                "value": value,
                "users": users,
                "user_share": users / counts.n_users,
                "rows": int(rows[kept].sum()),
                "row_share": float(rows[kept].sum() / rows.sum()),
                "attentiveness": float(counts.users[kept] @ mean[kept] / users) if users else None,
            }
        )
    return pa.Table.from_pylist(found)


def _kept(counts: Counts, result: AttentivenessResult, rule: Rule) -> Bools:
    """Whether the rule keeps each cell, without the exception for new users."""
    if rule.probability is not None:
        return np.asarray(result.exceeds(rule.threshold) >= rule.probability)
    mean = np.round(_floats(result.cells, "attentiveness"), EQUAL)
    if rule.keep is None:
        return np.asarray(mean >= rule.threshold)
    values, rank = np.unique(-mean, return_inverse=True)
    users = np.bincount(rank, counts.users, minlength=len(values))
    # The first ranks that together reach the share.
    enough = int(np.searchsorted(np.cumsum(users), rule.keep * counts.n_users * (1 - 1e-12)))
    return np.asarray(rank <= enough)


def _floats(table: pa.Table, name: str) -> Floats:
    return np.asarray(table[name].to_numpy(zero_copy_only=False), np.float64)
