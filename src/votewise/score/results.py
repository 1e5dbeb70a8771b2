"""The scored rows as a table, how well margins fit the votes, and the files of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from votewise.arrays import Floats
from votewise.data.own_columns import free_name, note_of
from votewise.score.job import ScoreJob
from votewise.score.pairs import Pairs
from votewise.score.score_methods import describe
from votewise.score.temperature import Calibration, TemperatureFit, fit_temperature, measure_calibration
from votewise.sources.values import records_of
from votewise.storage.files import write_json, write_json_lines, written_whole
from votewise.storage.journal import content_key

_BATCH = 10_000


@dataclass(frozen=True)
class AnswerCounts:
    """How much was scored.

    Attributes:
        answers: number of different answers.
        unscored: how many of them have no score.
        resumed: how many scores an interrupted run had already finished.
        tokens: tokens that the models read in this run.
        seconds: time that scoring took in this run, without loading the models.
    """

    answers: int = 0
    unscored: int = 0
    resumed: int = 0
    tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class ScoreResult:
    """Pairs of answers with their scores.

    Attributes:
        job: the job that was run.
        scored: the rows of the pairs with ``score_a``, ``score_b`` (null if there is no score) and ``margin``: their
            difference, times the temperature if one was fitted. No rows after a dry run.
        counts: how much was scored.
        temperature: the fitted temperature; None if none was fitted.
        calibration_before: how well the plain differences of scores fit the votes; None without votes.
        calibration_after: how well the margins do; None without a temperature that can be used.
        summary: everything that is not a table, as in the summary's file; empty after a dry run.
        files: the written files: scored rows and summary.
        names: ``score_a``, ``score_b`` and ``margin`` -> the names that they have in ``scored``: ``votewise_margin`` where
            the pairs have another ``margin`` of their own, which keeps its name.
    """

    job: ScoreJob = field(repr=False)
    scored: pa.Table = field(repr=False)
    counts: AnswerCounts = AnswerCounts()
    temperature: TemperatureFit | None = None
    calibration_before: Calibration | None = field(default=None, repr=False)
    calibration_after: Calibration | None = field(default=None, repr=False)
    summary: dict[str, Any] = field(default_factory=dict, repr=False)
    files: tuple[Path, ...] = ()
    names: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def margin(self) -> Floats:
        """(n,) our margins, NaN if there is none."""
        return np.asarray(self.scored[self.names["margin"]].to_numpy(zero_copy_only=False), np.float64)


def planned_result(job: ScoreJob) -> ScoreResult:
    """The result of a dry run: no rows, no files."""
    nothing: Floats = np.empty(0)
    scored, names = _scored(job.pairs.table.slice(0, 0), nothing, nothing, nothing)
    return ScoreResult(job, scored, names=names)


def result_of(job: ScoreJob, score_a: Floats, score_b: Floats, counts: AnswerCounts) -> ScoreResult:
    """Margins from (n,) scores, NaN if there is none, and how well they fit the votes; nothing is written yet."""
    difference, sign = score_a - score_b, job.pairs.sign
    margin, fit, before, after = difference, None, None, None
    if sign is not None:
        before = measure_calibration(difference, sign)
        if job.fit_temperature:
            fit = fit_temperature(difference, sign, _prompt_codes(job.pairs))
            margin = fit.used * difference
            after = measure_calibration(difference, sign, fit.used) if fit.problem is None else None
    scored, names = _scored(job.pairs.table, score_a, score_b, margin)
    summary = {
        "source": job.pairs.source,
        "format": job.pairs.format,
        "scores": describe(job.method),
        "notes": list(note_of(names)),
        "rows": len(job.pairs),
        "rows_rejected": job.pairs.rejected.rows,
        "rows_skipped": job.pairs.skipped,
        "rows_without_margin": int(np.isnan(margin).sum()),
        "answers": counts.answers,
        "answers_without_score": counts.unscored,
        "temperature": None if fit is None else fit.as_json(),
        "calibration_before": None if before is None else before.as_json(),
        "calibration_after": None if after is None else after.as_json(),
    }
    return ScoreResult(job, scored, counts, fit, before, after, summary, job.files, names)


def write_result(result: ScoreResult) -> None:
    """Write the files of the job."""
    out, summary, table = result.job.out, result.job.summary, result.scored
    if out is None or summary is None:
        return
    if out.suffix == ".parquet":
        with written_whole(out) as partial:
            pq.write_table(table, partial)
    else:
        starts = range(0, len(table), _BATCH)
        rows = (row for i in starts for row in records_of(table, range(i, min(i + _BATCH, len(table)))))
        write_json_lines(out, rows)
    with written_whole(summary) as partial:
        write_json(partial, result.summary)


def _scored(table: pa.Table, score_a: Floats, score_b: Floats, margin: Floats) -> tuple[pa.Table, dict[str, str]]:
    """The table with our columns, and the names that they have there; a column that says the same is not repeated."""
    names = {}
    for name, values in (("score_a", score_a), ("score_b", score_b), ("margin", margin)):
        if name in table.column_names and _equal(table.column(name), values):
            names[name] = name
            continue
        names[name] = free_name(name, table.column_names)
        table = table.append_column(names[name], pa.array(values, from_pandas=True))
    return table, names


def _equal(column: pa.ChunkedArray, values: Floats) -> bool:
    """Whether a column holds these numbers."""
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return False
    own = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return bool(np.array_equal(own, values, equal_nan=True))


def _prompt_codes(pairs: Pairs) -> npt.NDArray[np.int64] | None:
    """(n,) code of each row's prompt; None without texts."""
    if pairs.prompt is None:
        return None
    codes: dict[str, int] = {}
    return np.array([codes.setdefault(content_key(prompt), len(codes)) for prompt in pairs.prompt], np.int64)
