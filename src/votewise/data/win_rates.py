"""What an evaluation found: win rates with intervals, and the verdicts they were computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from votewise.arrays import Floats
from votewise.data.contests import Contests, Verdicts


@dataclass(frozen=True)
class Rate:
    """An estimated share ``value`` of contests that A wins, its interval, and how many contests and prompts there were."""

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
        length: coefficient of tanh(z); negative where longer answers of A are preferred.
        difficulty: coefficient of the prompts' difficulty; None where it was not used.
        bias: log-odds of winning at equal lengths and difficulty 0.
        deviation: characters that make one unit of z.
        constant: whether all differences in length are equal, so that length could not be controlled for.
    """

    rate: Rate
    length: float
    difficulty: float | None
    bias: float
    deviation: float
    constant: bool


@dataclass(frozen=True)
class Swaps:
    """What became of verdicts when the order of the answers was swapped.

    Attributes:
        contests: how many have a verdict in both orders.
        disagreement: share of them in which the two verdicts differ.
        first: share of the decided single verdicts that went to the answer shown first; None without any.
    """

    contests: int
    disagreement: float
    first: float | None


@dataclass(frozen=True)
class SubgroupRate:
    """The win rate among some of the contests: ``name`` in words, its bounds ``start`` to ``end`` where there are any."""

    name: str
    rate: Rate
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, eq=False)
class WinRateResult:
    """How often model A's answers beat model B's.

    Attributes:
        contests, verdicts: what the rates were computed from.
        rate: share of contests that A wins, ties half.
        wins, ties, losses: contests with a preference above, at and below 1/2.
        failed: contests without a verdict; they are left out everywhere.
        length_controlled: None where it was not requested.
        swaps: None for judges without an order.
        by_length: by difference in length, shorter answers of A first; empty where lengths are unknown.
        by_domain: by domain; empty without domains.
        level: the probability that an interval covers the truth.
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
    by_length: tuple[SubgroupRate, ...]
    by_domain: tuple[SubgroupRate, ...]
    level: float


@dataclass(frozen=True, eq=False)
class MatrixResult:
    """Win rates between several models, two by two.

    Attributes:
        models: names, the best first.
        pairs: (model_a, model_b) in the order in which they were compared -> the result; pairs that never met are
            missing.
        mean: each model's mean win rate over the others that it met.
        scores: model -> a reward model's scores of its answers; empty for other judges.
        judge: who judged.
        level: the probability that an interval covers the truth.
    """

    models: tuple[str, ...]
    pairs: Mapping[tuple[str, str], WinRateResult] = field(repr=False)
    mean: Mapping[str, float]
    scores: Mapping[str, Floats] = field(repr=False)
    judge: str
    level: float

    def rate(self, a: str, b: str) -> Rate | None:
        """The rate at which ``a`` beats ``b``; None where they never met."""
        if (a, b) in self.pairs:
            return self.pairs[a, b].rate
        if (b, a) not in self.pairs:
            return None
        rate = self.pairs[b, a].rate
        return Rate(1 - rate.value, 1 - rate.high, 1 - rate.low, rate.contests, rate.prompts)
