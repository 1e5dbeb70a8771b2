"""The run: pairs in, the same rows with ``score_a``, ``score_b`` and ``margin`` out, and a summary beside them.

Every answer is scored once, however many votes there are on it, and its score goes into a journal (see
``votewise.storage.journal``). Answers that are too long for a model are not cut: they have no score, and are counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from votewise.arrays import Floats
from votewise.errors import BadInputError
from votewise.language_models.local import require_models
from votewise.score.margin_sources import ColumnScores, ImplicitReward, RewardModel, ScoreSource, describe
from votewise.score.pairs import Pairs
from votewise.score.scorer import Answer
from votewise.score.temperature import Calibration, TemperatureFit, fit_temperature, judge_calibration
from votewise.sources.values import records_of
from votewise.storage.files import write_json, write_json_lines, written_whole
from votewise.storage.journal import Journal, content_key
from votewise.storage.row_files import SUFFIXES

Progress = Callable[[str, int, int, int, float], None]
"""Told after every batch: which model, how many answers of how many, tokens of this run, and its seconds."""

COLUMNS = ("score_a", "score_b", "margin")
_BATCH = 10_000


@dataclass(frozen=True)
class ScoreJob:
    """What is to be done, checked.

    Attributes:
        pairs: what to score.
        source: where scores come from.
        out: a .jsonl or .parquet file.
        fit_temperature: fit a temperature to the pairs' votes and multiply the margins by it.
    """

    pairs: Pairs
    source: ScoreSource
    out: Path
    fit_temperature: bool = False

    def __post_init__(self) -> None:
        if self.out.suffix not in SUFFIXES:
            raise BadInputError(
                "unknown kind of file", source=str(self.out), expected="a name ending in .jsonl or .parquet"
            )
        if self.pairs.response_a is None and not isinstance(self.source, ColumnScores):
            raise BadInputError("there are no answers to score", source=self.pairs.source)
        if self.fit_temperature and self.pairs.sign is None:
            raise BadInputError(
                "there are no votes to fit a temperature to", source=self.pairs.source, expected="a column label"
            )

    @property
    def summary(self) -> Path:
        """Where the summary goes: beside ``out``."""
        return self.out.with_name(f"{self.out.stem}-summary.json")


@dataclass(frozen=True, eq=False)
class Scored:
    """What came of it.

    Attributes:
        score_a: (n,) score of each row's first answer, NaN where it has none.
        score_b: (n,) likewise.
        margin: (n,) their difference, times the temperature where one was fitted.
        answers: different answers.
        unscored: how many of them have no score.
        resumed: how many scores an interrupted run had left.
        tokens: read by the models in this run.
        seconds: that scoring took in this run, without loading the models.
        fit: the temperature; None where none was asked for.
        before: calibration of the plain differences of scores; None without votes.
        after: calibration of the margins; None without a temperature that can be used.
    """

    score_a: Floats
    score_b: Floats
    margin: Floats
    answers: int
    unscored: int
    resumed: int
    tokens: int
    seconds: float
    fit: TemperatureFit | None = None
    before: Calibration | None = None
    after: Calibration | None = None


def score_pairs(job: ScoreJob, *, restart: bool = False, progress: Progress | None = None) -> Scored:
    """Score the pairs and write them, going on where an interrupted run stopped.

    Args:
        job: what is to be done.
        restart: throw away what an interrupted run left.
        progress: is told how far it is.

    Raises:
        BadInputError: a model that cannot be used, other settings than those of an interrupted run, or columns that are
            not there.
    """
    if isinstance(job.source, ColumnScores):
        a, b = job.pairs.numbers(job.source.a), job.pairs.numbers(job.source.b)
        known = int(np.isfinite(np.concatenate([a, b])).sum())
        result = _finish(job, a, b, answers=2 * len(a), unscored=2 * len(a) - known, resumed=0, tokens=0, seconds=0.0)
        _write(job, result)
        return result
    require_models("scoring")
    answers, keys, which_a, which_b = _answers(job.pairs)
    source, seconds, tokens = job.source, 0.0, 0
    settings = {"command": "score", **source.settings(), "answers": f"{len(keys):,} {content_key(keys)[:8]}"}
    with Journal(job.out, settings, restart=restart) as journal:
        for kind, model in source.models().items():
            names = [f"{kind}/{key}" for key in keys]
            done = {i for i, name in enumerate(names) if name in journal.done}
            clock = time.monotonic()
            for batch in source.scorer(model).scores(answers, frozenset(done)):
                clock, before = time.monotonic(), clock
                if not batch:
                    continue
                seconds += clock - before
                journal.extend((names[found.number], {"score": found.score}) for found in batch)
                done |= {found.number for found in batch}
                tokens += sum(found.tokens for found in batch)
                if progress is not None:
                    progress(kind, len(done), len(keys), tokens, seconds)
        scores = _combine(source, keys, journal)
        result = _finish(
            job,
            scores[which_a],
            scores[which_b],
            answers=len(keys),
            unscored=int(np.isnan(scores).sum()),
            resumed=journal.resumed,
            tokens=tokens,
            seconds=seconds,
        )
        _write(job, result)
        journal.finish()
    return result


def _answers(pairs: Pairs) -> tuple[list[Answer], list[str], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Every different answer once, its key, and which of them the rows' two answers are."""
    of: dict[str, int] = {}
    answers: list[Answer] = []
    which: list[list[int]] = []
    for responses in (pairs.response_a, pairs.response_b):
        numbers = []
        for prompt, response in zip(pairs.prompt or (), responses or (), strict=True):
            key = content_key(prompt, response)
            if key not in of:
                of[key] = len(of)
                answers.append(Answer(prompt, response))
            numbers.append(of[key])
        which.append(numbers)
    return answers, list(of), np.array(which[0], np.int64), np.array(which[1], np.int64)


