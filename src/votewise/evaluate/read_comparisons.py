"""Files of comparisons: one row with a prompt, two models and, where they are known, their answers and a verdict.

Known are our own columns (prompt, model_a, model_b, response_a, response_b), AlpacaEval's annotations (instruction,
generator_1, output_1, generator_2, output_2, preference) and tables of a model against a baseline (model, baseline). Of the
last two the evaluated model, A, is generator_2 and model.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from votewise.arrays import Bools, Floats
from votewise.data.contests import Contests, Verdicts
from votewise.errors import BadInputError
from votewise.evaluate.answers import DOMAIN, IDS, PROMPT, find, optional_names, texts
from votewise.evaluate.pair_answers import characters, codes
from votewise.evaluate.verdict_column import VERDICTS, columns_of, read_preference
from votewise.sources.opening import load
from votewise.sources.rows import Rows


@dataclass(frozen=True, eq=False)
class ComparisonRows:
    """N comparisons between any models.

    Attributes:
        model_a, model_b: (N,) names.
        prompts: (N,). ``answers``: two (N,) lists, or None. ``lengths``: two (N,) arrays, or None.
        domain: (N,) or None. ``ids``: names of prompts by column. ``difficulty``: (N,) or None.
        preference: (N,) from 0 (B) to 1 (A), or None where no column was read. ``column``: which, and how it was read.
        source: the file. ``skipped``: rows that could not be used.
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
    skipped: int

    @cached_property
    def models(self) -> list[str]:
        """All models in the order in which they appear, A before B."""
        return list(dict.fromkeys(name for pair in zip(self.model_a, self.model_b, strict=True) for name in pair))

    @cached_property
    def rows(self) -> dict[tuple[str, str], list[int]]:
        """The rows of every (model_a, model_b), as they stand."""
        found: dict[tuple[str, str], list[int]] = {}
        for row, pair in enumerate(zip(self.model_a, self.model_b, strict=True)):
            found.setdefault(pair, []).append(row)
        return found

    def opponents(self, model: str) -> list[str]:
        """Whom a model meets, in the order of ``models``."""
        return [name for name in self.models if (model, name) in self.rows or (name, model) in self.rows]

    def choose(self, model: str | None = None, baseline: str | None = None) -> tuple[str, str]:
        """The two models to compare: those that were named, else the only two there are.

        Of more than two models, one that is in every row is the baseline.

        Raises:
            BadInputError: a name that is not there, or several models left to choose from.
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
                raise self._unnamed(f"compares {len(names)} models", "--model", names)
            baseline = everywhere[0]
        if baseline is None:
            baseline = self._only_opponent(str(model), "--baseline")
        if model is None:
            model = self._only_opponent(baseline, "--model")
        if model == baseline:
            raise BadInputError("--model and --baseline are the same model", value=model, expected="two models")
        if baseline not in self.opponents(model):
            raise BadInputError(f"'{model}' and '{baseline}' never meet", source=self.source)
        return model, baseline

    def _only_opponent(self, known: str, option: str) -> str:
        others = self.opponents(known)
        if len(others) != 1:
            raise self._unnamed(f"compares '{known}' with {len(others)} models", option, others)
        return others[0]

    def _unnamed(self, problem: str, option: str, names: Sequence[str]) -> BadInputError:
        return BadInputError(problem, source=self.source, expected=f"{option}, one of: {_listed(names)}")

    def between(self, a: str, b: str) -> tuple[Contests, Verdicts | None]:
        """The contests between two models, ``a`` as A, and the verdicts of the column that was read."""
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
            left_out=+Counter({"unusable rows": self.skipped, "between other models": len(self.model_a) - len(rows)}),
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


def read_comparisons(
    source: str | os.PathLike[str], *, column: str | None = None, verdicts: bool = True, skip: bool = False
) -> ComparisonRows:
    """Read a file of comparisons.

    Args:
        source: any file that votes are read from.
        column: the column with the verdicts: ``a``, ``b``, ``tie`` or a model's name; numbers from 0 (B is better) to 1
            (A is better); or AlpacaEval's from 1 to 2. None for ``preference``, ``winner`` or ``label``, where there is one.
        verdicts: whether a column with verdicts is wanted at all.
        skip: leave unusable rows out and count them; otherwise the first of them is an error.

    Raises:
        BadInputError: for what cannot be read, with row, column and value.
    """
    return comparisons_of(Rows(load(os.fspath(source)), stop=not skip), column=column, verdicts=verdicts)


def comparisons_of(rows: Rows, *, column: str | None = None, verdicts: bool = True) -> ComparisonRows:
    """The comparisons in these rows, as ``read_comparisons`` gives them."""
    shape = columns_of(rows)
    if shape is None:
        found = ", ".join(rows.table.column_names)
        raise rows.fail(f"is no file of comparisons; found the columns {found}", expected="prompt, model_a and model_b")
    model_a, model_b = (rows.identifier(name).to_pylist() for name in shape.models)
    same = np.array([a == b for a, b in zip(model_a, model_b, strict=True)])
    rows.reject_where(same, "is compared with itself", column=shape.models[0], expected="two models")
    prompts = texts(rows, str(find(rows, PROMPT)))
    answers = (texts(rows, shape.answers[0]), texts(rows, shape.answers[1])) if rows.has(*shape.answers) else None
    lengths = tuple(rows.number(name) for name in shape.lengths) if rows.has(*shape.lengths) else None
    domain, ids = optional_names(rows, DOMAIN), {name: rows.values(name) for name in IDS if rows.has(name)}
    difficulty = rows.number("difficulty") if rows.has("difficulty") else None
    if column is None and verdicts:
        column = next((name for name in VERDICTS if rows.has(name)), None)
    preference, how = (
        (None, "") if column is None or not verdicts else read_preference(rows, column, shape, model_a, model_b)
    )
    kept = rows.kept()
    if len(kept) == 0:
        raise rows.fail("there is no comparison that could be used", expected="at least one")

    def take(values: Any) -> Any:
        return None if values is None else [values[row] for row in kept.tolist()]

    kept_answers = None if answers is None else (take(answers[0]), take(answers[1]))
    if kept_answers is not None:
        lengths = (characters(kept_answers[0]), characters(kept_answers[1]))
    elif lengths is not None:
        lengths = (lengths[0][kept], lengths[1][kept])
    return ComparisonRows(
        source=rows.source.name,
        model_a=take(model_a),
        model_b=take(model_b),
        prompts=take(prompts),
        answers=kept_answers,
        lengths=lengths,
        domain=take(domain),
        ids={name: take(values) for name, values in ids.items()},
        difficulty=None if difficulty is None else difficulty[kept],
        preference=None if preference is None else preference[kept],
        column=how,
        skipped=len(rows.bad),
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
