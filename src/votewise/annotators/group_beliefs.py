"""What follows where groups of annotators err together, as arrays and as sentences."""

from __future__ import annotations

from dataclasses import dataclass

from votewise.arrays import Floats, Ints
from votewise.errors import many
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.shared_error import LARGEST_SHARE


@dataclass(frozen=True)
class SharedError:
    """What is known about the shared error of one group.

    Attributes:
        name: the group.
        members: J, how many annotators it has.
        shared_votes: how many of its votes share their pair with another of its votes.
        r: share of the error's variance, on the scale of normal scores, that is common to a group's votes on one pair.
        r_low, r_high: its interval, from the profile likelihood.
        correlation: phi, the mean correlation of the errors of two members. ``low`` and ``high``: its interval.
        effective: how many independent annotators the group is worth, J / (1 + (J - 1) phi).
        slips: share of the votes of a group that copies (r = 1) that differ from what it says; None where it does not.
    """

    name: str
    members: int
    shared_votes: float
    r: float
    r_low: float
    r_high: float
    correlation: float
    low: float
    high: float
    effective: float
    slips: float | None = None

    @property
    def at_bound(self) -> bool:
        """Whether errors have more in common than r can say, although the group does not copy."""
        return self.slips is None and self.shared_votes > 0 and self.r > LARGEST_SHARE - 1e-3


@dataclass(frozen=True, eq=False)
class GroupBeliefs:
    """What follows where groups of annotators err together (``votewise.annotators.group_fit``).

    Attributes:
        groups: (G,) what is known about each group's shared error.
        group: (K,) code of each annotator's group, -1 for none.
        posterior: (M,) log-odds that response_a is truly better.
        by_others: (n,) log-odds that each vote is right according to everything but itself.
        predicted: (n,) probability of each vote being as it is, predicted from everything but itself.
        low, high: (K,) ends of the intervals of the reliabilities.
        said, said_without: mean probability of the likelier response with groups, and without them.
    """

    groups: tuple[SharedError, ...]
    group: Ints
    posterior: Floats
    by_others: Floats
    predicted: Floats
    low: Floats
    high: Floats
    said: float
    said_without: float

    def findings(self) -> list[Diagnostic]:
        """A line for each group, and one on what groups change."""
        found = []
        for one in self.groups:
            if one.shared_votes == 0:
                text = f"No two annotators of the group '{one.name}' judged one pair: whether they err together is unknown."
                found.append(Diagnostic("group-unshared", "warning", text))
                continue
            if one.slips is not None:
                text = (
                    f"The group '{one.name}' of {many(one.members, 'annotator')} copies: on one pair its votes are the "
                    f"same, but for {one.slips:.1%} of them. It counts as one annotator, its members as equally reliable."
                )
                found.append(Diagnostic("group-copies", "warning", text))
                continue
            text = (
                f"The group '{one.name}' of {many(one.members, 'annotator')}: errors on one pair correlate by "
                f"{one.correlation:.2f} ({one.low:.2f} to {one.high:.2f}); together they are worth {one.effective:.1f} "
                "independent annotators."
            )
            found.append(Diagnostic("group", "info", text))
            if one.at_bound:
                text = (
                    f"The errors of the group '{one.name}' have more in common than the model can say (r = {one.r:.2f} is "
                    "its largest): reliabilities of its members and confidences are somewhat too high."
                )
                found.append(Diagnostic("group-bound", "warning", text))
        text = (
            f"The likelier responses are right with a probability of {self.said:.3f} on average; without groups it would be "
            f"{self.said_without:.3f}."
        )
        found.append(Diagnostic("groups-said", "info", text))
        return found
