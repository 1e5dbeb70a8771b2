"""Comparisons between any models, as read from a file -> the contests between two of these models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from votewise.arrays import Bools, Floats
from votewise.data.contests import Contests, Verdicts
from votewise.errors import BadInputError
from votewise.evaluate.pair_answers import codes

MOST_LISTED = 8
"""Models listed in a message."""


@dataclass(frozen=True, eq=False)
class ComparisonRows:
    """N comparisons between any models.

    Attributes:
        source: the file.
        model_a, model_b: (N,) names of the models.
        prompts: (N,) the prompts.
        answers: two (N,) sequences, of A and of B; None if unknown.
        lengths: two (N,) arrays, characters of the answers of A and of B; None if unknown.
        domain: (N,) None without domains.
        ids: column -> (N,) names of the prompts.
        difficulty: (N,) None if unknown.
        preference: (N,) from 0 (B is better) to 1 (A is better); None if no column with verdicts was read.
        column: name and scale of the column with the verdicts; empty if none was read.
        left_out: reason -> number of rows that are no comparison.
    """

    source: str
    model_a: Sequence[str]
    model_b: Sequence[str]
    prompts: Sequence[Any]
    answers: tuple[Sequence[Any], Sequence[Any]] | None
    lengths: tuple[Floats, Floats] | None
    domain: Sequence[str | None] | None
    ids: dict[str, Sequence[Any]]
    difficulty: Floats | None
    preference: Floats | None
    column: str
    left_out: Mapping[str, int]

    @cached_property
    def models(self) -> list[str]:
        """All models in the order in which they first appear, A before B."""
        return list(dict.fromkeys(name for pair in zip(self.model_a, self.model_b, strict=True) for name in pair))

    @cached_property
    def rows(self) -> dict[tuple[str, str], list[int]]:
        """(model_a, model_b) -> the rows with these two models in this order."""
        found: dict[tuple[str, str], list[int]] = {}
        for row, pair in enumerate(zip(self.model_a, self.model_b, strict=True)):
            found.setdefault(pair, []).append(row)
        return found

    def opponents(self, model: str) -> list[str]:
        """The models that a model meets, in the order of ``models``."""
        return [name for name in self.models if (model, name) in self.rows or (name, model) in self.rows]

    def choose(self, model: str | None = None, baseline: str | None = None) -> tuple[str, str]:
        """The two models to compare: the named ones, or the only two that there are.

        If there are more than two and one of them is in every row, that one is the baseline.

        Raises:
            BadInputError: a name does not occur, or several models remain to choose from.
        """
        names = self.models
        for name in (model, baseline):
            if name is not None and name not in names:
                raise BadInputError(
                    f"there is no model '{name}'", source=self.source, expected=f"one of: {_listed(names)}"
                )
        if baseline is None and model is None:
            everywhere = [name for name in names if all(name in pair for pair in self.rows)]
            if len(names) == 2:
                return names[0], names[1]
            if len(everywhere) != 1:
                raise self._unnamed(f"compares {len(names)} models", "model", names)
            baseline = everywhere[0]
        if baseline is None:
            baseline = self._only_opponent(str(model), "baseline")
        if model is None:
            model = self._only_opponent(baseline, "model")
        if model == baseline:
            raise BadInputError(
                f"is the evaluated model, '{model}', too", parameter="baseline", expected="another model"
            )
        if baseline not in self.opponents(model):
            raise BadInputError(f"'{model}' and '{baseline}' never meet", source=self.source)
        return model, baseline

    def _only_opponent(self, known: str, parameter: str) -> str:
        others = self.opponents(known)
        if len(others) != 1:
            raise self._unnamed(f"compares '{known}' with {len(others)} models", parameter, others)
        return others[0]

    def _unnamed(self, problem: str, parameter: str, names: Sequence[str]) -> BadInputError:
        return BadInputError(
            f"is needed: {self.source} {problem}", parameter=parameter, expected=f"one of: {_listed(names)}"
        )

    def between(self, a: str, b: str) -> tuple[Contests, Verdicts | None]:
        """The contests between two models, with ``a`` as A, and the verdicts of the column if one was read."""
        rows = sorted(self.rows.get((a, b), []) + self.rows.get((b, a), []))
        chosen = np.array(rows, np.int64)
        flip: Bools = np.array([self.model_a[row] == b for row in rows], bool)
        prompts = [self.prompts[row] for row in rows]
        contests = Contests(
            model_a=a,
            model_b=b,
            prompt=codes(prompts),
            prompts=prompts,
            answers_a=self._answers(rows, flip, 0),
            answers_b=self._answers(rows, flip, 1),
            length_a=self._lengths(chosen, flip, 0),
            length_b=self._lengths(chosen, flip, 1),
            domain=None if self.domain is None else [self.domain[row] for row in rows],
            difficulty=None if self.difficulty is None else self.difficulty[chosen],
            ids={name: [values[row] for row in rows] for name, values in self.ids.items()},
            left_out=+Counter({**self.left_out, "between other models": len(self.model_a) - len(rows)}),
        )
        if self.preference is None:
            return contests, None
        preference = np.where(flip, 1 - self.preference[chosen], self.preference[chosen])
        return contests, Verdicts(
            judge=f"column {self.column}",
            preference=preference,
            problems=[None] * len(rows),
            settings={"column": self.column},
        )

    def _answers(self, rows: list[int], flip: Bools, side: int) -> list[Any] | None:
        if self.answers is None:
            return None
        return [self.answers[side ^ int(f)][row] for row, f in zip(rows, flip, strict=True)]

    def _lengths(self, chosen: Any, flip: Bools, side: int) -> Floats | None:
        if self.lengths is None:
            return None
        found: Floats = np.where(flip, self.lengths[1 - side][chosen], self.lengths[side][chosen])
        return found


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_LISTED])
    return shown if len(names) <= MOST_LISTED else f"{shown} and {len(names) - MOST_LISTED} more"
