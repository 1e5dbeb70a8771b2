"""How beliefs compare with gold answers. Nothing here is used by an estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from votewise.annotators.results import ReliabilityResult
from votewise.arrays import Bools, Floats
from votewise.data.votes import Votes


@dataclass(frozen=True)
class GoldScores:
    """Beliefs against gold answers.

    Attributes:
        pairs: number of pairs with a gold answer and at least one vote.
        votes: number of votes on them that are not ties; ``wrong`` is the share of these that contradict the gold answer.
        accuracy: share of the pairs whose likelier response, by ``p_a``, is the gold one; an even posterior counts half.
        majority_accuracy: the same for the plain majority of votes; an even split counts half.
        auc: probability that a wrong vote has a lower ``confidence`` than a right one; None where all votes are right or
            all are wrong.
    """

    pairs: int
    votes: int
    wrong: float
    accuracy: float
    majority_accuracy: float
    auc: float | None


def score_against_gold(votes: Votes, result: ReliabilityResult) -> GoldScores | None:
    """Compare the posteriors of pairs and the confidence of votes with ``votes.gold``; None where no pair has gold."""
    if votes.gold is None:
        return None
    gold = votes.gold.astype(float)
    judged = (gold[votes.pair] != 0) & (votes.sign != 0)
    pairs = np.unique(votes.pair[judged])
    if len(pairs) == 0:
        return None
    p_a = result.pairs["p_a"].to_numpy()
    majority = np.bincount(votes.pair, weights=votes.sign, minlength=votes.n_pairs)
    right = votes.sign[judged] == gold[votes.pair[judged]]
    confidence = result.confidence.to_numpy()[judged]
    return GoldScores(
        pairs=len(pairs),
        votes=int(judged.sum()),
        wrong=float(1 - right.mean()),
        accuracy=_share_right(p_a[pairs] - 0.5, gold[pairs]),
        majority_accuracy=_share_right(majority[pairs], gold[pairs]),
        auc=area_under_curve(confidence, right),
    )


def area_under_curve(score: Floats, right: Bools) -> float | None:
    """Probability that a right item scores higher than a wrong one, equal scores counting half; None without both kinds.

    Args:
        score: (n,) any real numbers.
        right: (n,) which items are right.
    """
    from scipy.stats import rankdata  # here, because it takes most of a second to import

    n_right, n_wrong = int(right.sum()), int((~right).sum())
    if n_right == 0 or n_wrong == 0:
        return None
    rank_sum = float(rankdata(score)[right].sum())
    return (rank_sum - n_right * (n_right + 1) / 2) / (n_right * n_wrong)


def _share_right(evidence: Floats, gold: Floats) -> float:
    return float(np.mean((1 + np.sign(evidence) * gold) / 2))
