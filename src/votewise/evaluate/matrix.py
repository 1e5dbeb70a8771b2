"""Win rates between several models, two by two: the papers' mu."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from votewise.arrays import Floats
from votewise.data.contests import Contests, Verdicts
from votewise.data.win_rates import MatrixResult
from votewise.errors import BadInputError
from votewise.evaluate.answers import Answers
from votewise.evaluate.estimate import estimate_win_rate
from votewise.evaluate.pair_answers import pair_answers
from votewise.evaluate.read_comparisons import ComparisonRows


def answer_pairs(each: Sequence[Answers]) -> list[Contests]:
    """The contests between every two of several models.

    Raises:
        BadInputError: fewer than two models, a model twice, or two models without a common prompt.
    """
    if len(each) < 2:
        raise BadInputError(f"there are answers of {len(each)} model", expected="two or more")
    seen: dict[str, str] = {}
    for answers in each:
        if answers.model in seen:
            raise BadInputError(
                f"model '{answers.model}' is in {seen[answers.model]} already",
                source=answers.source,
                expected="each once",
            )
        seen[answers.model] = answers.source
    return [pair_answers(a, b) for a, b in combinations(each, 2)]


def comparison_pairs(rows: ComparisonRows) -> list[tuple[Contests, Verdicts | None]]:
    """The contests between every two models that meet in a file of comparisons."""
    return [rows.between(a, b) for a, b in combinations(rows.models, 2) if b in rows.opponents(a)]


def estimate_matrix(
    judged: Sequence[tuple[Contests, Verdicts]],
    *,
    scores: Mapping[str, Floats] | None = None,
    length_controlled: bool = False,
    level: float = 0.95,
) -> MatrixResult:
    """Win rates of every pair of models; models are ordered by their mean win rate over the others that they met.

    Args:
        judged: contests of each pair of models and what a judge says of them.
        scores: model -> a reward model's scores of its answers.
        length_controlled: also estimate the rates at equal lengths.
        level: the probability that an interval covers the truth.

    Raises:
        BadInputError: no pair, or a pair without a verdict.
    """
    if not judged:
        raise BadInputError("there are no two models to compare", expected="two or more")
    found = {
        (c.model_a, c.model_b): estimate_win_rate(c, v, length_controlled=length_controlled, level=level)
        for c, v in judged
    }
    rates: dict[str, list[float]] = {}
    for (a, b), result in found.items():
        rates.setdefault(a, []).append(result.rate.value)
        rates.setdefault(b, []).append(1 - result.rate.value)
    mean = {model: float(np.mean(values)) for model, values in rates.items()}
    order = sorted(mean, key=lambda model: (-mean[model], model))
    place = {model: rank for rank, model in enumerate(order)}
    pairs = {
        (a, b): result
        for (a, b), result in sorted(found.items(), key=lambda item: sorted((place[item[0][0]], place[item[0][1]])))
    }
    return MatrixResult(
        models=tuple(order),
        pairs=pairs,
        mean={model: mean[model] for model in order},
        scores={model: scores[model] for model in order if model in scores} if scores else {},
        judge=judged[0][1].judge,
        level=level,
    )
