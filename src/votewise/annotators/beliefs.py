"""What an estimate believes, as plain arrays, before it becomes tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from votewise.annotators.judgements import judgements_of
from votewise.arrays import Floats
from votewise.inference.observation import Evidence, vote_probability


@dataclass(frozen=True, eq=False)
class Beliefs:
    """Beliefs about K annotators, M pairs and the n votes of an ``Evidence``.

    Attributes:
        log_odds: (K,) logit of each reliability.
        posterior: (M,) log-odds that response_a is truly better.
        confidence: (n,) probability that each vote is right.
        expected_right: (K,) expected number of right votes.
    """

    log_odds: Floats
    posterior: Floats
    confidence: Floats
    expected_right: Floats

    @property
    def reliability(self) -> Floats:
        """(K,) probability that a vote of each annotator is right."""
        return np.asarray(expit(self.log_odds))


def predict_votes(
    evidence: Evidence, beliefs: Beliefs, right_by_others: Floats, pseudo_votes: tuple[Floats, Floats]
) -> Floats:
    """(n,) probability of each vote being as it is, predicted from everything except the vote itself.

    Args:
        evidence: the votes.
        beliefs: beliefs from all of them.
        right_by_others: (n,) probability that each vote is right according to everything except itself.
        pseudo_votes: (K,) right and (K,) wrong votes that the prior counts for; the reliability used comes from them
            and the annotator's other judgements (1/2 without any).
    """
    own: float | Floats = 1.0 if evidence.weight is None else evidence.weight
    own_right = own * beliefs.confidence
    judgements = judgements_of(evidence)
    if judgements is not None:
        # The other votes of the same judgement share its error.
        own_right = judgements.sums(own_right)[judgements.code]
        own = judgements.sums(np.broadcast_to(own, own_right.shape))[judgements.code]
    number = (evidence.counts + pseudo_votes[0] + pseudo_votes[1])[evidence.annotator] - own
    right = (beliefs.expected_right + pseudo_votes[0])[evidence.annotator] - own_right
    with np.errstate(invalid="ignore", divide="ignore"):
        reliability = np.where(number > 1e-9, np.clip(right / number, 0.0, 1.0), 0.5)
    return vote_probability(right_by_others, reliability)
