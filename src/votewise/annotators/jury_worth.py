"""What a jury of judges is worth: to each figure its definition in docs/judges.md, and an interval over pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit

from votewise.annotators.jury_votes import JuryVotes
from votewise.annotators.jury_without_reference import without_reference
from votewise.arrays import Bools, Floats, Ints, Signs
from votewise.inference.jury_model import (
    JuryModel,
    cheapest_part,
    fit_jury,
    kish_judges,
    mean_error_correlation,
    votes_to_settle,
    worth_in_judges,
)

RESAMPLES = 200
FOLDS = 10
SURE = 0.95
"""A pair is settled when one answer has this probability."""
USUAL_PERSON = 0.8
"""Reliability of the people to be asked where no votes of people tell it."""
KEPT = 0.95
"""Share of what the jury knows that the cheapest part must know."""


@dataclass(frozen=True)
class Figure:
    """A figure and its interval; NaN where it cannot be computed."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True)
class JudgeFigures:
    """One judge.

    Attributes:
        name: of the judge.
        group: the models that it shares mistakes with.
        pairs: how many it judged.
        reliability: share of pairs on which it is right, of those with a reference and a decided verdict.
        first: share of its decided verdicts for the answer shown first, over pairs shown in both orders; 1/2 without bias.
        orders: share of the pairs shown in both orders on which both verdicts are the same.
        longer: how much more often than a judge without preference it takes the longer answer: the mean of its shares for
            the longer answer where that is better and where it is worse, less 1/2. Which is better is what the reference
            says, or the other judges without one.
        repeats: share of two replies to the same question that agree.
        cost: what it costs, in the jury's unit.
    """

    name: str
    group: str
    pairs: int
    reliability: Figure
    first: Figure
    orders: Figure
    longer: Figure
    repeats: Figure
    cost: float


@dataclass(frozen=True, eq=False)
class JuryTogether:
    """What the judges are worth together; known where something says which answers are better.

    Attributes:
        compared: pairs with a reference and a verdict.
        kish: Kish's effective number of judges.
        worth: how many independent judges would tell as much.
        correlation: mean correlation of two judges' errors.
        within: correlation of hidden scores within groups.
        across: the same across groups.
        jury: share of pairs on which the jury, its votes weighed by the model, is right; from other pairs' fits.
        majority: the same for the majority of its judges, draws counted as one half.
        said: mean probability that the jury gives to what it says, on the same pairs.
        best: the best single judge, chosen on other pairs: share of pairs on which it is right; nothing said, or both,
            counts as one half.
        ahead: jury less best judge.
        best_name: the judge that is chosen with all pairs.
        cheapest: judges that cost least and tell 95% of what the jury tells.
        cheapest_share: what they tell, as a share.
        cheapest_cost: what they cost, as a share of the jury.
        open_pairs: pairs on which no answer has probability 0.95.
        human_votes: expected number of votes of people that settle these.
        probability: (M,) of response_a being better, by the jury; NaN where it said nothing.
    """

    compared: int
    kish: Figure
    worth: Figure
    correlation: Figure
    within: float
    across: float
    jury: Figure
    majority: Figure
    said: float
    best: Figure
    ahead: Figure
    best_name: str
    cheapest: tuple[str, ...]
    cheapest_share: float
    cheapest_cost: float
    open_pairs: int
    human_votes: float
    probability: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class JuryWorth:
    """What a jury is worth.

    Attributes:
        judges: the judges.
        pairs: how many pairs there are.
        reference: what judges are compared with: ``gold``, ``people``, or None.
        together: what they are worth together; None without a reference.
        person: reliability of the people who would settle open pairs.
        person_known: whether votes of people tell it; else it is assumed.
        level: of the intervals.
        notes: what a reader should know.
    """

    judges: tuple[JudgeFigures, ...]
    pairs: int
    reference: str | None
    together: JuryTogether | None
    person: float
    person_known: bool
    level: float = 0.95
    notes: tuple[str, ...] = ()


def jury_worth(
    votes: JuryVotes, *, costs: Mapping[str, float] | None = None, level: float = 0.95, seed: int = 0
) -> JuryWorth:
    """Measure a jury.

    Args:
        votes: what its judges say.
        costs: what each judge costs, by name; 1 each without.
        level: of the intervals, which are percentiles over pairs drawn anew.
        seed: of the drawing.
    """
    reference, kind = votes.reference
    rng = np.random.default_rng(seed)
    cost = np.array([1.0 if costs is None else float(costs.get(name, 0.0)) for name in votes.names])
    if not cost.sum() > 0:
        cost = np.ones(len(cost))
    draw = _Resampling(level, rng)
    singles = tuple(_judge(votes, j, reference, float(cost[j]), draw) for j in range(len(votes.names)))
    person, known = _person(votes)
    together = _together(votes, reference, cost, person, draw)
    notes = []
    if together is None:
        notes.append(without_reference(votes))
        kind = None
    elif kind == "people":
        notes.append("Judges are compared with the majority of people, so people's own errors count as the judges'.")
    return JuryWorth(singles, len(votes.gold), kind, together, person, known, level, tuple(notes))


