"""Beliefs about users -> whom to keep, and what level each user has.

Everything is decided per cell of users with equal counts, so that equal users are always treated alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools, Floats
from votewise.data.clicks import Counts
from votewise.defaults import INFORMED
from votewise.errors import BadInputError
from votewise.users.estimate import AttentivenessResult

LEVELS = ("new", "casual", "steady", "attentive")
LADDER = tuple(i / 10 for i in range(1, 10))
EQUAL = 12
"""Decimal places to which posterior means must agree to be one: cells may reach the same mean by other sums."""

FEW = 12 * (1 / INFORMED**2 - 1)
"""Information about attentiveness below which even an interval under a flat prior, of variance 1/12, stays ``INFORMED`` as
wide as before any click."""


@dataclass(frozen=True)
class Rule:
    """Which users to keep: the top share, or those above a threshold, on the point estimate or with a confidence.

    Attributes:
        keep: share of the users to keep, those with the highest posterior means. Users with equal means are kept
            together, so that it may be a little more.
        threshold: least attentiveness; also what levels are about.
        confidence: least probability that the attentiveness reaches ``threshold``; None for the posterior mean alone.
        keep_new: whether to keep users of level ``new`` as well, whatever the rest says.
    """

    keep: float | None = None
    threshold: float = 0.5
    confidence: float | None = None
    keep_new: bool = False

    def __post_init__(self) -> None:
        if self.keep is not None and not 0 < self.keep <= 1:
            raise BadInputError("no share of users", source="keep", value=self.keep, expected="above 0, at most 1")
        if not 0 < self.threshold < 1:
            raise BadInputError(
                "no attentiveness", source="threshold", value=self.threshold, expected="between 0 and 1"
            )
        if self.confidence is not None and not 0 < self.confidence < 1:
            raise BadInputError(
                "no probability", source="confidence", value=self.confidence, expected="between 0 and 1"
            )
        if self.keep is not None and self.confidence is not None:
            raise BadInputError("excludes a confidence", source="keep", expected="one rule or the other")

    def __str__(self) -> str:
        if self.keep is not None:
            words = f"the {self.keep:.4g} of users with the highest attentiveness"
        elif self.confidence is not None:
            words = f"attentiveness of at least {self.threshold:g} with probability {self.confidence:g}"
        else:
            words = f"attentiveness of at least {self.threshold:g}"
        return words + (", and new users" if self.keep_new else "")


def user_levels(counts: Counts, result: AttentivenessResult) -> list[str]:
    """The level of the users of each cell (C), from the interval of their attentiveness and the estimate's threshold.

    - ``new``: their clicks say hardly anything. The interval is at least 0.8 times as wide as the prior's, and would be
      even for somebody of whom nothing was known beforehand. Being new says nothing against them.
    - ``casual``: the whole interval lies below the threshold.
    - ``attentive``: the whole interval lies at or above it.
    - ``steady``: the interval holds the threshold, so that either may be true.
    """
    low, high = (_floats(result.cells, name) for name in ("low", "high"))
    threshold, level = result.settings["threshold"], result.settings["level"]
    edge = _floats(result.win_rates, "win_rate") - 0.5
    # A click tells 4 (mu - 1/2)^2 or more about rho [UAA lemma 1].
    information = counts.comparisons @ (4 * edge**2)
    new = (high - low >= INFORMED * _prior_width(result, level)) & (information < FEW)
    code = np.where(new, 0, np.where(low >= threshold, 3, np.where(high < threshold, 1, 2)))
    return [LEVELS[i] for i in code]


def select_users(counts: Counts, result: AttentivenessResult, rule: Rule) -> Bools:
    """(C,) whether the rule keeps the users of each cell.

    Raises:
        BadInputError: when it keeps nobody.
    """
    kept = _kept(counts, result, rule)
    if rule.keep_new:
        kept |= np.array(user_levels(counts, result)) == "new"
    if not counts.users[kept].sum():
        best = float(_floats(result.cells, "attentiveness").max())
        raise BadInputError(
            f"nobody has {rule}; the highest estimate is {best:.3f}", expected="a rule that keeps somebody"
        )
    return kept


def ladder(
    counts: Counts, result: AttentivenessResult, rows: npt.NDArray[np.int64], *, confidence: float = 0.95
) -> pa.Table:
    """What each of many rules would keep.

    Args:
        counts: the users' counts.
        result: what was estimated from them.
        rows: (C,) rows of all users of each cell.
        confidence: of the rules ``confidence``.

    Returns:
        ``rule`` (``threshold``, ``confidence`` or ``keep``), ``value``, ``users``, ``user_share``, ``rows``, ``row_share``
        and the mean ``attentiveness`` of the users kept, null where there are none.
    """
    mean = _floats(result.cells, "attentiveness")
    rules = [("threshold", value, Rule(threshold=value)) for value in LADDER]
    rules += [("confidence", value, Rule(threshold=value, confidence=confidence)) for value in LADDER]
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
    """What the rule says of each cell, new users apart."""
    if rule.confidence is not None:
        return np.asarray(result.exceeds(rule.threshold) >= rule.confidence)
    mean = np.round(_floats(result.cells, "attentiveness"), EQUAL)
    if rule.keep is None:
        return np.asarray(mean >= rule.threshold)
    values, group = np.unique(-mean, return_inverse=True)
    users = np.bincount(group, counts.users, minlength=len(values))
    # The first groups that make up the share, the one that crosses it included.
    enough = int(np.searchsorted(np.cumsum(users), rule.keep * counts.n_users * (1 - 1e-12)))
    return np.asarray(group <= enough)


def _prior_width(result: AttentivenessResult, level: float) -> float:
    nodes, mass = _floats(result.density, "attentiveness"), _floats(result.density, "mass")
    order = np.argsort(nodes)
    total = np.cumsum(mass[order])
    ends = np.searchsorted(total, [(1 - level) / 2, (1 + level) / 2])
    low, high = nodes[order][np.minimum(ends, len(nodes) - 1)]
    return float(high - low)


def _floats(table: pa.Table, name: str) -> Floats:
    return np.asarray(table[name].to_numpy(zero_copy_only=False), np.float64)
