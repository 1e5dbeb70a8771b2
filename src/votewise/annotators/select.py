"""Beliefs -> which votes or pairs to train on: keep, flip or drop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from votewise.arrays import Bools, Floats, Signs
from votewise.defaults import MIN_CONFIDENCE
from votewise.errors import BadInputError


@dataclass(frozen=True, eq=False)
class Selection:
    """The selected rows, in their old order, and what became of the others.

    Attributes:
        rows: (m,) indices of the selected votes (or pairs).
        sign: (m,) +1 where response_a is now the preferred one, -1 where response_b is.
        confidence: (m,) probability that this preference agrees with the truth.
        flipped: (m,) True where the preference was flipped.
        flips: whether votes could be flipped, so that rows say which ones were.
        dropped: number of rows left out because too little is known of them.
        ties: number of rows left out because they prefer neither response.
    """

    rows: npt.NDArray[np.intp]
    sign: Signs
    confidence: Floats
    flipped: Bools
    dropped: int
    ties: int
    flips: bool = False

    @property
    def kept(self) -> int:
        """Number of rows selected as they were."""
        return len(self.rows) - int(self.flipped.sum())


def select_votes(
    sign: Signs, confidence: Floats, *, min_confidence: float = MIN_CONFIDENCE, flip_below: float | None = None
) -> Selection:
    """Keep the votes that are likely enough to be right, and flip those that are almost surely wrong.

    Args:
        sign: (n,) +1 (response_a), -1 (response_b) or 0 (tie; never selected).
        confidence: (n,) probability that the vote agrees with the truth; ignored for ties.
        min_confidence: votes of at least this confidence are kept as they are.
        flip_below: votes of less than this confidence are flipped and get confidence 1 - c; None flips none.

    Raises:
        BadInputError: for a setting outside its range. ``flip_below`` may be at most 1 - ``min_confidence``, because
            no selected vote, flipped or not, may be less certain than ``min_confidence``, and at most
            ``min_confidence``, because no vote can be both kept and flipped.
    """
    _check_share("min_confidence", min_confidence)
    if flip_below is not None:
        _check_share("flip_below", flip_below)
        highest = min(min_confidence, 1 - min_confidence)
        if flip_below > highest + 1e-12:
            raise BadInputError(
                f"contradicts a min_confidence of {min_confidence:g}",
                parameter="flip_below",
                value=flip_below,
                expected=f"at most {highest:g}",
            )
    decided = sign != 0
    flip = decided & (confidence < flip_below) if flip_below is not None else np.zeros(len(sign), bool)
    chosen = flip | (decided & (confidence >= min_confidence))
    rows = np.flatnonzero(chosen)
    return Selection(
        rows=rows,
        sign=np.where(flip, -sign, sign)[rows].astype(np.int8),
        confidence=np.where(flip, 1 - confidence, confidence)[rows],
        flipped=flip[rows],
        dropped=int(decided.sum()) - len(rows),
        ties=int((~decided).sum()),
        flips=flip_below is not None,
    )


def select_pairs(p_a: Floats, *, min_confidence: float = MIN_CONFIDENCE) -> Selection:
    """Prefer the likelier response of each pair, where it is likely enough.

    Args:
        p_a: (M,) probability that response_a is truly better. Pairs at exactly 1/2 count as ties and are left out.
        min_confidence: pairs whose likelier response is at least this likely are kept.
    """
    sign = np.sign(p_a - 0.5).astype(np.int8)
    return select_votes(sign, np.maximum(p_a, 1 - p_a), min_confidence=min_confidence)


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise BadInputError("not a probability", parameter=name, value=value, expected="a number from 0 to 1")