class _Resampling:
    """Percentile intervals of statistics of pairs: pairs are drawn with replacement."""

    def __init__(self, level: float, rng: np.random.Generator) -> None:
        self.level, self.rng = level, rng

    def mean(self, value: Floats, least: float = 0.0) -> Figure:
        """The mean of (n,) values from ``least`` to 1, each of its own pair; NaN ones are left out.

        Where all are the same, drawing them anew tells nothing. Then at most a share p of all pairs is otherwise, with
        (1 - p)^n = (1 - level) / 2, and the interval holds the means with that share at either end.
        """
        x = value[np.isfinite(value)]
        n = len(x)
        if n == 0:
            return Figure(float("nan"))
        found = float(x.mean())
        if (x == x[0]).all():
            p = 1 - ((1 - self.level) / 2) ** (1 / n)
            return Figure(found, found - p * (found - least), found + p * (1 - found))
        times = self.rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES * 5)
        return Figure(found, *self._span(times @ x / n))

    def preference(self, longer: Bools, better: Bools) -> Figure:
        """Mean of the two shares of (n,) ``longer``, where the longer answer is ``better`` and where not, less 1/2."""
        n = len(longer)
        if not (better.any() and (~better).any()):
            return Figure(float("nan"))
        of = np.stack([better, better & longer, ~better, ~better & longer], axis=1).astype(np.float64)

        def value(counts: Floats) -> Floats:
            with np.errstate(invalid="ignore", divide="ignore"):
                return (counts[..., 1] / counts[..., 0] + counts[..., 3] / counts[..., 2]) / 2 - 0.5

        times = self.rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES * 5)
        return Figure(float(value(of.sum(axis=0))), *self._span(value(times @ of)))

    def of(self, statistic: Callable[[Ints], Sequence[float]], at: Ints) -> list[Figure]:
        """Figures that are computed from pairs, given by their numbers ``at``."""
        found = statistic(at)
        again = np.array([statistic(self.rng.choice(at, len(at))) for _ in range(RESAMPLES)])
        return [Figure(float(v), *self._span(again[:, i])) for i, v in enumerate(found)]

    def _span(self, values: Floats) -> tuple[float, float]:
        values = values[np.isfinite(values)]
        if len(values) < RESAMPLES / 2:
            return float("nan"), float("nan")
        edge = (1 - self.level) / 2
        low, high = np.quantile(values, [edge, 1 - edge])
        return float(low), float(high)


def _judge(votes: JuryVotes, j: int, reference: Signs, cost: float, draw: _Resampling) -> JudgeFigures:
    said = votes.said[:, j].astype(np.float64)
    right = np.where((said != 0) & (reference != 0), (said == reference).astype(float), np.nan)
    first, orders, repeats = _positions(votes, j)
    compare = reference if reference.any() else np.sign(votes.said.sum(axis=1) - votes.said[:, j]).astype(np.int8)
    side = np.zeros(len(said)) if votes.length is None else np.sign(votes.length)
    use = (said != 0) & (compare != 0) & (side != 0)
    longer = draw.preference(said[use] == side[use], compare[use] == side[use])
    return JudgeFigures(
        votes.names[j],
        votes.groups[j],
        int(votes.spoke[:, j].sum()),
        draw.mean(right),
        draw.mean(first),
        draw.mean(orders),
        longer,
        draw.mean(repeats),
        cost,
    )


def _positions(votes: JuryVotes, j: int) -> tuple[Floats, Floats, Floats]:
    """By pair: share of verdicts for the first answer, agreement of both orders, agreement of repeats; NaN where unknown."""
    m = len(votes.gold)
    nan = np.full(m, np.nan)
    if votes.first is None or votes.swapped is None:
        return nan, nan.copy(), nan.copy()
    own = votes.judge == j
    pair, sign, first = votes.pair[own], votes.sign[own], votes.first[own]
    swapped = votes.swapped[own]
    ahead, total = np.zeros((2, m)), np.zeros((2, m))
    split = np.zeros((2, m, 3))
    np.add.at(split, (swapped.astype(int), pair, sign + 1), 1)
    np.add.at(ahead, (swapped.astype(int), pair), first > 0)
    np.add.at(total, (swapped.astype(int), pair), sign != 0)
    shown = split.sum(axis=2)
    both = (total > 0).all(axis=0)
    share = nan.copy()
    share[both] = (ahead[:, both] / total[:, both]).mean(axis=0)
    agree = nan.copy()
    two = (shown > 0).all(axis=0)
    p = split / np.maximum(shown, 1)[:, :, None]
    agree[two] = (p[0, two] * p[1, two]).sum(axis=1)
    again = np.full((2, m), np.nan)
    several = shown > 1
    same = (split * (split - 1)).sum(axis=2)
    again[several] = same[several] / (shown[several] * (shown[several] - 1))
    known = several.any(axis=0)
    repeats = nan.copy()
    repeats[known] = np.nanmean(again[:, known], axis=0)
    return share, agree, repeats


