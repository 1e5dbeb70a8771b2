"""The run: pairs -> the same rows with ``score_a``, ``score_b`` and ``margin``, and a summary.

Every different answer is scored once, however many votes there are on it, and its score goes into a journal (see
``votewise.storage.journal``). An answer that is too long for a model is not cut: it has no score, and is counted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from votewise.arrays import Floats
from votewise.language_models.batch_work import BatchProgress, BatchWork, open_journal
from votewise.language_models.local import require_models
from votewise.score.job import ScoreJob
from votewise.score.pairs import Pairs
from votewise.score.results import AnswerCounts, ScoreResult, result_of, write_result
from votewise.score.score_methods import ColumnScores, ImplicitReward, RewardModel
from votewise.score.scorer import Answer
from votewise.storage.journal import Journal, content_key


def score_pairs(job: ScoreJob, *, restart: bool = False, progress: BatchProgress | None = None) -> ScoreResult:
    """Score the pairs and write them; resumes an interrupted run.

    Args:
        job: what to score.
        restart: delete what an interrupted run has finished.
        progress: called after every batch.

    Raises:
        BadInputError: a model that cannot be used, settings that differ from those of an interrupted run, or a missing
            column.
    """
    if isinstance(job.method, ColumnScores):
        result = _from_columns(job, job.method)
        write_result(result)
        return result
    return _from_models(job, job.method, restart, progress)


def _from_columns(job: ScoreJob, method: ColumnScores) -> ScoreResult:
    a, b = job.pairs.numbers(method.a), job.pairs.numbers(method.b)
    known = int(np.isfinite(np.concatenate([a, b])).sum())
    return result_of(job, a, b, AnswerCounts(answers=2 * len(a), unscored=2 * len(a) - known))


def _from_models(
    job: ScoreJob, method: RewardModel | ImplicitReward, restart: bool, progress: BatchProgress | None
) -> ScoreResult:
    require_models("scoring")
    answers, keys, which_a, which_b = different_answers(job.pairs)
    settings = {"command": "score", **method.settings(), "answers": f"{len(keys):,} {content_key(keys)[:8]}"}
    with open_journal(job.out, settings, restart=restart) as journal:
        work = BatchWork(journal, progress)
        for kind, model in method.models().items():
            names = [f"{kind}/{key}" for key in keys]
            done = frozenset(i for i, name in enumerate(names) if name in journal.done)
            work.start(kind, names, done)
            for batch in method.scorer(model).scores(answers, done):
                work.add([(found.number, {"score": found.score}, found.tokens) for found in batch])
        scores = _combine(method, keys, journal)
        unscored = int(np.isnan(scores).sum())
        counts = AnswerCounts(len(keys), unscored, journal.resumed, work.tokens, work.seconds)
        result = result_of(job, scores[which_a], scores[which_b], counts)
        write_result(result)
        journal.finish()
    return result


def different_answers(pairs: Pairs) -> tuple[list[Answer], list[str], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Every different answer once, its key, and (n,) numbers of the answers a and b of each row."""
    number_of: dict[str, int] = {}
    answers: list[Answer] = []
    which: list[list[int]] = []
    for responses in (pairs.response_a, pairs.response_b):
        numbers = []
        for prompt, response in zip(pairs.prompt or (), responses or (), strict=True):
            key = content_key(prompt, response)
            if key not in number_of:
                number_of[key] = len(number_of)
                answers.append(Answer(prompt, response))
            numbers.append(number_of[key])
        which.append(numbers)
    return answers, list(number_of), np.array(which[0], np.int64), np.array(which[1], np.int64)


def _combine(method: RewardModel | ImplicitReward, keys: Sequence[str], journal: Journal) -> Floats:
    """(answers,) scores, NaN if one of the models gave none."""
    kinds = list(method.models())
    scores = np.full(len(keys), np.nan)
    for i, key in enumerate(keys):
        found = [journal.done[f"{kind}/{key}"]["score"] for kind in kinds]
        if None not in found:
            scores[i] = method.combine(found)
    return scores
