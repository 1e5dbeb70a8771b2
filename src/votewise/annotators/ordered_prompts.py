"""Judgements of a few answers each, arranged so that the likelihood of every order of the answers is one look-up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
import numpy.typing as npt

from votewise.arrays import Floats, Ints, Signs
from votewise.inference.orders import Indices, Orders


@dataclass(frozen=True, eq=False)
class OrderedPrompts:
    """P prompts with n answers each, and J judgements of them, prompt by prompt.

    Attributes:
        orders: the orders of n answers.
        shapes: (H, m) the different judgements, up to the answers' names: -1, 0 or 1 for every two answers.
        shape: (J,) which shape each judgement has.
        name: (J,) the order whose places are the names with which the judgement has this shape.
        annotator: (J,) who judged.
        weight: (J,) what each judgement counts for; None where all count for 1.
        start: (P,) first judgement of each prompt.
        prompt: (J,) prompt of each judgement.
        pair: (P, m) pair of every two answers, -1 where nobody compared them.
        side: (P, m) +1 where the pair's response_a is the first of the two, else -1.
        single: (B,) where these are some of the answers of prompts that have too many: all pairs of those prompts. Beliefs
            about them come from their votes one by one.
        vote: (V,) which of the evidence's votes are in these judgements; ``of`` (V,) the judgement and ``about`` (V,) the
            two answers of each.
    """

    orders: Orders
    shapes: npt.NDArray[np.int8]
    shape: Indices
    name: Indices
    annotator: Ints
    weight: Floats | None
    start: Indices
    prompt: Indices
    pair: Indices
    side: Signs
    single: Indices
    vote: Indices
    of: Indices
    about: Indices

    def part(self, which: Indices) -> OrderedPrompts:
        """Some of the prompts (numbers in ascending order), without their votes."""
        chosen = np.flatnonzero(np.isin(self.prompt, which))
        prompt = np.searchsorted(which, self.prompt[chosen])
        return replace(
            self,
            shape=self.shape[chosen],
            name=self.name[chosen],
            annotator=self.annotator[chosen],
            weight=None if self.weight is None else self.weight[chosen],
            start=np.searchsorted(prompt, np.arange(len(which))),
            prompt=prompt,
            pair=self.pair[which],
            side=self.side[which],
            vote=self.vote[:0],
            of=self.of[:0],
            about=self.about[:0],
        )

    @property
    def partial(self) -> int:
        """How many judgements leave some comparisons out, where only some of too many answers are looked at."""
        if len(self.single) == 0:
            return 0
        return int(((self.shapes == 0).any(axis=1))[self.shape].sum())

    @cached_property
    def rows(self) -> npt.NDArray[np.int32]:
        """(J, N) row of a table (H, N) of likelihoods that holds each judgement's, for every true order."""
        n = len(self.orders.place)
        return (self.shape[:, None] * n + self.orders.relative[:, self.name].T).astype(np.int32)

    def log_prior(self, margin: Floats) -> Floats:
        """(P, N) log-probability of each order before any vote, from the margins (M,) of all pairs.

        Margins are differences of scores (fitted by least squares); the order is that of scores with Gumbel noise, in which
        every two answers come in either order with the probability that their margin gives [Plackett-Luce].
        """
        n, m = self.orders.n, self.pair.shape[1]
        known = self.pair >= 0
        given = np.where(known, margin[self.pair] * self.side, 0.0)
        design = np.zeros((m, n))
        for column, (first, second) in enumerate(combinations(range(n), 2)):
            design[column, first], design[column, second] = 1.0, -1.0
        normal = np.einsum("pm,mi,mj->pij", known.astype(np.float64), design, design) + 1e-9 * np.eye(n)
        score = np.linalg.solve(normal, np.einsum("pm,mi->pi", given, design)[:, :, None])[:, :, 0]
        seen = score[:, np.argsort(self.orders.place, axis=1)]
        rest = np.logaddexp.accumulate(seen[:, :, ::-1], axis=2)[:, :, ::-1]
        return np.asarray((seen - rest).sum(axis=2))
