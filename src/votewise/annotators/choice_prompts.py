"""Choices of the best of many answers, prompt by prompt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from votewise.annotators.judged_prompts import JudgedPrompts, best_of
from votewise.arrays import Floats
from votewise.inference.best_of_many import choice_noise
from votewise.inference.orders import Indices, OrderKind
from votewise.inference.placements import Paths


@dataclass(frozen=True, eq=False)
class Named:
    """Prompts of which equally many answers have names (``votewise.inference.placements``): those that somebody chose.

    Attributes:
        prompts: (P',) which prompts.
        answers: (P', d) the named answers of each.
        judgements: (J',) which judgements, prompt by prompt and answer by answer.
        of: (J',) the row of each judgement's prompt in ``prompts``.
        slot: (J',) the column of its choice in ``answers``.
    """

    prompts: Indices
    answers: Indices
    judgements: Indices
    of: Indices
    slot: Indices

    def parts(self, most: int) -> Iterator[Named]:
        """The same in parts of at most ``most`` prompts."""
        for start in range(0, len(self.prompts), most):
            rows = slice(start, start + most)
            some = slice(*np.searchsorted(self.of, [start, start + most]))
            yield Named(
                self.prompts[rows], self.answers[rows], self.judgements[some], self.of[some] - start, self.slot[some]
            )


@dataclass(frozen=True, eq=False)
class ChoicePrompts(JudgedPrompts):
    """Prompts of which every judgement is the choice of the best of all n answers.

    Attributes:
        chosen: (J,) number of the chosen answer.
    """

    by_judgement: ClassVar[tuple[str, ...]] = ("annotator", "chosen")

    chosen: Indices

    @property
    def shapes(self) -> npt.NDArray[np.int8]:
        """(1, m) the only shape of these judgements: answer 0 is better than every other."""
        return best_of(self.n)[None]

    @property
    def shape(self) -> Indices:
        """(J,) which shape each judgement has."""
        return np.zeros(len(self.chosen), np.int64)

    def cells(self, kind: OrderKind) -> int:
        """How many numbers a pass over the judgements looks at, where nothing is known before."""
        q = len(choice_noise(self.n, kind).log_weight)
        return q * sum(len(x.prompts) * Paths.of(self.n, x.answers.shape[1]).steps for x in self.named())

    def row(self, kind: OrderKind) -> int:
        """How many numbers are kept for each annotator."""
        return self.n * len(choice_noise(self.n, kind).log_weight)

    def log_prior(self, margin: Floats) -> Floats:
        """(P, n) scores: orders are those of scores with Gumbel noise [Plackett-Luce]; ``margin`` (M,) of all pairs."""
        return self.scores(margin)

    def named(self) -> list[Named]:
        """The prompts by how many of their answers were chosen; these have names."""
        n, prompts = self.n, len(self.start)
        key, inverse = np.unique(self.prompt * n + self.chosen, return_inverse=True)
        owner, number = key // n, np.bincount(key // n, minlength=prompts)
        slot = inverse.reshape(-1) - (np.cumsum(number) - number)[self.prompt]
        order = np.lexsort([slot, self.prompt])
        found = []
        for d in np.unique(number):
            which = np.flatnonzero(number == d)
            some = order[number[self.prompt[order]] == d]
            answers = (key % n)[number[owner] == d].reshape(-1, d)
            found.append(Named(which, answers, some, np.searchsorted(which, self.prompt[some]), slot[some]))
        return found

    def all_named(self) -> list[Named]:
        """The same where something is known of all answers before."""
        order = np.lexsort([self.chosen, self.prompt])
        which = np.arange(len(self.start))
        every = np.tile(np.arange(self.n), (len(which), 1))
        return [Named(which, every, order, self.prompt[order], self.chosen[order])]
