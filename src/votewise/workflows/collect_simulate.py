"""What a campaign will cost and reach, simulated before it starts: ``votewise collect simulate``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from votewise.errors import BadInputError, needs
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    from votewise.collect.assignment import AssignmentRule
    from votewise.collect.campaign_simulation import SimulatedCampaign


@dataclass(frozen=True)
class SimulatedFigure:
    """A mean over simulated campaigns, with an interval; where nothing else is said, 95% of single campaigns fall in it."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class SimulatedRule:
    """What campaigns under one rule came to.

    Attributes:
        rule: ``adaptive``, or ``fixed`` with the number of votes that each pair gets.
        votes: votes a pair, audit votes included.
        right: share of pairs whose label is right.
        claimed: what the posteriors say that share is.
        contested: share of pairs that had all their votes and are not sure.
        cost: of all votes; None without a price.
    """

    rule: str
    votes: SimulatedFigure
    right: SimulatedFigure
    claimed: SimulatedFigure
    contested: SimulatedFigure
    cost: SimulatedFigure | None


@dataclass(frozen=True)
class CollectSimulation:
    """What a campaign will cost and reach.

    Attributes:
        pairs: pairs of a campaign.
        annotators: how many vote.
        crowd: where their reliabilities are from.
        campaigns: simulated campaigns under each rule.
        rules: the adaptive rule first, then fixed redundancies.
        saved: share of votes that the adaptive rule saves, audit votes counted, against the fixed redundancy that is right
            equally often, with a 95% interval of the mean; None with fewer than two fixed redundancies.
    """

    pairs: int
    annotators: int
    crowd: str
    campaigns: int
    rules: tuple[SimulatedRule, ...]
    saved: SimulatedFigure | None

    def summary(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


def collect_simulate(
    audit: str | os.PathLike[str] | None = None,
    *,
    pairs: int = 500,
    annotators: int = 30,
    mean_reliability: float = 0.75,
    spread: float = 0.14,
    difficulty: float = 0.0,
    margins_right: float | None = None,
    want: int = 12,
    sure: float = 0.95,
    fixed: Sequence[int] = (3, 5, 7, 9),
    price: float | None = None,
    campaigns: int = 5,
    seed: int = 0,
    progress: Progress | None = None,
) -> CollectSimulation:
    """Simulate a campaign with the rule by which the service gives out pairs, and with fixed redundancy beside it.

    Args:
        audit: a folder that ``audit`` wrote: the annotators have its reliabilities. None describes them instead:
        pairs: number of pairs.
        annotators: number of annotators, without an audit.
        mean_reliability: mean of their reliabilities, without an audit.
        spread: standard deviation of their reliabilities, without an audit.
        difficulty: how much pairs differ in difficulty (tau); 0 for equally hard pairs, 1 for very different ones.
        margins_right: share of the pairs on which a reward model, whose margins the campaign starts from, is right; None
            for no margins.
        want: most votes of each pair, audit votes apart.
        sure: posterior from which a pair needs no further vote.
        fixed: numbers of votes a pair of fixed redundancy, to compare with.
        price: of one vote; None for no costs.
        campaigns: simulated campaigns under each rule.
        seed: the same seed gives the same figures.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: a number out of range, or a folder without an audit.
    """
    with needs("collect", "collecting"):
        from votewise.collect.assignment import AssignmentRule
        from votewise.collect.campaign_simulation import CampaignWorld, audit_reliabilities

    for name, value, low, high in (
        ("pairs", pairs, 1, 100_000),
        ("annotators", annotators, 1, 10_000),
        ("campaigns", campaigns, 2, 1000),
        ("price", price or 0, 0, 1e9),
        *(("fixed", number, 1, 1000) for number in fixed),
    ):
        if not low <= value <= high:
            raise BadInputError("out of range", parameter=name, value=value, expected=f"{low:,} to {high:,.0f}")
    reliability: Any = _beta(mean_reliability, spread)
    crowd = f"mean reliability {mean_reliability:g}, standard deviation {spread:g}"
    if audit is not None:
        reliability = audit_reliabilities(Path(audit))
        crowd, annotators = f"as in {audit}", len(reliability)
    world = CampaignWorld(reliability, annotators, pairs, difficulty, margins_right)
    rules = {"adaptive": AssignmentRule(want=want, sure=sure)}
    rules |= {f"fixed, {n}": AssignmentRule(want=n, fixed=True, weighted=False, retire_below=0.0) for n in fixed}
    found = _run(rules, world, campaigns, seed, progress or SILENT)
    paid = None if price is None else price * pairs
    measured = tuple(_measured(name, done, paid) for name, done in found.items())
    return CollectSimulation(pairs, annotators, crowd, campaigns, measured, _saved(found, fixed))


def _beta(mean: float, spread: float) -> str:
    """The prior ``beta:c,d`` with a mean and a standard deviation."""
    if not 0 < mean < 1:
        raise BadInputError("out of range", parameter="mean_reliability", value=mean, expected="between 0 and 1")
    widest = (mean * (1 - mean)) ** 0.5
    if not 0.001 <= spread < widest:
        raise BadInputError("out of range", parameter="spread", value=spread, expected=f"0.001 to below {widest:.3f}")
    size = mean * (1 - mean) / spread**2 - 1
    return f"beta:{mean * size:.6g},{(1 - mean) * size:.6g}"


def _run(
    rules: dict[str, AssignmentRule], world: Any, campaigns: int, seed: int, progress: Progress
) -> dict[str, list[SimulatedCampaign]]:
    """All campaigns; number s has the same annotators and pairs under every rule."""
    from votewise.collect.campaign_simulation import simulate_campaign

    progress.stage("Simulating campaigns")
    began, total = time.monotonic(), campaigns * len(rules)
    found: dict[str, list[SimulatedCampaign]] = {name: [] for name in rules}
    for number in range(campaigns):
        for place, (name, rule) in enumerate(rules.items(), 1):
            found[name].append(simulate_campaign(rule, world, seed=seed + number))
            progress.count("campaigns", number * len(rules) + place, total, 0, time.monotonic() - began)
    return found


def _saved(found: dict[str, list[SimulatedCampaign]], fixed: Sequence[int]) -> SimulatedFigure | None:
    """The mean over campaigns and, by the jackknife, its interval.

    The log of the error falls about linearly with the votes of fixed redundancy, so it is interpolated there, and continued
    at both ends.
    """
    import numpy as np
    from scipy.special import stdtrit

    numbers = sorted({*fixed})
    if len(numbers) < 2:
        return None
    votes = np.array([one.votes / (1 - one.audit_share) for one in found["adaptive"]])
    right = np.array([[one.right for one in found[name]] for name in ("adaptive", *(f"fixed, {n}" for n in numbers))])

    def of(used: Any) -> float:
        wanted, *errors = np.log(np.maximum(1 - right[:, used].mean(axis=1), 1e-4)).tolist()
        place = int(np.clip(np.searchsorted(-np.array(errors), -wanted), 1, len(numbers) - 1))
        low, high = numbers[place - 1], numbers[place]
        same = low + (high - low) * (errors[place - 1] - wanted) / max(errors[place - 1] - errors[place], 1e-9)
        return float(1 - votes[used].mean() / max(same, 1.0))

    everything = np.arange(len(votes))
    without = np.array([of(np.delete(everything, i)) for i in everything])
    mean = of(everything)
    reach = float(stdtrit(len(votes) - 1, 0.975) * np.sqrt((len(votes) - 1) * without.var()))
    return SimulatedFigure(mean, mean - reach, min(mean + reach, 1.0))


def _measured(name: str, done: Sequence[SimulatedCampaign], paid: float | None) -> SimulatedRule:
    # Under fixed redundancy nobody looks at audit votes: it is compared without them.
    votes = [one.votes if name != "adaptive" else one.votes / (1 - one.audit_share) for one in done]
    return SimulatedRule(
        rule=name,
        votes=_figure(votes),
        right=_figure([one.right for one in done], highest=1.0),
        claimed=_figure([one.claimed for one in done], highest=1.0),
        contested=_figure([one.contested for one in done], highest=1.0),
        cost=None if paid is None else _figure([paid * number for number in votes]),
    )


def _figure(values: Sequence[float], highest: float = float("inf")) -> SimulatedFigure:
    """The mean, and the interval for one more campaign: Student's t with as many values as there are."""
    import numpy as np
    from scipy.special import stdtrit

    mean, several = float(np.mean(values)), len(values)
    reach = float(stdtrit(several - 1, 0.975) * np.std(values, ddof=1) * (1 + 1 / several) ** 0.5)
    return SimulatedFigure(mean, max(mean - reach, 0.0), min(mean + reach, highest))
