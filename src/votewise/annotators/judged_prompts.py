"""Prompts and whole judgements of their answers, prompt by prompt, however these are read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar, Self

import numpy as np

from votewise.arrays import Floats, Ints, Signs
from votewise.inference.orders import Indices


@dataclass(frozen=True, eq=False)
class JudgedPrompts:
    """P prompts with n answers each, and J judgements of them, prompt by prompt.

    Attributes:
        n: how many answers each prompt has; m = n (n - 1) / 2.
        annotator: (J,) who judged.
        weight: (J,) what each judgement counts for; None where all count for 1.
        start: (P,) first judgement of each prompt.
        prompt: (J,) prompt of each judgement.
        pair: (P, m) pair of every two answers, -1 where nobody compared them.
        side: (P, m) +1 where the pair's response_a is the first of the two, else -1.
        vote: (V,) which of the evidence's votes are in these judgements; ``of`` (V,) the judgement and ``about`` (V,) the
            two answers of each.
    """

    by_judgement: ClassVar[tuple[str, ...]] = ("annotator",)
    """Names of the attributes with one value for each judgement, besides ``weight`` and ``prompt``."""

    n: int
    annotator: Ints
    weight: Floats | None
    start: Indices
    prompt: Indices
    pair: Indices
    side: Signs
    vote: Indices
    of: Indices
    about: Indices

    def part(self, which: Indices) -> Self:
        """Some of the prompts (numbers in ascending order), without their votes."""
        chosen = np.flatnonzero(np.isin(self.prompt, which))
        prompt = np.searchsorted(which, self.prompt[chosen])
        return replace(
            self,
            **{name: getattr(self, name)[chosen] for name in self.by_judgement},
            weight=None if self.weight is None else self.weight[chosen],
            start=np.searchsorted(prompt, np.arange(len(which))),
            prompt=prompt,
            pair=self.pair[which],
            side=self.side[which],
            vote=self.vote[:0],
            of=self.of[:0],
            about=self.about[:0],
        )

    def scores(self, margin: Floats) -> Floats:
        """(P, n) scores whose differences are the margins (M,) of all pairs, fitted by least squares."""
        n, m = self.n, self.pair.shape[1]
        known = self.pair >= 0
        given = np.where(known, margin[self.pair] * self.side, 0.0)
        design = np.zeros((m, n))
        for column, (first, second) in enumerate(combinations(range(n), 2)):
            design[column, first], design[column, second] = 1.0, -1.0
        normal = np.einsum("pm,mi,mj->pij", known.astype(np.float64), design, design) + 1e-9 * np.eye(n)
        score = np.linalg.solve(normal, np.einsum("pm,mi->pi", given, design)[:, :, None])
        return np.asarray(score[:, :, 0])


def best_of(n: int) -> Signs:
    """(m,) comparisons of a choice of the best of n answers, which is answer 0."""
    return (np.arange(n * (n - 1) // 2) < n - 1).astype(np.int8)


def pair_numbers(n: int) -> Indices:
    """(n, n) the number of every two answers, as ``combinations`` lists them; 0 on the diagonal."""
    number = np.zeros((n, n), np.int64)
    first, second = np.triu_indices(n, 1)
    number[first, second] = number[second, first] = np.arange(len(first))
    return number
