"""The figures that say what a jury is worth; docs/judges.md defines each."""

from __future__ import annotations

from dataclasses import dataclass, field

from votewise.arrays import Floats


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
        said: mean probability that the jury gives to what it says, on the same pairs; its interval is of juries fitted to
            pairs drawn anew.
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
    said: Figure
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
