"""A ranking of models, as what ranks them returns it and what shows it takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from votewise.arrays import Floats


@dataclass(frozen=True, eq=False)
class Ranking:
    """Models by rating.

    Attributes:
        models: one row per model, best first: ``model``, ``rating`` (400 points are odds of ten to one; 1000 is the
            mean), ``low`` and ``high`` (interval), ``rank`` with ``rank_best`` and ``rank_worst`` (one more than the
            models that are clearly better, and all that are not clearly worse), ``votes``, ``won``, ``lost``, ``tied``,
            ``gap`` (rating points ahead of the next model) and ``votes_to_separate`` (further votes between it and the
            next model after which, if the gap stays, its interval leaves out 0; 0 where it does so now; null for the
            last one).
        shares: (K, K) share of the votes that each model (row) got against each (column), ties half; NaN where they
            never met.
        met: (K, K) votes between every two.
        annotators: ``annotator``, ``votes`` (ties left out) and ``reliability``, most votes first; None where every vote was
            believed.
        effect: rating points by which an answer twice as long as the other looks better, with the interval's ends; None
            where length was not looked at.
        tie: probability of a tie between equal models; None where ties count half.
        left_out: models that cannot be compared with the others, because they won or lost everything against them.
        skipped: reason -> rows that could not be used.
        notes: what a reader should know.
        settings: how this was made.
    """

    models: pa.Table = field(repr=False)
    shares: Floats = field(repr=False)
    met: Floats = field(repr=False)
    annotators: pa.Table | None = field(repr=False)
    effect: tuple[float, float, float] | None
    tie: float | None
    left_out: tuple[str, ...]
    skipped: Mapping[str, int]
    notes: tuple[str, ...]
    settings: Mapping[str, Any]
