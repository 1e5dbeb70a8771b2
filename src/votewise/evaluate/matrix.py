"""Win rates between every two of several models; the papers call this matrix mu."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from votewise.arrays import Floats
from votewise.data.contests import Contests, Verdicts
from votewise.data.win_rates import MatrixResult
from votewise.defaults import LEVEL
from votewise.errors import BadInputError
from votewise.evaluate.estimate import estimate_win_rate


def estimate_matrix(
    judged: Sequence[tuple[Contests, Verdicts]],
    *,
    scores: Mapping[str, Floats] | None = None,
    length_controlled: bool = False,
    level: float = LEVEL,
) -> MatrixResult:
    """Win rates of every matchup. Models are ordered by their mean win rate over the models that they met.

    Args:
        judged: the contests of each matchup, and the verdicts of a judge.
        scores: model -> a reward model's scores of its answers.
        length_controlled: also estimate the win rates at equal lengths.
        level: probability that an interval contains the truth.

    Raises:
        BadInputError: no matchup, or a pair without any verdict.
    """
    if not judged:
        raise BadInputError("there is nothing to compare", expected="two models or more")
    found = {
        (contests.model_a, contests.model_b): estimate_win_rate(
            contests, verdicts, length_controlled=length_controlled, level=level
        )
        for contests, verdicts in judged
    }
    rates: dict[str, list[float]] = {}
    for (a, b), result in found.items():
        rates.setdefault(a, []).append(result.rate.value)
        rates.setdefault(b, []).append(1 - result.rate.value)
    mean = {model: float(np.mean(values)) for model, values in rates.items()}
    order = sorted(mean, key=lambda model: (-mean[model], model))
    place = {model: rank for rank, model in enumerate(order)}
    matchups = {
        (a, b): result
        for (a, b), result in sorted(found.items(), key=lambda item: sorted((place[item[0][0]], place[item[0][1]])))
    }
    return MatrixResult(
        models=tuple(order),
        matchups=matchups,
        mean={model: mean[model] for model in order},
        scores={model: scores[model] for model in order if model in scores} if scores else {},
        judge=judged[0][1].judge,
        level=level,
    )
