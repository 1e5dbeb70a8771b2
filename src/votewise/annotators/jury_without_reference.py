"""A jury that nothing is compared with: what its votes alone tell if judges of different groups err independently.

The estimate is that of ``votewise audit`` with the judges' groups. If all judges are in one group, it is refused.
"""

from __future__ import annotations

import numpy as np

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.groups import KnownGroups
from votewise.annotators.jury_votes import JuryVotes
from votewise.data.votes import Votes
from votewise.errors import many

MISSING = "Neither gold nor people say which answers are better"
WANTED = "Votes of people on some of these pairs would tell it."


def without_reference(votes: JuryVotes) -> str:
    """What is known about the jury, and on which condition, in sentences."""
    pair, judge = np.nonzero(votes.said)
    groups, size = np.unique(votes.groups, return_counts=True)
    if len(groups) == 1 and len(votes.names) > 1:
        return (
            f"{MISSING}, and all judges are in the group '{groups[0]}': whether they agree because they are right or "
            f"because they err together cannot be told. {WANTED}"
        )
    if len(votes.names) < 3 or not len(pair):
        return f"{MISSING}, so what the judges are worth together is not known. {WANTED}"
    found = estimate_reliability(
        Votes.from_arrays(pair, judge, votes.said[pair, judge], annotator_ids=votes.names),
        intervals=False,
        groups=KnownGroups(dict(zip(votes.names, votes.groups, strict=True))) if size.max() > 1 else None,
    )
    p_a = found.pairs["p_a"].to_numpy()
    said = float(np.maximum(p_a, 1 - p_a).mean())
    worth = "".join(
        f"; the group '{group.name}' of {many(group.members, 'judge')} would be worth {group.effective:.1f} independent ones"
        for group in found.groups
    )
    return (
        f"{MISSING}. If judges of different groups erred independently, the jury would be right with a probability of "
        f"{said:.3f} on average{worth}. Judges of different families err together, too, so this is the most that can be "
        f"hoped for, and not a finding. {WANTED}"
    )