def _combine(source: RewardModel | ImplicitReward, keys: Sequence[str], journal: Journal) -> Floats:
    """(answers,) scores, NaN where one of the models has none."""
    kinds = list(source.models())
    scores = np.full(len(keys), np.nan)
    for i, key in enumerate(keys):
        found = [journal.done[f"{kind}/{key}"]["score"] for kind in kinds]
        if None not in found:
            scores[i] = source.combine(found)
    return scores


def _finish(job: ScoreJob, a: Floats, b: Floats, **counts: Any) -> Scored:
    """Margins, and how well they fit the votes."""
    margin, sign = a - b, job.pairs.sign
    if sign is None:
        return Scored(a, b, margin, **counts)
    before = judge_calibration(margin, sign)
    if not job.fit_temperature:
        return Scored(a, b, margin, **counts, before=before)
    fit = fit_temperature(margin, sign, _prompts(job.pairs))
    after = judge_calibration(margin, sign, fit.used) if fit.problem is None else None
    return Scored(a, b, fit.used * margin, **counts, fit=fit, before=before, after=after)


def _prompts(pairs: Pairs) -> npt.NDArray[np.int64] | None:
    """(n,) code of each row's prompt; None without texts."""
    if pairs.prompt is None:
        return None
    codes: dict[str, int] = {}
    return np.array([codes.setdefault(content_key(prompt), len(codes)) for prompt in pairs.prompt], np.int64)


def _write(job: ScoreJob, result: Scored) -> None:
    table = job.pairs.table
    for name, values in zip(COLUMNS, (result.score_a, result.score_b, result.margin), strict=True):
        column = pa.array(values, from_pandas=True)
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), name, column)
        else:
            table = table.append_column(name, column)
    if job.out.suffix == ".parquet":
        with written_whole(job.out) as partial:
            pq.write_table(table, partial)
    else:
        starts = range(0, len(table), _BATCH)
        rows = (row for i in starts for row in records_of(table, range(i, min(i + _BATCH, len(table)))))
        write_json_lines(job.out, rows)
    with written_whole(job.summary) as partial:
        write_json(partial, summarise(job, result))


def summarise(job: ScoreJob, result: Scored) -> dict[str, Any]:
    """What a run came to, as JSON values."""
    fit = result.fit
    return {
        "source": job.pairs.source,
        "format": job.pairs.format,
        "scores": describe(job.source),
        "rows": len(job.pairs),
        "rows_without_margin": int(np.isnan(result.margin).sum()),
        "answers": result.answers,
        "answers_without_score": result.unscored,
        "temperature": None
        if fit is None
        else {
            "temperature": fit.temperature,
            "standard_error": fit.standard_error,
            "votes": fit.votes,
            "problem": fit.problem,
        },
        "calibration_before": None if result.before is None else result.before.as_json(),
        "calibration_after": None if result.after is None else result.after.as_json(),
    }
