"""Results of an evaluation: win rates with intervals, and the contests that they were computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from votewise.arrays import Floats
from votewise.data.contests import Contests, Verdicts


@dataclass(frozen=True)
class Rate:
    """``value``: the estimated share of contests that A wins. ``low`` and ``high``: its interval."""

    value: float
    low: float
    high: float
    contests: int
    prompts: int

    def as_dict(self) -> dict[str, float | int]:
        """The fields by name, for JSON."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "contests": self.contests,
            "prompts": self.prompts,
        }


@dataclass(frozen=True)
class LengthControlled:
    """The win rate if both models' answers were equally long.

    Attributes:
        rate: the rate and its interval.
        length: coefficient of tanh(z); negative if longer answers are preferred.
        difficulty: coefficient of the difficulty of the prompts; None if it was not used.
        bias: log-odds that A wins at equal lengths and difficulty 0.
        deviation: number of characters in one unit of z.
        constant: whether all differences in length are equal; then length cannot be controlled for.
    """

    rate: Rate
    length: float
    difficulty: float | None
    bias: float
    deviation: float
    constant: bool


@dataclass(frozen=True)
class Swaps:
    """How verdicts depend on the order of the answers.

    Attributes:
        contests: number of contests with a verdict in both orders.
        disagreement: share of them in which the two verdicts differ.
        first: share of single verdicts, without ties, that prefer the answer shown first; None if all are ties.
    """

    contests: int
    disagreement: float
    first: float | None


@dataclass(frozen=True)
class SubsetRate:
    """The win rate in a subset of contests: ``name`` in words, and the bounds ``start`` to ``end`` if the subset has any."""

    name: str
    rate: Rate
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, eq=False)
class WinRateResult:
    """How often model A's answers beat model B's.

    Attributes:
        contests, verdicts: what the win rates were computed from.
        rate: share of contests that A wins; a tie counts as half a win.
        wins, ties, losses: number of contests with a preference above, at and below 1/2.
        failed: number of contests without a verdict; they are left out of all win rates.
        length_controlled: the win rate at equal lengths; None if it was not asked for.
        swaps: None for judges that do not see an order.
        by_length: the win rate by difference in length, from shorter to longer answers of A; empty if lengths are unknown.
        by_domain: the win rate by domain; empty without domains.
        level: probability that an interval contains the truth.
    """

    contests: Contests = field(repr=False)
    verdicts: Verdicts = field(repr=False)
    rate: Rate
    wins: int
    ties: int
    losses: int
    failed: int
    length_controlled: LengthControlled | None
    swaps: Swaps | None
    by_length: tuple[SubsetRate, ...]
    by_domain: tuple[SubsetRate, ...]
    level: float


@dataclass(frozen=True, eq=False)
class MatrixResult:
    """Win rates between every two of several models.

    Attributes:
        models: names of the models, the best first.
        matchups: (model_a, model_b) in the order in which they were compared -> the result; matchups that never met are
            missing.
        mean: model -> its mean win rate over the models that it met.
        scores: model -> a reward model's scores of its answers; empty for other judges.
        judge: who judged.
        level: probability that an interval contains the truth.
    """

    models: tuple[str, ...]
    matchups: Mapping[tuple[str, str], WinRateResult] = field(repr=False)
    mean: Mapping[str, float]
    scores: Mapping[str, Floats] = field(repr=False)
    judge: str
    level: float

    @property
    def judged(self) -> list[tuple[Contests, Verdicts]]:
        """The contests of every matchup, with their verdicts."""
        return [(found.contests, found.verdicts) for found in self.matchups.values()]

    def rate(self, a: str, b: str) -> Rate | None:
        """How often ``a`` beats ``b``; None if they never met."""
        if (a, b) in self.matchups:
            return self.matchups[a, b].rate
        if (b, a) not in self.matchups:
            return None
        rate = self.matchups[b, a].rate
        return Rate(1 - rate.value, 1 - rate.high, 1 - rate.low, rate.contests, rate.prompts)
