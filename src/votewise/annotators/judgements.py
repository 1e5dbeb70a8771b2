"""Several votes of one judgement: how many independent votes they are worth.

An annotator who ranks n answers gives up to n (n - 1) / 2 votes at once, and all of them come from one moment of care or
of inattention. On each pair that is one vote, so beliefs about pairs need no correction. An annotator's reliability is
learnt from all of them together, and there they count for less: docs/method.md, "Several votes of one judgement".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from votewise.arrays import Bools, Floats, Ints
from votewise.errors import many
from votewise.inference.diagnostic import Diagnostic
from votewise.inference.observation import Evidence

USUAL, USUAL_JUDGEMENTS = 0.3, 10.0
"""Correlation of the votes of one judgement that is expected before any is seen, and for how many judgements it counts.
As many count for the correlation over all judgements where those of one size are looked at."""

OWN_JUDGEMENTS = 40.0
"""How many judgements the correlation over all annotators counts for where one annotator is looked at."""


@dataclass(frozen=True, eq=False)
class Judgements:
    """Which of n votes come from one judgement.

    Attributes:
        code: (n,) each vote's judgement, 0 to J - 1.
        annotator: (J,) whose judgement it is.
        size: (J,) how many votes it gave; 1 for a vote on its own.
    """

    code: Ints
    annotator: Ints
    size: npt.NDArray[np.int64]

    @classmethod
    def of(cls, judgement: npt.NDArray[np.integer], annotator: Ints) -> Judgements | None:
        """Group votes with equal ``judgement`` (n,) and ``annotator`` (n,); None if every vote is on its own."""
        key = judgement.astype(np.int64) * (int(annotator.max(initial=0)) + 1) + annotator
        _, first, code = np.unique(key, return_index=True, return_inverse=True)
        if len(first) == len(key):
            return None
        return cls(code.astype(np.int32), annotator[first], np.bincount(code))

    def sums(self, value: Floats) -> Floats:
        """(J,) sum over each judgement's votes of ``value`` (n,)."""
        return np.bincount(self.code, value, minlength=len(self.size)).astype(np.float64)

    def by_annotator(self, value: npt.NDArray[Any]) -> Floats:
        """(J,) sum of ``value`` (J,) over all judgements of the same annotator."""
        return np.bincount(self.annotator, value)[self.annotator].astype(np.float64)

    def design_effects(self, residual: Floats) -> Floats:
        """(J,) factor by which the variance of the sum of a judgement's residuals exceeds that of independent ones.

        1 + (m - 1) phi with m the size. The correlation phi is found by moments over all judgements; then for each size,
        shrunk towards the one over all; then for each annotator, shrunk towards the one over all annotators.

        Args:
            residual: (n,) what is left of each vote after its annotator's mean.
        """
        own, total = self.sums(residual**2), self.sums(residual) ** 2
        # A mean that was estimated from the same votes has taken a part of their common error away.
        number = self.by_annotator(self.size)
        products = total / np.maximum(1 - self.size / number, 0.5) - own / np.maximum(1 - 1 / number, 0.5)
        possible = (self.size - 1) * own
        several = self.size > 1
        scale = possible[several].mean() if several.any() else 0.0
        if not scale > 0:
            return np.ones(len(self.size))
        phi = np.zeros(len(self.size))
        phi[several] = _ratio(products[several].sum(), possible[several].sum(), USUAL, USUAL_JUDGEMENTS * scale)
        for m in np.unique(self.size[several]):
            same = self.size == m
            part = possible[same]
            phi[same] = _ratio(products[same].sum(), part.sum(), phi[same], USUAL_JUDGEMENTS * part.mean())
        usual = self.by_annotator(possible * phi)
        weight = OWN_JUDGEMENTS * usual / np.maximum(self.by_annotator(several), 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where(usual > 0, (self.by_annotator(products) + weight) / (usual + weight), 1.0)
        return np.asarray(1.0 + (self.size - 1) * np.clip(phi * ratio, 0.0, 1.0))

    def worth(self, design_effects: Floats, annotators: int) -> Floats:
        """(K,) how many independent votes one vote of each annotator counts for, at most 1.

        Args:
            design_effects: (J,) of each judgement.
            annotators: K.
        """
        number = np.bincount(self.annotator, self.size, minlength=annotators)
        variance = np.bincount(self.annotator, self.size * design_effects, minlength=annotators)
        return np.where(number > 0, number / np.maximum(variance, 1e-300), 1.0)


def _ratio(part: float, whole: float, usual: float | Floats, weight: float) -> float | Floats:
    """Part / whole pulled towards ``usual`` as if ``weight`` more of the whole had been seen, from 0 to 1."""
    found: float | Floats = np.clip((part + weight * usual) / max(whole + weight, 1e-300), 0.0, 1.0)
    return found


def judgements_of(evidence: Evidence, part: Bools | slice = slice(None)) -> Judgements | None:
    """The judgements that some of the votes come from; None if each of these votes is a judgement of its own."""
    if evidence.judgement is None:
        return None
    return Judgements.of(evidence.judgement[part], evidence.annotator[part])


def linked_pairs(evidence: Evidence) -> Ints:
    """(M,) number of the group of each pair: pairs that are linked, directly or not, by one judgement."""
    m = len(evidence.margin)
    judgements = judgements_of(evidence)
    if judgements is None:
        return np.arange(m, dtype=np.int32)
    j = len(judgements.size)
    entries = (np.ones(len(evidence.pair), np.int8), (evidence.pair, judgements.code + np.int32(m)))
    return np.asarray(connected_components(coo_matrix(entries, (m + j, m + j)), directed=False)[1][:m], np.int32)


def judgement_findings(evidence: Evidence, worth: Floats | None) -> Iterator[Diagnostic]:
    """How many independent votes the votes of judgements count for; nothing where every vote is on its own.

    Args:
        evidence: the votes.
        worth: (K,) see ``Judgements.worth``; None where every vote is on its own.
    """
    judgements = judgements_of(evidence)
    if judgements is None or worth is None:
        return
    number = np.bincount(evidence.annotator, minlength=len(worth))
    yield Diagnostic(
        "judgements",
        "info",
        f"The {number.sum():,} votes that are not ties come from {many(len(judgements.size), 'judgement')} (a ranking is "
        f"one). Votes of one judgement err together: for reliabilities they count for "
        f"{number @ worth:,.0f} independent votes.",
    )
