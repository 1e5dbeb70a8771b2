"""A reward model as the judge: each answer gets a score, and the higher score wins.

By default only the order of the two scores counts; equal scores are a tie. With ``soft`` the preference is
logistic(difference of the scores). That is a probability only if the reward model was trained, or calibrated, as a
Bradley-Terry model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.special import expit

from votewise.arrays import Floats
from votewise.data.contests import Contests, Text, Verdicts
from votewise.errors import BadInputError
from votewise.evaluate.judges import RewardJudge
from votewise.score.scorer import Answer
from votewise.storage.journal import content_key

NO_SCORE = "no score: too long for the reward model, or not a number"


def wanted(matchups: Iterable[Contests]) -> dict[str, Answer]:
    """Key -> every answer that needs a score, each once."""
    found: dict[str, Answer] = {}
    for contests in matchups:
        if contests.answers_a is None or contests.answers_b is None:
            raise BadInputError("there are no answers to judge", expected="columns response_a and response_b")
        for answers in (contests.answers_a, contests.answers_b):
            for prompt, answer in zip(contests.prompts, answers, strict=True):
                found.setdefault(content_key(prompt, answer), Answer(prompt, answer))
    return found


def reward_verdicts(contests: Contests, scores: Mapping[str, float | None], judge: RewardJudge) -> Verdicts:
    """The verdicts that follow from the scores; a contest has none if one of its answers could not be scored."""
    keys = [_keys(contests.prompts, answers) for answers in (contests.answers_a or (), contests.answers_b or ())]
    score_a, score_b = (np.array([scores[key] for key in side], np.float64) for side in keys)
    with np.errstate(invalid="ignore"):
        difference = score_a - score_b
    return Verdicts(
        judge=f"reward model {judge.model}",
        preference=preference(difference, soft=judge.soft),
        problems=[_problem(a, b) for a, b in zip(score_a.tolist(), score_b.tolist(), strict=True)],
        score_a=score_a,
        score_b=score_b,
        settings={"reward_model": judge.model, "soft": judge.soft},
    )


def _problem(score_a: float, score_b: float) -> str | None:
    """Why these scores give no verdict; None if they give one."""
    odd = [score for score in (score_a, score_b) if not np.isfinite(score)]
    if not odd:
        return None
    return NO_SCORE if np.isnan(odd[0]) else f"the reward model's score is {odd[0]}"


def preference(difference: Floats, *, soft: bool) -> Floats:
    """(n,) logistic(difference) if ``soft``, else 1, 1/2 or 0 by its sign; NaN where it is not finite."""
    difference = np.where(np.isfinite(difference), difference, np.nan)
    return np.asarray(expit(difference) if soft else (np.sign(difference) + 1) / 2)


def scores_by_model(matchups: Sequence[Contests], verdicts: Sequence[Verdicts]) -> dict[str, Floats]:
    """Model -> scores of its answers, each answer once."""
    found: dict[str, dict[str, float]] = {}
    for contests, verdict in zip(matchups, verdicts, strict=True):
        for model, answers, scores in (
            (contests.model_a, contests.answers_a, verdict.score_a),
            (contests.model_b, contests.answers_b, verdict.score_b),
        ):
            if answers is not None and scores is not None:
                found.setdefault(model, {}).update(zip(_keys(contests.prompts, answers), scores.tolist(), strict=True))
    return {model: np.array(list(scores.values()), np.float64) for model, scores in found.items()}


def _keys(prompts: Sequence[Text], answers: Sequence[Text]) -> list[str]:
    return [content_key(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
