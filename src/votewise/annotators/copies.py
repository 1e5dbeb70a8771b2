"""Groups that copy: where r would be 1, a group says one thing on each pair, but for slips, and so it is one voter.

The one voter, the source, has one vote on each pair, which each member repeats with probability 1 - e. That two members
differ on a pair has the probability d = 2 e (1 - e) whatever the truth, so e = (1 - sqrt(1 - 2 d)) / 2 with d the share of
couples of votes that differ. The source's vote is what most of the group say, and is left out where as many say the other.
A member is right with probability h (1 - e) + (1 - h) e, h being the source's reliability.

Whether a group copies is decided by Schwarz's criterion, against the r that explains its votes best.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, expit

from votewise.arrays import Floats, Ints
from votewise.inference.grouped_votes import GroupedVotes
from votewise.inference.observation import Evidence, clipped_logit

FEWEST_SLIPS = 1e-6
"""Least share of slips: what no vote has shown is not impossible."""


@dataclass(frozen=True, eq=False)
class Copies:
    """Votes of groups that copy, as votes of one voter each.

    Attributes:
        evidence: all votes; of the groups that copy, the source's votes under the code of one member.
        source: (K,) code of that member for each annotator of these groups, each annotator's own code for others.
        group: (K,) code of each annotator's group, -1 for none and for these groups.
        slips: (G,) e of each of these groups, 0 for others. ``low`` and ``high`` (G,): its interval.
        stands_for: (n,) the place in ``evidence`` of what each vote is a copy of, or of itself; -1 where it was left out.
        number: (n,) how many votes of the vote's group are on its pair, 1 for others.
        others: (n,) sum of the signs of these, without the vote itself.
        log_likelihood: of the members' votes, given those of the source.
        parameters_saved: half the log of the number of votes of each member, but for one of a group: what Schwarz's
            criterion asks of a model in which every member has a reliability of its own.
    """

    evidence: Evidence
    source: Ints
    group: Ints
    slips: Floats
    low: Floats
    high: Floats
    stands_for: npt.NDArray[np.int64] = field(repr=False)
    number: npt.NDArray[np.int64] = field(repr=False)
    others: npt.NDArray[np.int64] = field(repr=False)
    log_likelihood: float
    parameters_saved: float

    @classmethod
    def of(cls, votes: GroupedVotes, copying: npt.NDArray[np.int64], level: float) -> Copies:
        """Take the groups with the codes ``copying`` for copies."""
        evidence, k = votes.evidence, len(votes.group)
        n, group = len(evidence.sign), votes.group.astype(np.int64)
        of_vote = group[evidence.annotator]
        inside = np.flatnonzero(np.isin(of_vote, copying))
        key = evidence.pair[inside].astype(np.int64) * votes.groups + of_vote[inside]
        keys, block = np.unique(key, return_inverse=True)
        number, total = np.bincount(block), np.bincount(block, evidence.sign[inside])
        source = np.arange(k)
        slips, low, high = np.zeros((3, votes.groups))
        told = saved = 0.0
        for g in copying:
            members = np.flatnonzero(group == g)
            source[members] = members[0]
            saved += float(np.log(np.maximum(np.sort(evidence.counts[members])[1:], 1.0)).sum() / 2)
            own = keys % votes.groups == g
            slips[g], low[g], high[g] = _slips(number[own], total[own], level)
            against = (number[own] - np.abs(total[own])) / 2
            told += float((number[own] - against).sum() * np.log1p(-slips[g]) + against.sum() * np.log(slips[g]))
        said = np.flatnonzero(total != 0)
        kept = np.setdiff1d(np.arange(n), inside)
        place = np.full(len(keys), -1, np.int64)
        place[said] = len(kept) + np.arange(len(said))
        stands_for = np.empty(n, np.int64)
        stands_for[kept], stands_for[inside] = np.arange(len(kept)), place[block]
        of_all, sum_of_all = np.ones(n, np.int64), np.zeros(n, np.int64)
        of_all[inside] = number[block]
        sum_of_all[inside] = total[block] - evidence.sign[inside]
        first = np.array([source[np.flatnonzero(group == g)[0]] if g in copying else -1 for g in range(votes.groups)])
        weight = evidence.weight
        collapsed = Evidence.of(
            np.concatenate([evidence.pair[kept], keys[said] // votes.groups]).astype(np.int32),
            np.concatenate([evidence.annotator[kept], first[keys[said] % votes.groups]]).astype(np.int32),
            np.concatenate([evidence.sign[kept], np.sign(total[said])]).astype(np.int8),
            margin=evidence.margin,
            annotators=k,
            weight=None if weight is None else np.concatenate([weight[kept], np.ones(len(said))]),
        )
        left = np.where(np.isin(group, copying), -1, group)
        return cls(
            collapsed,
            source.astype(np.int32),
            left.astype(np.int32),
            slips,
            low,
            high,
            stands_for,
            of_all,
            sum_of_all,
            told,
            saved,
        )

    def of_members(self, reliability: Floats, groups: Ints) -> Floats:
        """(K,) from what holds for each annotator, the source among them: a member is right where both or neither slip.

        Args:
            reliability: (K,) by the votes of ``evidence``.
            groups: (K,) code of each annotator's group, those that copy included.
        """
        slips = np.append(self.slips, 0.0)[groups]
        own = reliability[self.source]
        return np.asarray(own * (1 - slips) + (1 - own) * slips)

    def by_others(self, evidence: Evidence, posterior: Floats, of_source: Floats) -> Floats:
        """(n,) log-odds that each vote is right by all others: copies of a vote say as much as the vote itself.

        Args:
            evidence: all votes.
            posterior: (M,) of the pairs.
            of_source: the same for the votes of ``self.evidence``.
        """
        alone = (self.number == 1) & (self.stands_for >= 0)
        found = evidence.sign * posterior[evidence.pair]
        return np.where(alone, of_source[self.stands_for], found)

    def predicted(self, evidence: Evidence, groups: Ints, of_source: Floats) -> Floats:
        """(n,) probability of each vote by all others; arguments as of ``by_others`` and ``of_members``."""
        alone = (self.number == 1) & (self.stands_for >= 0)
        slips = np.append(self.slips, 0.0)[groups][evidence.annotator]
        agreement = np.sign(self.others) * evidence.sign
        by_copies = np.select([agreement > 0, agreement < 0], [1 - slips, slips], 0.5)
        return np.where(alone, of_source[self.stands_for], by_copies)

    def correlation(self, log_odds: float, g: int) -> tuple[float, float, float]:
        """Correlation of the errors of two members of group ``g``, and its interval; ``log_odds`` of the source."""
        h = float(expit(log_odds))
        found = []
        for e in (self.slips[g], self.high[g], self.low[g]):
            own = h * (1 - e) + (1 - h) * e
            found.append(float((1 - 2 * e) ** 2 * h * (1 - h) / (own * (1 - own))))
        return found[0], found[1], found[2]


def _slips(number: npt.NDArray[np.intp], total: Floats, level: float) -> tuple[float, float, float]:
    """E and its interval, from the numbers of votes of one group on each pair and the sums of their signs."""
    couples = (number * (number - 1)).sum() / 2
    differ = ((number**2 - total**2) / 4).sum()
    # Couples of one pair are not independent: it has as many that are as it has votes beyond the first.
    size = float((number - 1).sum())
    seen = size * differ / max(couples, 1.0)
    edge = (1 - level) / 2
    ends = betaincinv(max(seen, 1e-9), size - seen + 1, edge), betaincinv(seen + 1, max(size - seen, 1e-9), 1 - edge)
    shares = (differ / max(couples, 1.0), *ends)
    e, low, high = ((1 - np.sqrt(max(1 - 2 * float(d), 0.0))) / 2 for d in shares)
    return max(e, FEWEST_SLIPS), max(low, FEWEST_SLIPS), max(high, FEWEST_SLIPS)


def members_log_odds(copies: Copies, log_odds: Floats, groups: Ints) -> Floats:
    """(K,) logit of each reliability from those of the votes of ``copies``."""
    return clipped_logit(copies.of_members(np.asarray(expit(log_odds)), groups))