def _together(
    votes: JuryVotes, reference: Signs, cost: Floats, person: float, draw: _Resampling
) -> JuryTogether | None:
    said, j = votes.said, len(votes.names)
    right = np.where((said != 0) & (reference != 0)[:, None], (said == reference[:, None]).astype(float), np.nan)
    at = np.flatnonzero(np.isfinite(right).any(axis=1)).astype(np.int32)
    if len(at) < FOLDS:
        return None

    def numbers(some: Ints) -> list[float]:
        model, phi = fit_jury(right[some], votes.family), mean_error_correlation(right[some])
        return [phi, kish_judges(j, phi) if j > 1 else 1.0, worth_in_judges(model)]

    correlation, kish, worth = draw.of(numbers, at)
    model = fit_jury(right[at], votes.family)
    odds, chosen = _from_other_pairs(votes, right, at, draw.rng)
    good = np.where(odds == 0, 0.5, (np.sign(odds) == reference[at]).astype(float))
    votes_for = said[at].sum(axis=1)
    most = np.where(votes_for == 0, 0.5, (np.sign(votes_for) == reference[at]).astype(float))
    part = cheapest_part(model, cost, KEPT)
    told = model.information()
    log_odds = _log_odds(model, said)
    open_ = (np.abs(log_odds) < np.log(SURE / (1 - SURE))) & votes.spoke.any(axis=1)
    return JuryTogether(
        compared=len(at),
        kish=kish,
        worth=worth,
        correlation=correlation,
        within=model.within,
        across=model.across,
        jury=draw.mean(good),
        majority=draw.mean(most),
        said=float(expit(np.abs(odds)).mean()),
        best=draw.mean(chosen),
        ahead=draw.mean(good - chosen, least=-1.0),
        best_name=votes.names[_best(right[at])],
        cheapest=tuple(votes.names[k] for k in part),
        cheapest_share=model.only(part).information() / told if told > 0 else float("nan"),
        cheapest_cost=float(cost[part].sum() / cost.sum()),
        open_pairs=int(open_.sum()),
        human_votes=float(votes_to_settle(log_odds[open_], person, SURE).sum()),
        probability=np.where(votes.spoke.any(axis=1), expit(log_odds), np.nan),
    )


def _log_odds(model: JuryModel, said: Signs) -> Floats:
    """(M,) log-odds by the model; equal rows are computed once."""
    rows, where = np.unique(said, axis=0, return_inverse=True)
    return np.asarray(model.log_odds(rows)[where.ravel()])


def _halves(right: Floats) -> Floats:
    """Right verdicts as 1, wrong ones as 0, and one half where a judge says nothing, or both."""
    return np.where(np.isfinite(right), right, 0.5)


def _best(right: Floats) -> int:
    """The judge that is right most often, where nothing said counts as one half."""
    return int(np.argmax(_halves(right).mean(axis=0)))


def _from_other_pairs(votes: JuryVotes, right: Floats, at: Ints, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """For the pairs ``at``: the jury's log-odds, and whether the best judge is right, both from other pairs' fits."""
    fold = rng.permutation(len(at)) % min(FOLDS, len(at))
    odds, best = np.zeros(len(at)), np.zeros(len(at))
    for number in np.unique(fold):
        out = fold == number
        others = right[at[~out]]
        odds[out] = _log_odds(fit_jury(others, votes.family), votes.said[at[out]])
        best[out] = _halves(right[at[out], _best(others)])
    return odds, best


def _person(votes: JuryVotes) -> tuple[float, bool]:
    """Reliability of one person: from gold where there is any, else from how often two people agree."""
    pair, sign = votes.human_votes
    gold = votes.gold[pair] if len(pair) else np.zeros(0, np.int8)
    if (gold != 0).sum() >= 20:
        return float(np.clip((sign == gold)[gold != 0].mean(), 0.55, 0.99)), True
    number, total = np.bincount(pair, minlength=len(votes.gold)), np.bincount(pair, sign, minlength=len(votes.gold))
    several = number > 1
    if several.sum() < 20:
        return USUAL_PERSON, False
    # E[v w] = (2 eta - 1)^2 for two votes on one pair.
    products = (total**2 - number)[several].sum() / (number * (number - 1))[several].sum()
    return float(np.clip((1 + np.sqrt(max(products, 0.0))) / 2, 0.55, 0.99)), True
