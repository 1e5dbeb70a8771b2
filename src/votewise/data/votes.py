"""Votes: the one table. ``sources`` turns strings into integer codes; results turn the codes into strings again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Bools, Floats, Ints, Signs
from votewise.data.reading import Reading
from votewise.errors import BadInputError

UNKNOWN = "(unknown)"
"""Stands for all annotators whom the source does not name. They are not one person: nobody's votes repeat another's."""


@dataclass(frozen=True, eq=False)
class Votes:
    """n votes by K annotators on M pairs.

    A pair has an orientation: its ``response_a`` is the first response of the first row that showed it. Signs, margins
    and texts are all in that orientation; ``swapped`` marks the votes whose row showed the responses in the other order.

    Attributes:
        pair: (n,) code of the vote's pair, an index into ``pair_ids``.
        annotator: (n,) code of the vote's annotator, an index into ``annotator_ids``.
        sign: (n,) +1 where response_a was preferred, -1 where response_b was, 0 for a tie.
        pair_ids: (M,) the pairs' names, by code.
        annotator_ids: (K,) the annotators' names, by code.
        swapped: (n,) True where response_b was shown first; None where the source does not say what was shown first.
        margin: (M,) log-odds that response_a is truly better before any vote is looked at; None where nothing is known.
        weight: (n,) how many votes this one counts for; None for one each.
        judgement: (n,) code of the judgement that the vote comes from: votes of one annotator with one code, such as the
            comparisons of one ranking, share their error. None where each vote is a judgement of its own.
        answers: (M, 2) codes of each pair's two responses, equal where one response to a prompt is in several of its pairs;
            None where that is not known.
        time: (n,) seconds since 1970, NaN where unknown; None where the source has no times.
        domain: (M,) code of the pair's domain, an index into ``domain_ids``; -1 where unknown; None without domains.
        domain_ids: the domains' names.
        gold: (M,) +1 or -1, the answer of a trusted source; 0 where unknown. Never used by an estimate.
        table: (n rows) the source's columns, one row per vote, in the order of the votes; None when built from arrays.
        texts: (M rows) the pairs' columns ``prompt``, ``response_a``, ``response_b`` (strings or lists of messages) and,
            where known, ``model_a``, ``model_b``; None when the source has no texts.
        row: (n,) 0-based number of the input row that the vote came from.
        flipped: (n,) True where the vote's row has the responses in the other order than its pair, whichever was shown
            first; None where that is not known.
        reading: what was read, kept and rejected.
    """

    pair: Ints
    annotator: Ints
    sign: Signs
    pair_ids: pa.Array
    annotator_ids: pa.Array
    swapped: Bools | None = None
    margin: Floats | None = None
    weight: Floats | None = None
    judgement: Ints | None = None
    answers: Ints | None = None
    time: Floats | None = None
    domain: Ints | None = None
    domain_ids: tuple[str, ...] = ()
    gold: Signs | None = None
    table: pa.Table | None = field(default=None, repr=False)
    texts: pa.Table | None = field(default=None, repr=False)
    row: npt.NDArray[np.int64] | None = field(default=None, repr=False)
    flipped: Bools | None = field(default=None, repr=False)
    reading: Reading | None = None

    def __post_init__(self) -> None:
        n, m, k = len(self.pair), len(self.pair_ids), len(self.annotator_ids)
        if n == 0:
            raise BadInputError("there are no votes", expected="at least one")
        per_vote = ("annotator", "sign", "swapped", "weight", "judgement", "time", "table", "row", "flipped")
        per_pair = ("margin", "domain", "gold", "answers", "texts")
        for names, length, what in ((per_vote, n, "vote"), (per_pair, m, "pair")):
            for name in names:
                value = getattr(self, name)
                if value is not None and len(value) != length:
                    expected = f"one per {what}, that is {length:,}"
                    raise BadInputError(f"{name} has {len(value):,} entries", expected=expected)
        for name, codes, size in (("pair", self.pair, m), ("annotator", self.annotator, k)):
            if codes.min() < 0 or codes.max() >= size:
                raise BadInputError(
                    f"{name} codes run from {codes.min()} to {codes.max()}", expected=f"0 to {size - 1}"
                )
        if np.abs(self.sign).max() > 1:
            raise BadInputError("signs outside -1, 0, +1", expected="+1 (response_a), -1 (response_b) or 0 (tie)")
        if self.margin is not None and not np.isfinite(self.margin).all():
            bad = int(np.flatnonzero(~np.isfinite(self.margin))[0])
            raise BadInputError("a margin is not finite", column="margin", value=float(self.margin[bad]))
        if self.weight is not None and not (np.isfinite(self.weight) & (self.weight >= 0)).all():
            raise BadInputError("a weight is negative or not finite", column="weight", expected="0 or more")

    @classmethod
    def from_arrays(
        cls,
        pair: npt.ArrayLike,
        annotator: npt.ArrayLike,
        sign: npt.ArrayLike,
        *,
        pair_ids: Sequence[str] | pa.Array | None = None,
        annotator_ids: Sequence[str] | pa.Array | None = None,
        swapped: npt.ArrayLike | None = None,
        margin: npt.ArrayLike | None = None,
        weight: npt.ArrayLike | None = None,
        judgement: npt.ArrayLike | None = None,
        answers: npt.ArrayLike | None = None,
        gold: npt.ArrayLike | None = None,
    ) -> Votes:
        """Build Votes from codes: ``pair`` and ``annotator`` count from 0, ``sign`` is +1, -1 or 0.

        Without names, a pair or annotator is called by its code. Raises BadInputError where the arrays do not fit.
        """
        pairs, annotators = np.asarray(pair, np.int32), np.asarray(annotator, np.int32)
        if len(pairs) == 0:
            raise BadInputError("there are no votes", expected="at least one")
        m = len(pair_ids) if pair_ids is not None else int(pairs.max()) + 1
        k = len(annotator_ids) if annotator_ids is not None else int(annotators.max()) + 1
        return cls(
            pair=pairs,
            annotator=annotators,
            sign=np.asarray(sign, np.int8),
            pair_ids=_ids(pair_ids, m),
            annotator_ids=_ids(annotator_ids, k),
            swapped=None if swapped is None else np.asarray(swapped, bool),
            margin=None if margin is None else np.asarray(margin, np.float64),
            weight=None if weight is None else np.asarray(weight, np.float64),
            judgement=None if judgement is None else np.asarray(judgement, np.int32),
            answers=None if answers is None else np.asarray(answers, np.int32).reshape(m, 2),
            gold=None if gold is None else np.asarray(gold, np.int8),
        )

    def __len__(self) -> int:
        return len(self.pair)

    @property
    def n_pairs(self) -> int:
        """M, the number of pairs."""
        return len(self.pair_ids)

    @property
    def n_annotators(self) -> int:
        """K, the number of annotators."""
        return len(self.annotator_ids)

    @property
    def first(self) -> Signs | None:
        """(n,) +1 where the vote is for the response shown first, -1 for the second, 0 for a tie; None if unknown."""
        return None if self.swapped is None else np.where(self.swapped, -self.sign, self.sign).astype(np.int8)

    def rejects_in(self, path: Path | None) -> Votes:
        """The same votes with their rejected rows in this file, if they are in one."""
        if self.reading is None or self.reading.rejects is None:
            return self
        return replace(self, reading=replace(self.reading, rejects=path))

    def with_margins(self, margin: npt.ArrayLike) -> Votes:
        """The same votes with other margins, (M,) log-odds that response_a of each pair is truly better."""
        return replace(self, margin=np.asarray(margin, np.float64))


def judgement_names(codes: Ints) -> pa.Array:
    """Names of judgements by code, which nobody takes for labels: ``judgement 1``, ``judgement 2``, ..."""
    return pc.binary_join_element_wise("judgement ", pc.cast(pa.array(codes.astype(np.int64) + 1), pa.string()), "")


def _ids(names: Sequence[str] | pa.Array | None, size: int) -> pa.Array:
    if names is None:
        return pc.cast(pa.array(np.arange(size)), pa.string())
    return names if isinstance(names, pa.Array | pa.ChunkedArray) else pa.array(list(names), pa.string())
