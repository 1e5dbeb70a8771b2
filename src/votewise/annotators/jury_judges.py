"""One judge of a jury: how often it is right, and its habits."""

from __future__ import annotations

import numpy as np

from votewise.annotators.jury_figures import JudgeFigures
from votewise.annotators.jury_resampling import Resampling
from votewise.annotators.jury_votes import JuryVotes
from votewise.arrays import Floats, Signs


def judge_figures(votes: JuryVotes, j: int, reference: Signs, cost: float, draw: Resampling) -> JudgeFigures:
    """What judge number ``j`` is worth, by the (M,) ``reference``: 0 where none says which answer is better."""
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
