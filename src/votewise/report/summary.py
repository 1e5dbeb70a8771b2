"""The numbers of an audit report: counts, shares, bins and samples for its sentences, tiles and charts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from votewise.annotators.flags import FLAGS
from votewise.annotators.results import ReliabilityResult
from votewise.arrays import Bools, Floats
from votewise.data.votes import Votes

FEW = 1_000
MAX_POINTS = 1_500
MAX_INTERVALS = 60
OPEN = 0.9
"""A pair is open if neither answer is better with at least this probability."""

MEANINGS = {
    "reliable": "are right often enough to rely on, and have enough votes to show it",
    "unsure": "have too few informative votes, or too mixed ones, to tell",
    "casual": "are right too rarely to rely on, because of haste or an unclear task",
    "adversarial": "are wrong more often than right, because of bad intent or a misread instruction",
    "position-biased": "prefer the answer shown in one position, whatever its content",
}


@dataclass(frozen=True)
class FlagShare:
    """How many annotators have a flag, what it means, and their share of the votes."""

    flag: str
    meaning: str
    annotators: int
    annotator_share: float
    votes: int
    vote_share: float
    wrong_share: float | None


@dataclass(frozen=True)
class Summary:
    """Counts over all votes. ``wrong_share`` (expected share of wrong votes) is None where every vote is a tie."""

    votes: int
    annotators: int
    pairs: int
    ties: int
    decided: int
    wrong_share: float | None
    doubtful: int
    open_pairs: int
    flags: tuple[FlagShare, ...]

    def flagged(self, flag: str) -> FlagShare:
        """The share of one flag."""
        return self.flags[FLAGS.index(flag)]


def floats(column: pa.ChunkedArray) -> Floats:
    """A numeric column as float64, null as NaN."""
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def flag_codes(result: ReliabilityResult) -> npt.NDArray[np.int64]:
    """(K,) index of each annotator's flag in ``FLAGS``; without intervals every annotator counts as unsure."""
    flags = pc.fill_null(result.annotators["flag"], "unsure")
    return np.asarray(pc.index_in(flags, pa.array(FLAGS)).to_numpy(zero_copy_only=False), np.int64)


def problematic(result: ReliabilityResult) -> Bools:
    """(K,) whether an annotator's flag calls for action: casual, adversarial or position-biased."""
    return flag_codes(result) >= FLAGS.index("casual")


def summarise(votes: Votes, result: ReliabilityResult) -> Summary:
    """Count what the overview states."""
    confidence = floats(result.confidence)
    decided = ~np.isnan(confidence)
    of_vote = flag_codes(result)[votes.annotator]
    in_annotators = np.bincount(flag_codes(result), minlength=len(FLAGS))
    in_votes = np.bincount(of_vote, minlength=len(FLAGS))
    in_decided = np.bincount(of_vote[decided], minlength=len(FLAGS))
    wrong = np.bincount(of_vote[decided], 1 - confidence[decided], minlength=len(FLAGS))
    flags = tuple(
        FlagShare(
            flag=flag,
            meaning=MEANINGS[flag],
            annotators=int(in_annotators[i]),
            annotator_share=in_annotators[i] / votes.n_annotators,
            votes=int(in_votes[i]),
            vote_share=in_votes[i] / len(votes),
            wrong_share=float(wrong[i] / in_decided[i]) if in_decided[i] else None,
        )
        for i, flag in enumerate(FLAGS)
    )
    belief = floats(result.pairs["p_a"])
    n_decided = int(decided.sum())
    return Summary(
        votes=len(votes),
        annotators=votes.n_annotators,
        pairs=votes.n_pairs,
        ties=len(votes) - n_decided,
        decided=n_decided,
        wrong_share=float(wrong.sum() / n_decided) if n_decided else None,
        doubtful=int((confidence < 0.5).sum()),
        open_pairs=int((np.maximum(belief, 1 - belief) < OPEN).sum()),
        flags=flags,
    )


def histogram(result: ReliabilityResult) -> pa.Table:
    """Annotators and votes by reliability and flag; bins without annotators are left out.

    Bins are 2 points wide, or 5 for fewer than ``FEW`` annotators, so that chance does not look like a pattern.
    """
    n_bins = 50 if len(result.annotators) >= FEW else 20
    reliability, votes = floats(result.annotators["reliability"]), floats(result.annotators["votes"])
    bins = np.minimum((reliability * n_bins).astype(np.int64), n_bins - 1)
    cell = bins * len(FLAGS) + flag_codes(result)
    annotators = np.bincount(cell, minlength=n_bins * len(FLAGS))
    weight = np.bincount(cell, votes, minlength=n_bins * len(FLAGS)).astype(np.int64)
    kept = np.flatnonzero(annotators)
    low = kept // len(FLAGS)
    return pa.table(
        {
            "low": low / n_bins,
            "high": (low + 1) / n_bins,
            "flag": pa.array(FLAGS).take(pa.array(kept % len(FLAGS))),
            "annotators": annotators[kept],
            "votes": weight[kept],
        }
    )


def points(result: ReliabilityResult) -> pa.Table:
    """At most ``MAX_POINTS`` annotators to draw: the most active, problematic ones, and an even sample of the rest.

    Samples are even over the number of votes, so that the cloud keeps its shape. ``always`` marks ``MAX_INTERVALS``
    annotators whose interval is drawn even when nobody points at it: problematic ones first, then the most active.
    """
    table = result.annotators
    problem = problematic(result)
    order = np.argsort(-floats(table["votes"]), kind="stable")
    if len(order) > MAX_POINTS:
        chosen = np.union1d(order[:MAX_INTERVALS], _evenly(order[problem[order]], MAX_POINTS // 5))
        others = order[~np.isin(order, chosen)]
        order = np.concatenate([chosen, _evenly(others, MAX_POINTS - len(chosen))])
    order = np.sort(order)
    shown = table.take(pa.array(order))
    number = np.maximum(floats(shown["votes"]), 1)
    spread = np.modf(np.arange(len(shown)) * 0.6180339887)[0] - 0.5
    columns = {name: shown[name] for name in ("annotator", "votes", "flag")}
    for name in ("reliability", "low", "high"):
        columns[name] = pc.round(pc.cast(shown[name], pa.float64()), 4)
    rank = np.lexsort((-number, ~problem[order]))
    always = np.zeros(len(shown), bool)
    always[rank[:MAX_INTERVALS]] = True
    columns["always"] = pa.array(always)
    columns["position"] = pa.array(np.round(number * np.exp(0.6 * spread / number), 2))
    return pa.table(columns)


def _evenly(codes: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.int64]:
    """At most ``n`` of the codes, at equal distances."""
    return codes if len(codes) <= n else codes[np.linspace(0, len(codes) - 1, n).astype(np.int64)]
