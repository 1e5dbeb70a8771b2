"""A reward model as the judge: each answer gets a score, and the higher score wins.

By default who has the higher score is all that counts, a tie where both are equal. ``soft`` counts logistic(margin) instead,
which means a probability only where the reward model was trained, or calibrated, as a Bradley-Terry model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.special import expit

from votewise.contests import Contests, Text, Verdicts
from votewise.errors import BadInputError
from votewise.journal import content_key
from votewise.votes import Floats


def wanted(groups: Iterable[Contests]) -> dict[str, tuple[Text, Text]]:
    """Every (prompt, answer) that needs a score, once, by its key."""
    found: dict[str, tuple[Text, Text]] = {}
    for contests in groups:
        if contests.answers_a is None or contests.answers_b is None:
            raise BadInputError("there are no answers to judge", expected="columns response_a and response_b")
        for answers in (contests.answers_a, contests.answers_b):
            for prompt, answer in zip(contests.prompts, answers, strict=True):
                found.setdefault(content_key(prompt, answer), (prompt, answer))
    return found


def reward_verdicts(
    contests: Contests, scores: Mapping[str, float], problems: Mapping[str, str], *, model: str, soft: bool
) -> Verdicts:
    """Verdicts by score; a contest with an answer that could not be scored has none."""
    keys = [_keys(contests.prompts, answers) for answers in (contests.answers_a or (), contests.answers_b or ())]
    score_a, score_b = (np.array([scores.get(key, np.nan) for key in side], np.float64) for side in keys)
    return Verdicts(
        judge=f"reward model {model}",
        preference=preference(score_a - score_b, soft=soft),
        problems=[problems.get(a) or problems.get(b) for a, b in zip(*keys, strict=True)],
        score_a=score_a,
        score_b=score_b,
        settings={"reward_model": model, "soft": soft},
    )


def preference(margin: Floats, *, soft: bool) -> Floats:
    """(n,) logistic(margin) or, by default, 1, 1/2 or 0 by its sign; NaN stays NaN."""
    return np.asarray(expit(margin) if soft else (np.sign(margin) + 1) / 2)


def scores_by_model(groups: Sequence[Contests], verdicts: Sequence[Verdicts]) -> dict[str, Floats]:
    """Each model's scores, every answer once."""
    found: dict[str, dict[str, float]] = {}
    for contests, verdict in zip(groups, verdicts, strict=True):
        for model, answers, scores in (
            (contests.model_a, contests.answers_a, verdict.score_a),
            (contests.model_b, contests.answers_b, verdict.score_b),
        ):
            if answers is not None and scores is not None:
                found.setdefault(model, {}).update(zip(_keys(contests.prompts, answers), scores.tolist(), strict=True))
    return {model: np.array(list(scores.values()), np.float64) for model, scores in found.items()}


def _keys(prompts: Sequence[Text], answers: Sequence[Text]) -> list[str]:
    return [content_key(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
