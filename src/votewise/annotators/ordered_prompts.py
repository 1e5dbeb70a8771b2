"""Judgements of a few answers each, arranged so that the likelihood of every order of the answers is one look-up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from votewise.annotators.judged_prompts import JudgedPrompts
from votewise.arrays import Floats
from votewise.inference.orders import Indices, OrderKind, Orders, order_noise


@dataclass(frozen=True, eq=False)
class OrderedPrompts(JudgedPrompts):
    """Prompts whose judgements rule out some orders of the n answers.

    Attributes:
        shapes: (H, m) the different judgements, up to the answers' names: -1, 0 or 1 for every two answers.
        shape: (J,) which shape each judgement has.
        name: (J,) the order whose places are the names with which the judgement has this shape.
        single: (B,) where these are some of the answers of prompts that have too many: all pairs of those prompts. Beliefs
            about them come from their votes one by one.
    """

    by_judgement: ClassVar[tuple[str, ...]] = ("annotator", "shape", "name")

    shapes: npt.NDArray[np.int8]
    shape: Indices
    name: Indices
    single: Indices

    @property
    def orders(self) -> Orders:
        """The orders of n answers."""
        return Orders.of(self.n)

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

    def cells(self, kind: OrderKind) -> int:
        """How many numbers a pass over the judgements looks at."""
        return len(self.annotator) * self.row(kind)

    def row(self, kind: OrderKind) -> int:
        """How many numbers are kept for each annotator and shape."""
        return len(self.orders.place) * len(order_noise(self.n, kind).log_weight)

    def log_prior(self, margin: Floats) -> Floats:
        """(P, N) log-probability of each order before any vote, from the margins (M,) of all pairs.

        Margins are differences of scores; the order is that of scores with Gumbel noise, in which every two answers come in
        either order with the probability that their margin gives [Plackett-Luce].
        """
        seen = self.scores(margin)[:, np.argsort(self.orders.place, axis=1)]
        rest = np.logaddexp.accumulate(seen[:, :, ::-1], axis=2)[:, :, ::-1]
        return np.asarray((seen - rest).sum(axis=2))
