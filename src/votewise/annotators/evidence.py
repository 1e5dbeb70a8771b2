"""Votes -> the evidence that estimates are made from."""

from __future__ import annotations

import numpy as np

from votewise.arrays import Floats
from votewise.data.votes import Votes
from votewise.inference.observation import Evidence


def evidence_of(votes: Votes, *, margins: Floats | None = None, shared_pairs: bool = True) -> Evidence:
    """Arrange ``votes`` for an estimate; ``margins`` (M,) replace the votes' own. Without any margins, all are 0.

    With ``shared_pairs=False`` every vote is put on its own pair, which has the margin of the vote's pair, as in RE-PO.
    """
    margin = votes.margin if margins is None else margins
    return Evidence.of(
        votes.pair,
        votes.annotator,
        votes.sign,
        margin=np.zeros(votes.n_pairs) if margin is None else np.asarray(margin, np.float64),
        annotators=votes.n_annotators,
        weight=votes.weight,
        judgement=votes.judgement,
        shared_pairs=shared_pairs,
    )
